"""Import path of MLTK 0.20 for `mltk.operations.view`."""

from mltk.core._function_module import make_callable
from mltk.operations.view import view_model

__all__ = ["view_model"]

make_callable(__name__)
