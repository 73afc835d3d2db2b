"""Import path of MLTK 0.20 for `mltk.audio.generator`."""

from mltk.audio.generator import ParallelAudioDataGenerator

__all__ = ["ParallelAudioDataGenerator"]
