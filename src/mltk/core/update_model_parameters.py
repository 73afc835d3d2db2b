"""Import path of MLTK 0.20 for `mltk.operations.update_params`."""

from mltk.core._function_module import make_callable
from mltk.operations.update_params import update_model_parameters

__all__ = ["update_model_parameters"]

make_callable(__name__)
