"""Import path of MLTK 0.20 for `mltk.data.pipeline.normalize`."""

from mltk.core._function_module import make_callable
from mltk.data.pipeline.normalize import normalize

__all__ = ["normalize"]

make_callable(__name__)
