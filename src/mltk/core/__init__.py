"""Import path of MLTK 0.20: ``import mltk.core as mltk``. The names live where this table and `mltk`'s say.

Names and submodules are imported when first used, so that loading a specification costs no more than it must.
"""

from __future__ import annotations

import importlib
from typing import Any

import mltk

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
_MODULE_OF = {name: module for table in (mltk._PUBLIC, _PUBLIC) for module, names in table.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"mltk.core.{name}")
    module = _MODULE_OF.get(name)
    if module is None:
        raise AttributeError(f"module 'mltk.core' has no attribute {name!r}")
    value = getattr(importlib.import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF, *_SUBMODULES})
