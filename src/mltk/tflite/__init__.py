"""The ``.tflite`` as a document: read it, look at it, run it, change what is written in it.

`TfliteModel` opens any TensorFlow Lite model without importing TensorFlow; `TfliteModelParameters` is the dictionary
of model parameters that firmware reads from it; `summarize` prints what is in it. Names are imported on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mltk.tflite.layer_options import (
        TfliteActivation,
        TfliteAddLayerOptions,
        TfliteConv2DLayerOptions,
        TfliteDepthwiseConv2DLayerOptions,
        TfliteFullyConnectedLayerOptions,
        TfliteLayerOptions,
        TfliteMulLayerOptions,
        TflitePadding,
        TflitePool2DLayerOptions,
        TfliteTransposeConvLayerOptions,
        TfliteUnidirectionalLstmLayerOptions,
    )
    from mltk.tflite.layers.base import TfliteLayer
    from mltk.tflite.layers.counts import LayerCounts, count_layer, count_model
    from mltk.tflite.layers.kernel_params import (
        TfliteConvParams,
        TfliteDepthwiseConvParams,
        TfliteFullyConnectedParams,
        TflitePoolParams,
        TfliteTransposeConvParams,
    )
    from mltk.tflite.layers.lstm import TfliteUnidirectionalLstmLayer
    from mltk.tflite.layers.typed import (
        TfliteAddLayer,
        TfliteConv2dLayer,
        TfliteDepthwiseConv2dLayer,
        TfliteDequantizeLayer,
        TfliteFullyConnectedLayer,
        TfliteMulLayer,
        TflitePooling2dLayer,
        TfliteQuantizeLayer,
        TfliteReshapeLayer,
        TfliteTransposeConvLayer,
    )
    from mltk.tflite.model import TfliteModel
    from mltk.tflite.model_parameters import (
        TFLITE_METADATA_TAG,
        TfliteModelParameters,
        stored_parameters,
        update_file_params,
    )
    from mltk.tflite.summary import summarize
    from mltk.tflite.tensor import TfliteQuantization, TfliteShape, TfliteTensor

_NAMES = {
    "layers.counts": ("LayerCounts", "count_layer", "count_model"),
    "layers.base": ("TfliteLayer",),
    "layers.typed": (
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
    ),
    "layers.lstm": ("TfliteUnidirectionalLstmLayer",),
    "model": ("TfliteModel",),
    "layer_options": (
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
    ),
    "model_parameters": ("TFLITE_METADATA_TAG", "TfliteModelParameters", "stored_parameters", "update_file_params"),
    "layers.kernel_params": (
        "TfliteConvParams",
        "TfliteDepthwiseConvParams",
        "TfliteFullyConnectedParams",
        "TflitePoolParams",
        "TfliteTransposeConvParams",
    ),
    "summary": ("summarize",),
    "tensor": ("TfliteQuantization", "TfliteShape", "TfliteTensor"),
}
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

__all__ = [
    "TFLITE_METADATA_TAG",
    "LayerCounts",
    "TfliteActivation",
    "TfliteAddLayer",
    "TfliteAddLayerOptions",
    "TfliteConv2DLayerOptions",
    "TfliteConv2dLayer",
    "TfliteConvParams",
    "TfliteDepthwiseConv2DLayerOptions",
    "TfliteDepthwiseConv2dLayer",
    "TfliteDepthwiseConvParams",
    "TfliteDequantizeLayer",
    "TfliteFullyConnectedLayer",
    "TfliteFullyConnectedLayerOptions",
    "TfliteFullyConnectedParams",
    "TfliteLayer",
    "TfliteLayerOptions",
    "TfliteModel",
    "TfliteModelParameters",
    "TfliteMulLayer",
    "TfliteMulLayerOptions",
    "TflitePadding",
    "TflitePool2DLayerOptions",
    "TflitePoolParams",
    "TflitePooling2dLayer",
    "TfliteQuantization",
    "TfliteQuantizeLayer",
    "TfliteReshapeLayer",
    "TfliteShape",
    "TfliteTensor",
    "TfliteTransposeConvLayer",
    "TfliteTransposeConvLayerOptions",
    "TfliteTransposeConvParams",
    "TfliteUnidirectionalLstmLayer",
    "TfliteUnidirectionalLstmLayerOptions",
    "count_layer",
    "count_model",
    "stored_parameters",
    "summarize",
    "update_file_params",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULE_OF})
