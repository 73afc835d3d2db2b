"""Import path of MLTK 0.20 for `mltk.operations.profile`."""

from mltk.core._function_module import make_callable
from mltk.operations.profile import profile_model

__all__ = ["profile_model"]

make_callable(__name__)
