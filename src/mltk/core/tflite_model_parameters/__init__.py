"""Import path of MLTK 0.20 for `mltk.tflite.model_parameters`."""

from mltk.tflite.model_parameters import TFLITE_METADATA_TAG, TfliteModelParameters

__all__ = [
    "TFLITE_METADATA_TAG",
    "TfliteModelParameters",
]
