"""Import path of MLTK 0.20 for `mltk.specification.evaluate_settings`."""

from mltk.specification.evaluate_settings import EvaluateClassifierMixin

__all__ = ["EvaluateClassifierMixin"]
