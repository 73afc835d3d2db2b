"""Import path of MLTK 0.20 for `mltk.image.mixin`."""

from mltk.image.mixin import ImageDatasetMixin

__all__ = ["ImageDatasetMixin"]
