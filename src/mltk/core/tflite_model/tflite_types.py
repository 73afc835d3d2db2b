"""Import path of MLTK 0.20 for `mltk.tflite`."""

from mltk.tflite.layers.kernel_params import (
    TfliteConvParams,
    TfliteDepthwiseConvParams,
    TfliteFullyConnectedParams,
    TflitePoolParams,
    TfliteTransposeConvParams,
)
from mltk.tflite.types import TfliteActivation, TflitePadding

__all__ = [
    "TfliteActivation",
    "TfliteConvParams",
    "TfliteDepthwiseConvParams",
    "TfliteFullyConnectedParams",
    "TflitePadding",
    "TflitePoolParams",
    "TfliteTransposeConvParams",
]
