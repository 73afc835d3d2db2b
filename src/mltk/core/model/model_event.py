"""Import path of MLTK 0.20 for `mltk.specification.events`."""

from mltk.specification.events import MltkModelEvent

__all__ = ["MltkModelEvent"]
