"""Import path of MLTK 0.20 for `mltk.operations.evaluate`."""

from mltk.core._function_module import make_callable
from mltk.operations.evaluate import evaluate_autoencoder
from mltk.operations.results.autoencoder import AutoEncoderEvaluationResults

__all__ = ["AutoEncoderEvaluationResults", "evaluate_autoencoder"]

make_callable(__name__)
