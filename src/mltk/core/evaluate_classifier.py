"""Import path of MLTK 0.20 for `mltk.operations.evaluate`."""

from mltk.core._function_module import make_callable
from mltk.operations.evaluate import evaluate_classifier

__all__ = ["evaluate_classifier"]

make_callable(__name__)
