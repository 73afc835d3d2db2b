"""Integer parameters of the quantized kernels: what a runtime computes from scales and zero points when it prepares.

Source: TensorFlow Lite's ``kernel_util.cc`` (PopulateConvolutionQuantizationParams,
GetQuantizedConvolutionMultipler), which TensorFlow Lite Micro shares.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from mltk.errors import TfliteError
from mltk.tflite.fixed_point import activation_range, quantize_multiplier
from mltk.tflite.layer_options import TfliteLayerOptions
from mltk.tflite.quantization import per_tensor
from mltk.tflite.tensor import TfliteTensor
from mltk.tflite.types import TfliteActivation, TflitePadding


class _Layer(Protocol):
    @property
    def input_tensor(self) -> TfliteTensor: ...
    @property
    def output_tensor(self) -> TfliteTensor: ...
    @property
    def options(self) -> TfliteLayerOptions: ...


class _Convolution(_Layer, Protocol):
    @property
    def filters_tensor(self) -> TfliteTensor: ...


class _FullyConnected(_Layer, Protocol):
    @property
    def weights_tensor(self) -> TfliteTensor: ...
    @property
    def units(self) -> int: ...


@dataclass
class KernelParams:
    """Parameters that every quantized kernel has: the range of its output."""

    quantized_activation_min: int = 0
    quantized_activation_max: int = 0

    def set_activation(self, activation: int, output: TfliteTensor) -> None:
        """Set the range of ``output`` that a fused activation lets through."""
        scale, zero_point = per_tensor(output)
        low, high = activation_range(activation, output.dtype_str, scale, zero_point)
        self.quantized_activation_min, self.quantized_activation_max = low, high


@dataclass
class WindowParams(KernelParams):
    """Parameters of a kernel that moves a window over an image."""

    padding: TflitePadding | int = TflitePadding.SAME
    stride_width: int = 0
    stride_height: int = 0

    def set_window(self, options: TfliteLayerOptions) -> None:
        """Set how the window moves."""
        self.padding = options.padding
        self.stride_width, self.stride_height = options.stride_width, options.stride_height


@dataclass
class WeightedParams(KernelParams):
    """Parameters of a kernel that sums products with weights, one multiplier and shift for each output channel."""

    input_offset: int = 0
    weights_offset: int = 0
    output_offset: int = 0
    per_channel_output_multiplier: list[int] = field(default_factory=list)
    per_channel_output_shift: list[int] = field(default_factory=list)

    def set_offsets(self, input_: TfliteTensor, weights: TfliteTensor, output: TfliteTensor) -> None:
        """Set the offsets. Kernels add the negated zero points of what they read."""
        self.input_offset = -per_tensor(input_)[1]
        self.weights_offset = -(weights.quantization.zeropoint or [0])[0]
        self.output_offset = per_tensor(output)[1]

    def set_channels(self, input_: TfliteTensor, weights: TfliteTensor, output: TfliteTensor, n_channels: int) -> None:
        """Set multiplier and shift of each output channel."""
        input_scale, output_scale = per_tensor(input_)[0], per_tensor(output)[0]
        scales = weights.quantization.scale
        if not scales or not output_scale:
            raise TfliteError(f"Tensor {(weights if output_scale else output).name!r} has no usable scale.")
        if len(scales) == 1:
            scales = scales * n_channels
        pairs = [quantize_multiplier(input_scale * scale / output_scale) for scale in scales]
        self.per_channel_output_multiplier = [multiplier for multiplier, _ in pairs]
        self.per_channel_output_shift = [shift for _, shift in pairs]


@dataclass
class ConvolutionParams(WeightedParams, WindowParams):
    """Parameters of a quantized convolution of any kind."""

    def set_convolution(self, layer: _Convolution, n_channels: int) -> None:
        """Set what all convolutions have, without the range of the activation."""
        tensors = layer.input_tensor, layer.filters_tensor, layer.output_tensor
        self.set_window(layer.options)
        self.set_offsets(*tensors)
        self.set_channels(*tensors, n_channels)


@dataclass
class TfliteConvParams(ConvolutionParams):
    """Parameters of a quantized CONV_2D."""

    dilation_width_factor: int = 1
    dilation_height_factor: int = 1

    @staticmethod
    def calculate(layer: _Convolution) -> TfliteConvParams:
        """Calculate the parameters of a `TfliteConv2dLayer`.

        Raises:
            TfliteError: The layer is not quantized.
        """
        options = layer.options
        params = TfliteConvParams(
            dilation_width_factor=int(options.dilationWFactor), dilation_height_factor=int(options.dilationHFactor)
        )
        params.set_convolution(layer, layer.filters_tensor.shape[0])
        params.set_activation(options.activation, layer.output_tensor)
        return params


@dataclass
class TfliteDepthwiseConvParams(ConvolutionParams):
    """Parameters of a quantized DEPTHWISE_CONV_2D."""

    dilation_width_factor: int = 1
    dilation_height_factor: int = 1
    depth_multiplier: int = 0

    @staticmethod
    def calculate(layer: _Convolution) -> TfliteDepthwiseConvParams:
        """Calculate the parameters of a `TfliteDepthwiseConv2dLayer`.

        Raises:
            TfliteError: The layer is not quantized.
        """
        options = layer.options
        params = TfliteDepthwiseConvParams(
            dilation_width_factor=int(options.dilationWFactor),
            dilation_height_factor=int(options.dilationHFactor),
            depth_multiplier=int(options.depthMultiplier),
        )
        params.set_convolution(layer, layer.filters_tensor.shape[3])
        params.set_activation(options.activation, layer.output_tensor)
        return params


@dataclass
class TfliteTransposeConvParams(ConvolutionParams):
    """Parameters of a quantized TRANSPOSE_CONV."""

    @staticmethod
    def calculate(layer: _Convolution) -> TfliteTransposeConvParams:
        """Calculate the parameters of a `TfliteTransposeConvLayer`.

        Raises:
            TfliteError: The layer is not quantized.
        """
        params = TfliteTransposeConvParams()
        params.set_convolution(layer, layer.filters_tensor.shape[0])
        params.set_activation(TfliteActivation.NONE, layer.output_tensor)
        return params


@dataclass
class TfliteFullyConnectedParams(WeightedParams):
    """Parameters of a quantized FULLY_CONNECTED. With per-channel weights, the lists have one entry for each unit."""

    output_multiplier: int = 0
    output_shift: int = 0

    @staticmethod
    def calculate(layer: _FullyConnected) -> TfliteFullyConnectedParams:
        """Calculate the parameters of a `TfliteFullyConnectedLayer`.

        Raises:
            TfliteError: The layer is not quantized.
        """
        input_, weights, output = layer.input_tensor, layer.weights_tensor, layer.output_tensor
        params = TfliteFullyConnectedParams()
        params.set_activation(layer.options.activation, output)
        params.set_offsets(input_, weights, output)
        if weights.quantization.n_channels > 1:
            params.set_channels(input_, weights, output, layer.units)
            return params
        # Unlike in a convolution, the kernels multiply the two scales as 32-bit floats.
        product: Any = np.float32(per_tensor(input_)[0]) * np.float32(per_tensor(weights)[0])
        output_scale = per_tensor(output)[0]
        if not output_scale:
            raise TfliteError(f"Tensor {output.name!r} has a scale of 0.")
        params.output_multiplier, params.output_shift = quantize_multiplier(float(product) / output_scale)
        return params


@dataclass
class TflitePoolParams(WindowParams):
    """Parameters of a quantized pooling layer."""

    @staticmethod
    def calculate(layer: _Layer) -> TflitePoolParams:
        """Calculate the parameters of a `TflitePooling2dLayer`.

        Raises:
            TfliteError: The layer is not quantized.
        """
        params = TflitePoolParams()
        params.set_window(layer.options)
        params.set_activation(layer.options.activation, layer.output_tensor)
        return params
