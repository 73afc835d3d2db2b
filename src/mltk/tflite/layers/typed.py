"""Typed layers: operators with their tensors and options by name.

`layer_from_flatbuffer` picks the class by operator; whatever it does not know, or whose tensors are not what the
operator needs, is a plain `TfliteLayer` with the operator's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.tflite import layer_options as _options
from mltk.tflite.layers.base import ActivatedLayer, Op, SingleInputLayer, TfliteLayer
from mltk.tflite.layers.lstm import TfliteUnidirectionalLstmLayer
from mltk.tflite.tensor import TfliteTensor, decode

if TYPE_CHECKING:
    from mltk.tflite.layers.kernel_params import (
        TfliteConvParams,
        TfliteDepthwiseConvParams,
        TfliteFullyConnectedParams,
        TflitePoolParams,
        TfliteTransposeConvParams,
    )
    from mltk.tflite.model import TfliteModel


class TfliteQuantizeLayer(SingleInputLayer):
    """QUANTIZE: float to integer, or one integer scale to another."""


class TfliteDequantizeLayer(SingleInputLayer):
    """DEQUANTIZE: integer to float."""


class TfliteReshapeLayer(SingleInputLayer):
    """RESHAPE."""

    @property
    def n_input_elements(self) -> int:
        """Number of elements that go through."""
        return self.input_tensor.shape.flat_size

    @property
    def requires_copy(self) -> bool:
        """Whether input and output are different tensors, so that a runtime without aliasing copies."""
        return self.input_tensor.index != self.output_tensor.index


class _TwoInputs(ActivatedLayer):
    _input_ranks = (None, None)
    _n_outputs = 1

    @property
    def input1_tensor(self) -> TfliteTensor:
        """First operand."""
        return self.get_input_tensor(0)

    @property
    def input1_data(self) -> np.ndarray:
        """Its data."""
        return self.get_input_data(0)

    @property
    def input2_tensor(self) -> TfliteTensor:
        """Second operand."""
        return self.get_input_tensor(1)

    @property
    def input2_data(self) -> np.ndarray:
        """Its data."""
        return self.get_input_data(1)

    @property
    def output_tensor(self) -> TfliteTensor:
        """The result."""
        return self.get_output_tensor(0)

    @property
    def output_data(self) -> np.ndarray:
        """Zeros of its shape."""
        return self.get_output_data(0)


class TfliteAddLayer(_TwoInputs):
    """ADD, element by element with broadcasting."""

    _options_class = _options.TfliteAddLayerOptions


class TfliteMulLayer(_TwoInputs):
    """MUL, element by element with broadcasting."""

    _options_class = _options.TfliteMulLayerOptions


class _Strided(SingleInputLayer):
    @property
    def padding(self) -> Any:
        """How the border is treated, a `mltk.tflite.layer_options.TflitePadding`."""
        return self.options.padding

    @property
    def strides(self) -> tuple[int, int]:
        """Steps of the window: (height, width)."""
        return self.options.stride_height, self.options.stride_width


class _Filtered(_Strided):
    """A layer with filters of shape (…, height, width, …) and an optional bias."""

    _filters_index = 1
    _bias_index = 2
    _input_ranks: tuple[int | None, ...] = (4, 4)

    @property
    def filters_tensor(self) -> TfliteTensor:
        """Filters."""
        return self.get_input_tensor(self._filters_index)

    @property
    def filters_data(self) -> np.ndarray:
        """Their values, of the shape of `filters_tensor`."""
        return self.filters_tensor.data

    @property
    def kernel_size(self) -> tuple[int, int]:
        """Size of a filter: (height, width)."""
        shape = self.filters_tensor.shape
        return shape[1], shape[2]

    @property
    def use_bias(self) -> bool:
        """Whether a bias is added."""
        return len(self._inputs) > self._bias_index and self._inputs[self._bias_index] is not None

    @property
    def bias_tensor(self) -> TfliteTensor | None:
        """Bias of each output channel; None without."""
        return self._inputs[self._bias_index] if self.use_bias else None

    @property
    def bias_data(self) -> np.ndarray | None:
        """Its values; None without."""
        return None if self.bias_tensor is None else self.bias_tensor.data


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


class TfliteDepthwiseConv2dLayer(_Filtered, ActivatedLayer):
    """DEPTHWISE_CONV_2D: input (N, H, W, C), filters (1, height, width, C·multiplier)."""

    _options_class = _options.TfliteDepthwiseConv2DLayerOptions

    @property
    def multiplier(self) -> int:
        """Output channels per input channel."""
        return self.options.multiplier

    @property
    def params(self) -> TfliteDepthwiseConvParams:
        """Integer parameters of the quantized kernel."""
        from mltk.tflite.layers.kernel_params import TfliteDepthwiseConvParams

        return TfliteDepthwiseConvParams.calculate(self)


class TfliteTransposeConvLayer(_Filtered):
    """TRANSPOSE_CONV: output shape, filters (filters, height, width, C), input (N, H, W, C), optional bias."""

    _options_class = _options.TfliteTransposeConvLayerOptions
    _bias_index = 3
    _input_ranks = (None, 4, 4)

    @property
    def input_tensor(self) -> TfliteTensor:
        """The input, which for this operator is the third one."""
        return self.get_input_tensor(2)

    @property
    def input_data(self) -> np.ndarray:
        """Its data."""
        return self.get_input_data(2)

    @property
    def filters(self) -> int:
        """Number of filters, which is the number of output channels."""
        return self.filters_tensor.shape[0]

    @property
    def params(self) -> TfliteTransposeConvParams:
        """Integer parameters of the quantized kernel."""
        from mltk.tflite.layers.kernel_params import TfliteTransposeConvParams

        return TfliteTransposeConvParams.calculate(self)


class TfliteFullyConnectedLayer(SingleInputLayer, ActivatedLayer):
    """FULLY_CONNECTED: weights (units, accumulator depth), optional bias (units)."""

    _options_class = _options.TfliteFullyConnectedLayerOptions
    _input_ranks = (None, 2)

    @property
    def weights_tensor(self) -> TfliteTensor:
        """Weights (units, accumulator depth)."""
        return self.get_input_tensor(1)

    @property
    def weights_data(self) -> np.ndarray:
        """Their values."""
        return self.weights_tensor.data

    @property
    def accumulator_depth(self) -> int:
        """Products summed for an output."""
        return self.weights_tensor.shape[1]

    @property
    def units(self) -> int:
        """Number of outputs per row of the input."""
        return self.weights_tensor.shape[0]

    @property
    def use_bias(self) -> bool:
        """Whether a bias is added."""
        return len(self._inputs) > 2 and self._inputs[2] is not None

    @property
    def bias_tensor(self) -> TfliteTensor | None:
        """Bias of each unit; None without."""
        return self._inputs[2] if self.use_bias else None

    @property
    def bias_data(self) -> np.ndarray | None:
        """Its values; None without."""
        return None if self.bias_tensor is None else self.bias_tensor.data

    @property
    def params(self) -> TfliteFullyConnectedParams:
        """Integer parameters of the quantized kernel."""
        from mltk.tflite.layers.kernel_params import TfliteFullyConnectedParams

        return TfliteFullyConnectedParams.calculate(self)


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


_LAYER_CLASSES: dict[int, type[TfliteLayer]] = {
    Op.ADD: TfliteAddLayer,
    Op.MUL: TfliteMulLayer,
    Op.CONV_2D: TfliteConv2dLayer,
    Op.DEPTHWISE_CONV_2D: TfliteDepthwiseConv2dLayer,
    Op.TRANSPOSE_CONV: TfliteTransposeConvLayer,
    Op.FULLY_CONNECTED: TfliteFullyConnectedLayer,
    Op.AVERAGE_POOL_2D: TflitePooling2dLayer,
    Op.MAX_POOL_2D: TflitePooling2dLayer,
    Op.UNIDIRECTIONAL_SEQUENCE_LSTM: TfliteUnidirectionalLstmLayer,
    Op.RESHAPE: TfliteReshapeLayer,
    Op.QUANTIZE: TfliteQuantizeLayer,
    Op.DEQUANTIZE: TfliteDequantizeLayer,
}


def layer_from_flatbuffer(index: int, model: TfliteModel, fb_operation: Any) -> TfliteLayer:
    """The layer for operator ``index`` of the model's selected subgraph."""
    code = model.flatbuffer_model.operatorCodes[fb_operation.opcodeIndex]
    # Below 127 the number stands in the field of old, which is a byte; see GetBuiltinCode in LiteRT.
    opcode = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
    cls = _LAYER_CLASSES.get(opcode, TfliteLayer)
    generic = TfliteLayer(index, opcode, int(code.version), model, fb_operation, custom_code=decode(code.customCode))
    if cls is TfliteLayer or not cls._fits(generic.inputs, generic.outputs, fb_operation.builtinOptions):
        return generic
    return cls(index, opcode, int(code.version), model, fb_operation, custom_code=generic.custom_code)
