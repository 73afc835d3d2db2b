"""Import path of MLTK 0.20 for `mltk.tflite`."""

from mltk.tflite.layer_options import (
    TfliteAddLayerOptions,
    TfliteConv2DLayerOptions,
    TfliteDepthwiseConv2DLayerOptions,
    TfliteFullyConnectedLayerOptions,
    TfliteLayerOptions,
    TfliteMulLayerOptions,
    TflitePool2DLayerOptions,
    TfliteTransposeConvLayerOptions,
    TfliteUnidirectionalLstmLayerOptions,
)
from mltk.tflite.layers.base import TfliteLayer
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
from mltk.tflite.model import (
    TfliteModel,
)
from mltk.tflite.tensor import (
    TfliteQuantization,
    TfliteShape,
    TfliteTensor,
)
from mltk.tflite.types import TfliteActivation, TflitePadding

__all__ = [
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
]
