"""Only for scripts written for MLTK 0.20. Write no new code here.

``import mltk.core as mltk`` offers the names of ``mltk`` and the names that the table below adds. Names and submodules
are imported when they are first used.

- ``model/``: the classes of a specification, and functions that load models.
- ``keras/``: callbacks, layers, losses and models for training.
- ``preprocess/``: the audio frontend, data generators, and helpers for folders, audio files and ``tf.data``.
- ``tflite_model/``, ``tflite_model_parameters/``: the ``.tflite`` and its parameters.
- ``tflite_micro/``: TensorFlow Lite Micro on the host.
- ``utils.py``: loggers and labels.
- ``profiling_results.py``, ``evaluation_results.py``, ``training_results.py``: classes of results.
- ``train_model.py`` and others: modules with the name of their function.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import mltk
from mltk._lazy import lazy_names

if TYPE_CHECKING:
    from mltk import *  # noqa: F403
    from mltk.core.compile_model import compile_model as compile_model
    from mltk.core.keras import KerasModel as KerasModel
    from mltk.tflite import *  # noqa: F403

_PUBLIC = {
    "mltk.core.compile_model": ["compile_model"],
    "mltk.core.keras": ["KerasModel"],
    "mltk.tflite.layers.base": ["TfliteLayer", "TfliteOpCode"],
    "mltk.tflite.layers.typed": [
        "TfliteAddLayer",
        "TfliteConv2dLayer",
        "TfliteDepthwiseConv2dLayer",
        "TfliteDequantizeLayer",
        "TfliteFullyConnectedLayer",
        "TfliteMulLayer",
        "TflitePooling2dLayer",
        "TfliteQuantizeLayer",
        "TfliteReshapeLayer",
        "TfliteTransposeConvLayer",
    ],
    "mltk.tflite.layers.lstm": ["TfliteUnidirectionalLstmLayer"],
    "mltk.tflite.layer_options": [
        "TfliteAddLayerOptions",
        "TfliteConv2DLayerOptions",
        "TfliteDepthwiseConv2DLayerOptions",
        "TfliteFullyConnectedLayerOptions",
        "TfliteLayerOptions",
        "TfliteMulLayerOptions",
        "TflitePool2DLayerOptions",
        "TfliteTransposeConvLayerOptions",
        "TfliteUnidirectionalLstmLayerOptions",
    ],
    "mltk.tflite.layers.kernel_params": [
        "TfliteConvParams",
        "TfliteDepthwiseConvParams",
        "TfliteFullyConnectedParams",
        "TflitePoolParams",
        "TfliteTransposeConvParams",
    ],
    "mltk.tflite.tensor": ["TfliteQuantization", "TfliteShape", "TfliteTensor"],
    "mltk.tflite.types": ["TfliteActivation", "TflitePadding"],
}
_SUBMODULES = (
    "evaluation_results",
    "keras",
    "model",
    "preprocess",
    "profiling_results",
    "tflite_micro",
    "tflite_model",
    "tflite_model_parameters",
    "training_results",
    "utils",
)

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_names(
        __name__, {"mltk": mltk.__all__, **_PUBLIC}, _SUBMODULES, left_out=["KerasModel"]
    )
