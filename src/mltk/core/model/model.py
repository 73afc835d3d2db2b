"""Import path of MLTK 0.20 for `mltk.specification.model`."""

from mltk.specification.events import MltkModelEvent
from mltk.specification.model import MltkModel

__all__ = ["MltkModel", "MltkModelEvent"]
