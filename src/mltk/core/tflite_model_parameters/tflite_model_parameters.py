"""Import path of MLTK 0.20; the class lives in `mltk.tflite.parameters`."""

from mltk.tflite.parameters import (
    TFLITE_METADATA_TAG,
    TfliteModelParameters,
)

__all__ = [
    "TFLITE_METADATA_TAG",
    "TfliteModelParameters",
]
