"""The import path of MLTK 0.20 for `mltk.operations.compile.compile_model`."""

from mltk.core._function_module import make_callable
from mltk.operations.compile import compile_model

__all__ = ["compile_model"]

make_callable(__name__)
