"""Import path of MLTK 0.20 for `mltk.operations.train`."""

from mltk.core._function_module import make_callable
from mltk.operations.train import train_model

__all__ = ["train_model"]

make_callable(__name__)
