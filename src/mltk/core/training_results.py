"""Import path of MLTK 0.20 for `mltk.operations.results.training`."""

from mltk.operations.results.training import TrainingResults

__all__ = ["TrainingResults"]
