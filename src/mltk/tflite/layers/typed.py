"""Typed layers: operators with their tensors and options by name.

Importing this module registers the classes for `mltk.tflite.layers.base.layer_from_flatbuffer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltk.tflite import layer_options as _options
from mltk.tflite.layers import lstm as lstm  # registers its class
from mltk.tflite.layers.base import ActivatedLayer, SingleInputLayer, layer_class
from mltk.tflite.layers.operands import Operand, OperandData, OptionalOperand, OptionalOperandData
from mltk.tflite.types import Op, TflitePadding

if TYPE_CHECKING:
    from mltk.tflite.layers.kernel_params import (
        TfliteConvParams,
        TfliteDepthwiseConvParams,
        TfliteFullyConnectedParams,
        TflitePoolParams,
        TfliteTransposeConvParams,
    )

# kernel_params is imported where it is used: the start-up of `mltk profile` does not need it.


@layer_class(Op.QUANTIZE)
class TfliteQuantizeLayer(SingleInputLayer):
    """QUANTIZE: float to integer, or one integer scale to another."""


@layer_class(Op.DEQUANTIZE)
class TfliteDequantizeLayer(SingleInputLayer):
    """DEQUANTIZE: integer to float."""


@layer_class(Op.RESHAPE)
class TfliteReshapeLayer(SingleInputLayer):
    """RESHAPE."""

    @property
    def n_input_elements(self) -> int:
        """Number of elements of the input."""
        return self.input_tensor.shape.flat_size

    @property
    def requires_copy(self) -> bool:
        """Whether input and output are different tensors, so that a runtime without aliasing copies."""
        return self.input_tensor.index != self.output_tensor.index


class _TwoInputs(ActivatedLayer):
    _input_ranks = (None, None)
    _n_outputs = 1

    input1_tensor = Operand(0, "First operand.")
    input1_data = OperandData(input1_tensor)
    input2_tensor = Operand(1, "Second operand.")
    input2_data = OperandData(input2_tensor)
    output_tensor = Operand(0, "The result.", output=True)
    output_data = OperandData(output_tensor)


@layer_class(Op.ADD)
class TfliteAddLayer(_TwoInputs):
    """ADD, element by element with broadcasting."""

    _options_class = _options.TfliteAddLayerOptions


@layer_class(Op.MUL)
class TfliteMulLayer(_TwoInputs):
    """MUL, element by element with broadcasting."""

    _options_class = _options.TfliteMulLayerOptions


class _Strided(SingleInputLayer):
    @property
    def padding(self) -> TflitePadding | int:
        """How the border is treated; a number if the schema lacks it."""
        padding: TflitePadding | int = self.options.padding
        return padding

    @property
    def strides(self) -> tuple[int, int]:
        """Steps of the window: (height, width)."""
        return self.options.stride_height, self.options.stride_width


class _Filtered(_Strided):
    """A layer with filters of shape (…, height, width, …) and an optional bias."""

    _input_ranks: tuple[int | None, ...] = (4, 4)

    filters_tensor = Operand(1, "Filters.")
    filters_data = OperandData(filters_tensor)
    bias_tensor = OptionalOperand(2, "Bias of each output channel; None if there is no bias.")
    bias_data = OptionalOperandData(bias_tensor)

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Size of a filter: (height, width)."""
        shape = self.filters_tensor.shape
        return shape[1], shape[2]

    @property
    def use_bias(self) -> bool:
        """Whether a bias is added."""
        return self.bias_tensor is not None


@layer_class(Op.CONV_2D)
class TfliteConv2dLayer(_Filtered, ActivatedLayer):
    """CONV_2D: input (N, H, W, C), filters (filters, height, width, C), output (N, H', W', filters)."""

    _options_class = _options.TfliteConv2DLayerOptions

    @property
    def filters(self) -> int:
        """Number of filters, which is the number of output channels."""
        return self.filters_tensor.shape[0]

    @property
    def params(self) -> TfliteConvParams:
        """Integer parameters of the quantized kernel."""
        from mltk.tflite.layers.kernel_params import TfliteConvParams

        return TfliteConvParams.calculate(self)


