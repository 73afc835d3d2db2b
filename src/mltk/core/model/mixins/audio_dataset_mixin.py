"""Import path of MLTK 0.20 for `mltk.audio.mixin`."""

from mltk.audio.mixin import AudioDatasetMixin

__all__ = ["AudioDatasetMixin"]
