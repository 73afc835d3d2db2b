"""Import path of MLTK 0.20 for `mltk.operations.quantize`."""

from mltk.core._function_module import make_callable
from mltk.operations.quantize import quantize_model

__all__ = ["quantize_model"]

make_callable(__name__)
