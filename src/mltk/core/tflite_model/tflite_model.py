"""Import path of MLTK 0.20 for `mltk.tflite.model`."""

from mltk.tflite.layers.base import TfliteLayer, TfliteOpCode
from mltk.tflite.model import (
    TfliteModel,
)
from mltk.tflite.tensor import (
    TfliteTensor,
)

__all__ = [
    "TfliteLayer",
    "TfliteModel",
    "TfliteOpCode",
    "TfliteTensor",
]