@layer_class(Op.DEPTHWISE_CONV_2D)
class TfliteDepthwiseConv2dLayer(_Filtered, ActivatedLayer):
    """DEPTHWISE_CONV_2D: input (N, H, W, C), filters (1, height, width, C·multiplier)."""

    _options_class = _options.TfliteDepthwiseConv2DLayerOptions

    @property
    def multiplier(self) -> int:
        """Output channels per input channel."""
        return int(self.options.multiplier)

    @property
    def params(self) -> TfliteDepthwiseConvParams:
        """Integer parameters of the quantized kernel."""
        from mltk.tflite.layers.kernel_params import TfliteDepthwiseConvParams

        return TfliteDepthwiseConvParams.calculate(self)


@layer_class(Op.TRANSPOSE_CONV)
class TfliteTransposeConvLayer(_Filtered):
    """TRANSPOSE_CONV: output shape, filters (filters, height, width, C), input (N, H, W, C), optional bias."""

    _options_class = _options.TfliteTransposeConvLayerOptions
    _input_ranks = (None, 4, 4)

    input_tensor = Operand(2, "The input, which is the third input of this operator.")
    input_data = OperandData(input_tensor)
    bias_tensor = OptionalOperand(3, "Bias of each output channel; None if there is no bias.")
    bias_data = OptionalOperandData(bias_tensor)

    @property
    def filters(self) -> int:
        """Number of filters, which is the number of output channels."""
        return self.filters_tensor.shape[0]

    @property
    def params(self) -> TfliteTransposeConvParams:
        """Integer parameters of the quantized kernel."""
        from mltk.tflite.layers.kernel_params import TfliteTransposeConvParams

        return TfliteTransposeConvParams.calculate(self)


@layer_class(Op.FULLY_CONNECTED)
class TfliteFullyConnectedLayer(SingleInputLayer, ActivatedLayer):
    """FULLY_CONNECTED: weights (units, accumulator depth), optional bias (units)."""

    _options_class = _options.TfliteFullyConnectedLayerOptions
    _input_ranks = (None, 2)

    weights_tensor = Operand(1, "Weights (units, accumulator depth).")
    weights_data = OperandData(weights_tensor)
    bias_tensor = OptionalOperand(2, "Bias of each unit; None if there is no bias.")
    bias_data = OptionalOperandData(bias_tensor)

    @property
    def accumulator_depth(self) -> int:
        """Products that are summed for an output."""
        return self.weights_tensor.shape[1]

    @property
    def units(self) -> int:
        """Number of outputs for each row of the input."""
        return self.weights_tensor.shape[0]

    @property
    def use_bias(self) -> bool:
        """Whether a bias is added."""
        return self.bias_tensor is not None

    @property
    def params(self) -> TfliteFullyConnectedParams:
        """Integer parameters of the quantized kernel."""
        from mltk.tflite.layers.kernel_params import TfliteFullyConnectedParams

        return TfliteFullyConnectedParams.calculate(self)


@layer_class(Op.AVERAGE_POOL_2D, Op.MAX_POOL_2D)
class TflitePooling2dLayer(_Strided, ActivatedLayer):
    """AVERAGE_POOL_2D and MAX_POOL_2D."""

    _options_class = _options.TflitePool2DLayerOptions
    _input_ranks = (4,)

    @property
    def pool_size(self) -> tuple[int, int]:
        """Size of the window: (height, width)."""
        return self.options.filter_height, self.options.filter_width

    @property
    def params(self) -> TflitePoolParams:
        """Integer parameters of the quantized kernel."""
        from mltk.tflite.layers.kernel_params import TflitePoolParams

        return TflitePoolParams.calculate(self)
