"""Multiply-accumulates and operations of each layer, from shapes alone.

A *MAC* is one multiplication whose product is summed, in a convolution, a matrix product or a recurrent layer.
*Operations* count a MAC as two, and add what the layer does to each output element:

=========================  ==================================================================================
bias                       1
activation                 2, fused (convolutions, fully connected, pooling) or as a separate layer
average pooling            1 for each element of the window, and 1 for the division
max pooling                1 for each element of the window
add, sub, mul, …           1
quantize / dequantize      4 / 2
softmax                    5
pad                        6
reshape, concatenation, …  0, because they only move data; also 0 for operators that are not in this table
=========================  ==================================================================================

These definitions reproduce the ``# MACs`` and ``# Ops`` columns published with the reference models of MLTK 0.20.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from mltk.tflite.layers.base import TfliteLayer
from mltk.tflite.layers.lstm import LSTM_INPUTS, TfliteUnidirectionalLstmLayer
from mltk.tflite.layers.typed import (
    TfliteConv2dLayer,
    TfliteDepthwiseConv2dLayer,
    TfliteFullyConnectedLayer,
    TflitePooling2dLayer,
    TfliteTransposeConvLayer,
)
from mltk.tflite.types import TfliteActivation

# Operations for each output element, by operator.
OPS_PER_ELEMENT = {
    "add": 1,
    "sub": 1,
    "mul": 1,
    "div": 1,
    "minimum": 1,
    "maximum": 1,
    "squared_difference": 2,
    "quantize": 4,
    "dequantize": 2,
    "softmax": 5,
    "relu": 2,
    "relu6": 2,
    "relu_n1_to_1": 2,
    "pad": 6,
    "padv2": 6,
}


@dataclass(frozen=True)
class LayerCounts:
    """What a layer, or a model, computes for one inference: multiply-accumulates and operations."""

    macs: int = 0
    ops: int = 0

    def __add__(self, other: LayerCounts) -> LayerCounts:
        return LayerCounts(self.macs + other.macs, self.ops + other.ops)


def _output_elements(layer: TfliteLayer) -> int:
    return sum(tensor.shape.flat_size for tensor in layer.outputs[:1] if tensor is not None)


def _activation_ops(activation: object) -> int:
    return 0 if activation == TfliteActivation.NONE else 2


def _accumulating(macs: int, n_outputs: int, use_bias: bool, activation: object) -> LayerCounts:
    per_output = int(use_bias) + _activation_ops(activation)
    return LayerCounts(macs, 2 * macs + per_output * n_outputs)


def _conv2d(layer: TfliteConv2dLayer) -> LayerCounts:
    n_outputs = _output_elements(layer)
    _, height, width, depth = layer.filters_tensor.shape
    return _accumulating(n_outputs * height * width * depth, n_outputs, layer.use_bias, layer.activation)


def _depthwise_conv2d(layer: TfliteDepthwiseConv2dLayer) -> LayerCounts:
    n_outputs = _output_elements(layer)
    height, width = layer.kernel_size
    return _accumulating(n_outputs * height * width, n_outputs, layer.use_bias, layer.activation)


def _transpose_conv(layer: TfliteTransposeConvLayer) -> LayerCounts:
    # Every input element is multiplied with every filter. Borders that "same" padding cuts off count too.
    height, width = layer.kernel_size
    macs = layer.input_tensor.shape.flat_size * height * width * layer.filters
    return _accumulating(macs, _output_elements(layer), layer.use_bias, TfliteActivation.NONE)


def _fully_connected(layer: TfliteFullyConnectedLayer) -> LayerCounts:
    n_outputs = _output_elements(layer)
    return _accumulating(n_outputs * layer.accumulator_depth, n_outputs, layer.use_bias, layer.activation)


def _pooling(layer: TflitePooling2dLayer) -> LayerCounts:
    height, width = layer.pool_size
    per_output = height * width + (1 if layer.opcode_str == "average_pool_2d" else 0)
    return LayerCounts(0, (per_output + _activation_ops(layer.activation)) * _output_elements(layer))


def _lstm(layer: TfliteUnidirectionalLstmLayer) -> LayerCounts:
    """Count all matrix products, at each time step of each sample."""
    batch_time = math.prod(layer.input_tensor.shape[:2])
    named = {name: layer.inputs[i] for i, name in enumerate(LSTM_INPUTS[: layer.n_inputs])}
    per_step = sum(t.shape.flat_size for name, t in named.items() if t is not None and name.endswith("weights"))
    biases = sum(t.shape.flat_size for name, t in named.items() if t is not None and name.endswith("bias"))
    macs = batch_time * per_step
    return LayerCounts(macs, 2 * macs + batch_time * biases)


def _svdf(layer: TfliteLayer) -> LayerCounts:
    """Count two filters: over the features (units·rank, features), then over time (units·rank, memory)."""
    weights = [tensor for tensor in layer.inputs[1:3] if tensor is not None]
    batch = layer.inputs[0].shape[0] if layer.inputs[0] is not None and layer.inputs[0].shape else 1
    macs = batch * sum(tensor.shape.flat_size for tensor in weights)
    use_bias = layer.n_inputs > 3 and layer.inputs[3] is not None
    return _accumulating(macs, _output_elements(layer), use_bias, TfliteActivation.NONE)


def _batch_matmul(layer: TfliteLayer) -> LayerCounts:
    left = layer.inputs[0]
    if left is None or len(left.shape) < 2:
        return LayerCounts()
    depth = left.shape[-2] if getattr(layer.options, "adjX", False) else left.shape[-1]
    macs = _output_elements(layer) * depth
    return LayerCounts(macs, 2 * macs)


_BY_CLASS: dict[type[TfliteLayer], Callable[..., LayerCounts]] = {
    TfliteConv2dLayer: _conv2d,
    TfliteDepthwiseConv2dLayer: _depthwise_conv2d,
    TfliteTransposeConvLayer: _transpose_conv,
    TfliteFullyConnectedLayer: _fully_connected,
    TflitePooling2dLayer: _pooling,
    TfliteUnidirectionalLstmLayer: _lstm,
}
_BY_NAME: dict[str, tuple[int, Callable[..., LayerCounts]]] = {  # operator: (inputs it needs, how to count)
    "svdf": (3, _svdf),
    "batch_matmul": (2, _batch_matmul),
}


def count_layer(layer: TfliteLayer) -> LayerCounts:
    """Return the MACs and operations of one layer; zeros for operators that are not counted."""
    by_class = _BY_CLASS.get(type(layer))
    if by_class is not None:
        return by_class(layer)
    n_needed, by_name = _BY_NAME.get(layer.opcode_str, (0, None))
    if by_name is not None and layer.n_inputs >= n_needed:
        return by_name(layer)
    return LayerCounts(0, OPS_PER_ELEMENT.get(layer.opcode_str, 0) * _output_elements(layer))


class _HasLayers(Protocol):
    @property
    def layers(self) -> Sequence[TfliteLayer]: ...


def count_model(model: _HasLayers) -> LayerCounts:
    """Return the sum over the layers of a model's selected subgraph."""
    return sum((count_layer(layer) for layer in model.layers), LayerCounts())
