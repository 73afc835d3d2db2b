"""Import path of MLTK 0.20 for `mltk.operations.results.evaluation`."""

from mltk.operations.results.evaluation import EvaluationResults

__all__ = ["EvaluationResults"]
