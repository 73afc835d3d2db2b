"""Import path of MLTK 0.20 for `mltk.operations.summarize`."""

from mltk.core._function_module import make_callable
from mltk.operations.summarize import summarize_model

__all__ = ["summarize_model"]

make_callable(__name__)
