"""Import path of MLTK 0.20 for `mltk.operations.evaluate`."""

from mltk.core._function_module import make_callable
from mltk.operations.evaluate import evaluate_classifier
from mltk.operations.results.classifier import ClassifierEvaluationResults

__all__ = ["ClassifierEvaluationResults", "evaluate_classifier"]

make_callable(__name__)
