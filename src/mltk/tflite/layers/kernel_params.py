"""Integer parameters of the quantized kernels: what a runtime computes from scales and zero points when it prepares.

Source: TensorFlow Lite's ``quantization_util.cc`` (QuantizeMultiplier) and ``kernel_util.cc``
(PopulateConvolutionQuantizationParams, GetQuantizedConvolutionMultipler, CalculateActivationRangeQuantized), which
TensorFlow Lite Micro shares.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mltk.errors import TfliteError
from mltk.tflite.layer_options import TfliteActivation, TflitePadding
from mltk.tflite.tensor import TfliteTensor

_TYPE_RANGES = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "int32": (-(2**31), 2**31 - 1)}


def quantize_multiplier(multiplier: float) -> tuple[int, int]:
    """A positive real as ``q × 2^(shift − 31)`` with q in [2³⁰, 2³¹): (q, shift)."""
    if not 0 <= multiplier < math.inf:
        raise TfliteError(f"The scales of a layer make a multiplier of {multiplier}.")
    if multiplier == 0:
        return 0, 0
    fraction, shift = math.frexp(multiplier)
    quantized = math.floor(fraction * 2**31 + 0.5)
    if quantized == 2**31:
        quantized //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > 30:
        return 2**31 - 1, 30
    return quantized, shift


def _scale_zero_point(tensor: TfliteTensor) -> tuple[float, int]:
    scales, zero_points = tensor.quantization.scale, tensor.quantization.zeropoint
    if tensor.dtype_str not in _TYPE_RANGES or not scales or not zero_points:
        raise TfliteError(f"Tensor {tensor.name!r} ({tensor.dtype_str}) is not quantized.")
    return scales[0], zero_points[0]


def activation_range(activation: Any, output: TfliteTensor) -> tuple[int, int]:
    """Smallest and largest quantized output that a fused activation lets through."""
    scale, zero_point = _scale_zero_point(output)
    low, high = _TYPE_RANGES[output.dtype_str]

    def quantize(value: float) -> int:
        # Float32 as the kernels compute it; half rounds away from zero.
        ratio = float(np.float32(value) / np.float32(scale)) if scale else 0.0
        if not math.isfinite(ratio):
            raise TfliteError(f"Tensor {output.name!r} has a scale of {scale}.")
        return zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))

    if activation == TfliteActivation.RELU:
        low = max(low, quantize(0.0))
    elif activation == TfliteActivation.RELU6:
        low, high = max(low, quantize(0.0)), min(high, quantize(6.0))
    elif activation == TfliteActivation.RELU_N1_TO_1:
        low, high = max(low, quantize(-1.0)), min(high, quantize(1.0))
    return low, high


def _per_channel(input_: TfliteTensor, filters: TfliteTensor, output: TfliteTensor, n_channels: int) -> list[Any]:
    """(multiplier, shift) of each output channel of a convolution."""
    input_scale, _ = _scale_zero_point(input_)
    output_scale, _ = _scale_zero_point(output)
    scales = filters.quantization.scale
    if not scales or not output_scale:
        raise TfliteError(f"Tensor {(filters if output_scale else output).name!r} has no usable scale.")
    if len(scales) == 1:
        scales = scales * n_channels
    return [quantize_multiplier(input_scale * scale / output_scale) for scale in scales]


def _offsets(input_: TfliteTensor, filters: TfliteTensor, output: TfliteTensor) -> dict[str, Any]:
    """Kernels add the negated zero points of what they read."""
    return {
        "input_offset": -_scale_zero_point(input_)[1],
        "weights_offset": -(filters.quantization.zeropoint or [0])[0],
        "output_offset": _scale_zero_point(output)[1],
    }


def _convolution(layer: Any, n_channels: int) -> dict[str, Any]:
    """What all convolutions share."""
    pairs = _per_channel(layer.input_tensor, layer.filters_tensor, layer.output_tensor, n_channels)
    low, high = activation_range(getattr(layer, "activation", TfliteActivation.NONE), layer.output_tensor)
    return {
        "padding": layer.padding,
        "stride_width": layer.options.stride_width,
        "stride_height": layer.options.stride_height,
        **_offsets(layer.input_tensor, layer.filters_tensor, layer.output_tensor),
        "per_channel_output_multiplier": [multiplier for multiplier, _ in pairs],
        "per_channel_output_shift": [shift for _, shift in pairs],
        "quantized_activation_min": low,
        "quantized_activation_max": high,
    }


def _padding() -> TflitePadding:
    return TflitePadding.SAME


@dataclass
class TfliteConvParams:
    """Parameters of a quantized CONV_2D."""

    padding: TflitePadding = field(default_factory=_padding)
    stride_width: int = 0
    stride_height: int = 0
    dilation_width_factor: int = 1
    dilation_height_factor: int = 1
    input_offset: int = 0
    weights_offset: int = 0
    output_offset: int = 0
    per_channel_output_multiplier: list[int] = field(default_factory=list)
    per_channel_output_shift: list[int] = field(default_factory=list)
    quantized_activation_min: int = 0
    quantized_activation_max: int = 0

    @staticmethod
    def calculate(layer: Any) -> TfliteConvParams:
        """Of a `TfliteConv2dLayer`; `TfliteError` if it is not quantized."""
        return TfliteConvParams(
            dilation_width_factor=int(layer.options.dilationWFactor),
            dilation_height_factor=int(layer.options.dilationHFactor),
            **_convolution(layer, layer.filters_tensor.shape[0]),
        )


@dataclass
class TfliteDepthwiseConvParams:
    """Parameters of a quantized DEPTHWISE_CONV_2D."""

    padding: TflitePadding = field(default_factory=_padding)
    stride_width: int = 0
    stride_height: int = 0
    dilation_width_factor: int = 1
    dilation_height_factor: int = 1
    depth_multiplier: int = 0
    input_offset: int = 0
    weights_offset: int = 0
    output_offset: int = 0
    per_channel_output_multiplier: list[int] = field(default_factory=list)
    per_channel_output_shift: list[int] = field(default_factory=list)
    quantized_activation_min: int = 0
    quantized_activation_max: int = 0

    @staticmethod
    def calculate(layer: Any) -> TfliteDepthwiseConvParams:
        """Of a `TfliteDepthwiseConv2dLayer`; `TfliteError` if it is not quantized."""
        return TfliteDepthwiseConvParams(
            dilation_width_factor=int(layer.options.dilationWFactor),
            dilation_height_factor=int(layer.options.dilationHFactor),
            depth_multiplier=layer.multiplier,
            **_convolution(layer, layer.filters_tensor.shape[3]),
        )


@dataclass
class TfliteTransposeConvParams:
    """Parameters of a quantized TRANSPOSE_CONV."""

    padding: TflitePadding = field(default_factory=_padding)
    stride_width: int = 0
    stride_height: int = 0
    input_offset: int = 0
    weights_offset: int = 0
    output_offset: int = 0
    per_channel_output_multiplier: list[int] = field(default_factory=list)
    per_channel_output_shift: list[int] = field(default_factory=list)
    quantized_activation_min: int = 0
    quantized_activation_max: int = 0

    @staticmethod
    def calculate(layer: Any) -> TfliteTransposeConvParams:
        """Of a `TfliteTransposeConvLayer`; `TfliteError` if it is not quantized."""
        return TfliteTransposeConvParams(**_convolution(layer, layer.filters_tensor.shape[0]))


@dataclass
class TfliteFullyConnectedParams:
    """Parameters of a quantized FULLY_CONNECTED. With per-channel weights, the lists have one entry a unit."""

    input_offset: int = 0
    weights_offset: int = 0
    output_offset: int = 0
    output_multiplier: int = 0
    output_shift: int = 0
    quantized_activation_min: int = 0
    quantized_activation_max: int = 0
    per_channel_output_multiplier: list[int] = field(default_factory=list)
    per_channel_output_shift: list[int] = field(default_factory=list)

    @staticmethod
    def calculate(layer: Any) -> TfliteFullyConnectedParams:
        """Of a `TfliteFullyConnectedLayer`; `TfliteError` if it is not quantized."""
        input_, weights, output = layer.input_tensor, layer.weights_tensor, layer.output_tensor
        low, high = activation_range(layer.activation, output)
        params = TfliteFullyConnectedParams(
            **_offsets(input_, weights, output), quantized_activation_min=low, quantized_activation_max=high
        )
        if weights.quantization.n_channels > 1:
            pairs = _per_channel(input_, weights, output, layer.units)
            params.per_channel_output_multiplier = [multiplier for multiplier, _ in pairs]
            params.per_channel_output_shift = [shift for _, shift in pairs]
        else:
            # Unlike in a convolution, the kernels multiply the two scales as 32-bit floats.
            product = float(np.float32(_scale_zero_point(input_)[0]) * np.float32(_scale_zero_point(weights)[0]))
            output_scale = _scale_zero_point(output)[0]
            if not output_scale:
                raise TfliteError(f"Tensor {output.name!r} has a scale of 0.")
            params.output_multiplier, params.output_shift = quantize_multiplier(product / output_scale)
        return params


@dataclass
class TflitePoolParams:
    """Parameters of a quantized pooling layer."""

    padding: TflitePadding = field(default_factory=_padding)
    stride_width: int = 0
    stride_height: int = 0
    quantized_activation_min: int = 0
    quantized_activation_max: int = 0

    @staticmethod
    def calculate(layer: Any) -> TflitePoolParams:
        """Of a `TflitePooling2dLayer`; `TfliteError` if it is not quantized."""
        low, high = activation_range(layer.activation, layer.output_tensor)
        return TflitePoolParams(
            padding=layer.padding,
            stride_width=layer.options.stride_width,
            stride_height=layer.options.stride_height,
            quantized_activation_min=low,
            quantized_activation_max=high,
        )
