"""Import path of MLTK 0.20 for `mltk.audio`."""

from mltk.audio.generator import ParallelAudioDataGenerator
from mltk.audio.process_params import ParallelProcessParams

__all__ = ["ParallelAudioDataGenerator", "ParallelProcessParams"]
