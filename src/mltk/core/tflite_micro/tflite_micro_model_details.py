"""Import path of MLTK 0.20 for `mltk.core.tflite_micro.tflite_micro_model`."""

from mltk.core.tflite_micro.tflite_micro_model import TfliteMicroModelDetails

__all__ = [
    "TfliteMicroModelDetails",
]
