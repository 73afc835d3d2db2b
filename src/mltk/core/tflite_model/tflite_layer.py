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
from mltk.tflite.layers.base import TfliteLayer, TfliteOpCode
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
from mltk.tflite.types import TfliteActivation, TflitePadding

__all__ = [
    "TfliteActivation",
    "TfliteAddLayer",
    "TfliteAddLayerOptions",
    "TfliteConv2DLayerOptions",
    "TfliteConv2dLayer",
    "TfliteDepthwiseConv2DLayerOptions",
    "TfliteDepthwiseConv2dLayer",
    "TfliteDequantizeLayer",
    "TfliteFullyConnectedLayer",
    "TfliteFullyConnectedLayerOptions",
    "TfliteLayer",
    "TfliteLayerOptions",
    "TfliteMulLayer",
    "TfliteMulLayerOptions",
    "TfliteOpCode",
    "TflitePadding",
    "TflitePool2DLayerOptions",
    "TflitePooling2dLayer",
    "TfliteQuantizeLayer",
    "TfliteReshapeLayer",
    "TfliteTransposeConvLayer",
    "TfliteTransposeConvLayerOptions",
    "TfliteUnidirectionalLstmLayer",
    "TfliteUnidirectionalLstmLayerOptions",
]
