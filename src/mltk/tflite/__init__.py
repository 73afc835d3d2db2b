"""A ``.tflite`` file: read it, look at it, run it, change it.

`TfliteModel` opens any TensorFlow Lite model without importing TensorFlow. `TfliteModelParameters` is the dictionary of
model parameters that firmware reads. `summarize` returns the contents as text. Names are imported when they are first
used.

The modules, from the lowest to the highest: `types` (tables of the schema), `format` (bytes), `quantization` and
`fixed_point` (arithmetic), `tensor`, `layer_options`, `layers`, `graph` (the model as an interpreter sees it),
`tflite_file` (bytes and metadata), `model_parameters`, `summary`, `litert`, `predict`, `model`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltk._lazy import lazy_names

if TYPE_CHECKING:
    from mltk.tflite.graph import Graph as Graph
    from mltk.tflite.graph import graph_of as graph_of
    from mltk.tflite.layer_options import TfliteAddLayerOptions as TfliteAddLayerOptions
    from mltk.tflite.layer_options import TfliteConv2DLayerOptions as TfliteConv2DLayerOptions
    from mltk.tflite.layer_options import TfliteDepthwiseConv2DLayerOptions as TfliteDepthwiseConv2DLayerOptions
    from mltk.tflite.layer_options import TfliteFullyConnectedLayerOptions as TfliteFullyConnectedLayerOptions
    from mltk.tflite.layer_options import TfliteLayerOptions as TfliteLayerOptions
    from mltk.tflite.layer_options import TfliteMulLayerOptions as TfliteMulLayerOptions
    from mltk.tflite.layer_options import TflitePool2DLayerOptions as TflitePool2DLayerOptions
    from mltk.tflite.layer_options import TfliteTransposeConvLayerOptions as TfliteTransposeConvLayerOptions
    from mltk.tflite.layer_options import TfliteUnidirectionalLstmLayerOptions as TfliteUnidirectionalLstmLayerOptions
    from mltk.tflite.layers.base import TfliteLayer as TfliteLayer
    from mltk.tflite.layers.counts import LayerCounts as LayerCounts
    from mltk.tflite.layers.counts import count_layer as count_layer
    from mltk.tflite.layers.counts import count_model as count_model
    from mltk.tflite.layers.kernel_params import TfliteConvParams as TfliteConvParams
    from mltk.tflite.layers.kernel_params import TfliteDepthwiseConvParams as TfliteDepthwiseConvParams
    from mltk.tflite.layers.kernel_params import TfliteFullyConnectedParams as TfliteFullyConnectedParams
    from mltk.tflite.layers.kernel_params import TflitePoolParams as TflitePoolParams
    from mltk.tflite.layers.kernel_params import TfliteTransposeConvParams as TfliteTransposeConvParams
    from mltk.tflite.layers.lstm import TfliteUnidirectionalLstmLayer as TfliteUnidirectionalLstmLayer
    from mltk.tflite.layers.typed import TfliteAddLayer as TfliteAddLayer
    from mltk.tflite.layers.typed import TfliteConv2dLayer as TfliteConv2dLayer
    from mltk.tflite.layers.typed import TfliteDepthwiseConv2dLayer as TfliteDepthwiseConv2dLayer
    from mltk.tflite.layers.typed import TfliteDequantizeLayer as TfliteDequantizeLayer
    from mltk.tflite.layers.typed import TfliteFullyConnectedLayer as TfliteFullyConnectedLayer
    from mltk.tflite.layers.typed import TfliteMulLayer as TfliteMulLayer
    from mltk.tflite.layers.typed import TflitePooling2dLayer as TflitePooling2dLayer
    from mltk.tflite.layers.typed import TfliteQuantizeLayer as TfliteQuantizeLayer
    from mltk.tflite.layers.typed import TfliteReshapeLayer as TfliteReshapeLayer
    from mltk.tflite.layers.typed import TfliteTransposeConvLayer as TfliteTransposeConvLayer
    from mltk.tflite.model import TfliteModel as TfliteModel
    from mltk.tflite.model import summarize as summarize
    from mltk.tflite.model_parameters import TFLITE_METADATA_TAG as TFLITE_METADATA_TAG
    from mltk.tflite.model_parameters import TfliteModelParameters as TfliteModelParameters
    from mltk.tflite.model_parameters import stored_parameters as stored_parameters
    from mltk.tflite.model_parameters import update_file_params as update_file_params
    from mltk.tflite.tensor import TfliteQuantization as TfliteQuantization
    from mltk.tflite.tensor import TfliteShape as TfliteShape
    from mltk.tflite.tensor import TfliteTensor as TfliteTensor
    from mltk.tflite.types import TfliteActivation as TfliteActivation
    from mltk.tflite.types import TflitePadding as TflitePadding

_NAMES = {
    "mltk.tflite.graph": ("Graph", "graph_of"),
    "mltk.tflite.layers.counts": ("LayerCounts", "count_layer", "count_model"),
    "mltk.tflite.layers.base": ("TfliteLayer",),
    "mltk.tflite.layers.typed": (
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
    "mltk.tflite.layers.lstm": ("TfliteUnidirectionalLstmLayer",),
    "mltk.tflite.model": ("TfliteModel", "summarize"),
    "mltk.tflite.layer_options": (
        "TfliteAddLayerOptions",
        "TfliteConv2DLayerOptions",
        "TfliteDepthwiseConv2DLayerOptions",
        "TfliteFullyConnectedLayerOptions",
        "TfliteLayerOptions",
        "TfliteMulLayerOptions",
        "TflitePool2DLayerOptions",
        "TfliteTransposeConvLayerOptions",
        "TfliteUnidirectionalLstmLayerOptions",
    ),
    "mltk.tflite.model_parameters": (
        "TFLITE_METADATA_TAG",
        "TfliteModelParameters",
        "stored_parameters",
        "update_file_params",
    ),
    "mltk.tflite.layers.kernel_params": (
        "TfliteConvParams",
        "TfliteDepthwiseConvParams",
        "TfliteFullyConnectedParams",
        "TflitePoolParams",
        "TfliteTransposeConvParams",
    ),
    "mltk.tflite.tensor": ("TfliteQuantization", "TfliteShape", "TfliteTensor"),
    "mltk.tflite.types": ("TfliteActivation", "TflitePadding"),
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = lazy_names(__name__, _NAMES)
