"""Import path of MLTK 0.20 for `mltk.specification.train_settings`."""

from mltk.specification.train_settings import TrainMixin

__all__ = ["TrainMixin"]
