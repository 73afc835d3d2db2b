"""Import path of MLTK 0.20 for `mltk.core.tflite_micro.tflite_micro`."""

from mltk.core.tflite_micro.tflite_micro import TfliteMicroAccelerator

__all__ = [
    "TfliteMicroAccelerator",
]
