"""Import path of MLTK 0.20: functions that find and load models."""

from mltk.operations.load_model import load_tflite_model, load_tflite_or_keras_model
from mltk.specification.loading import load_mltk_model, load_mltk_model_with_path
from mltk.specification.search import find_model as find_model_specification_file
from mltk.specification.search import list_mltk_models

__all__ = [
    "find_model_specification_file",
    "list_mltk_models",
    "load_mltk_model",
    "load_mltk_model_with_path",
    "load_tflite_model",
    "load_tflite_or_keras_model",
]
