"""Import path of MLTK 0.20 for `mltk.tflite.tensor`."""

from mltk.tflite.tensor import (
    TfliteQuantization,
    TfliteShape,
    TfliteTensor,
)

__all__ = [
    "TfliteQuantization",
    "TfliteShape",
    "TfliteTensor",
]
