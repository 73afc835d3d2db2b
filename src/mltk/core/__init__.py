"""Import path of MLTK 0.20: ``import mltk.core as mltk``. The names live where this table and `mltk`'s say.

Names and submodules are imported when first used, so that loading a specification costs no more than it must.
"""

from __future__ import annotations

import mltk
from mltk._lazy import lazy_names

_PUBLIC = {
    "mltk.tflite.layers.base": ["TfliteLayer"],
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
        "TfliteActivation",
        "TfliteAddLayerOptions",
        "TfliteConv2DLayerOptions",
        "TfliteDepthwiseConv2DLayerOptions",
        "TfliteFullyConnectedLayerOptions",
        "TfliteLayerOptions",
        "TfliteMulLayerOptions",
        "TflitePadding",
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
}
_SUBMODULES = ("keras", "model", "preprocess", "tflite_micro", "tflite_model", "tflite_model_parameters")

__getattr__, __dir__, __all__ = lazy_names(__name__, {**mltk._PUBLIC, **_PUBLIC}, _SUBMODULES)
