"""Import path of MLTK 0.20; the classes live in `mltk.tflite.tensor`."""

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
