"""Counts of a layer that decide how long it takes. They follow from its shapes alone.

Each count is something that a kernel does many times: a multiplication, an output to requantize, a loop to set up. An
estimate is the sum of the counts times a target's coefficients (:mod:`mltk.micro.profile.estimate`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from mltk.tflite.layers.base import TfliteLayer
from mltk.tflite.tensor import TfliteTensor

POOLING = frozenset({"average_pool_2d", "max_pool_2d"})
_HELIUM_LANES = 16  # int8 elements of a 128-bit vector of the M-profile Vector Extension
_LONGEST_AXIS = 1 << 14
_WIDE_CHANNELS = 32  # with this many channels, the accelerator's depthwise program covers one position at a time


@dataclass(frozen=True)
class LayerShape:
    """The shapes of a layer, from a ``.tflite`` or from a published table.

    Attributes:
        operator: Name of the operator in lower case.
        input: Shape of the first input.
        output: Shape of the first output.
        kernel: Size of the window, (height, width).
        stride: Step of the window, (height, width).
        dilation: Distance of the window's elements, (height, width).
        same_padding: The border is padded with zero points.
        weights: Number of elements of the weights.
        macs: Multiply-accumulates, with those in the padding.
        is_float: The layer computes floats.
    """

    operator: str
    input: tuple[int, ...]
    output: tuple[int, ...]
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)
    same_padding: bool = False
    weights: int = 0
    macs: int = 0
    is_float: bool = False

    @cached_property
    def rows(self) -> Axis:
        """How the window moves along the height."""
        return self._axis(0)

    @cached_property
    def columns(self) -> Axis:
        """How the window moves along the width."""
        return self._axis(1)

    def _axis(self, i: int) -> Axis:
        size = (self.input[1 + i], self.output[1 + i]) if len(self.input) == 4 == len(self.output) else (1, 1)
        return Axis.of(*size, self.kernel[i], self.stride[i], self.dilation[i], self.same_padding)


@dataclass(frozen=True)
class Axis:
    """How a window moves along one axis.

    Attributes:
        positions: Number of positions of the window.
        taps: Elements of the window that are inside the input, summed over all positions.
        kinds: Number of different ways in which the border cuts the window, including no cut. A kernel without padding
            in hardware runs once for each.
    """

    positions: int
    taps: int
    kinds: int

    @staticmethod
    def of(n_in: int, n_out: int, kernel: int, stride: int, dilation: int, same_padding: bool) -> Axis:
        """Follow the window along an axis. The padding is TensorFlow's 'same': an odd element is at the end."""
        padding = max(0, (n_out - 1) * stride + (kernel - 1) * dilation + 1 - n_in) if same_padding else 0
        if n_out > _LONGEST_AXIS:  # only a damaged file has this: do not follow it
            return Axis(n_out, n_out * kernel, 1)
        before = padding // 2
        taps, seen = 0, set()
        for i in range(n_out):
            start = i * stride - before
            first = max(0, -(start // dilation)) if start < 0 else 0
            last = min(kernel, max(0, -((start - n_in) // dilation)))
            taps += max(0, last - first)
            seen.add((first, last))
        return Axis(n_out, taps, len(seen))


def layer_features(shape: LayerShape) -> dict[str, float]:
    """Return the counts of a layer by name. Counts of value 0 are left out.

    Returns:
        ``layer``: 1.
        ``inputs``, ``outputs``: elements.
        ``positions``: outputs of one channel.
        ``macs``: multiplications inside the input.
        ``macs_odd``: the same, if the depth of the input is odd, so that products cannot be computed in pairs.
        ``window_macs``: the ``macs`` of convolutions larger than 1×1.
        ``im2col``: inputs that are copied into columns first.
        ``macs_lanes``: multiplications, with the depth rounded up to whole Helium vectors.
        ``taps``: passes of the innermost loop over channels.
        ``weights``: weights that are read.
        ``regions``: programs or loops that are set up for the parts of the output that the border cuts differently.
        ``window``: elements of pooling windows.
    """
    counts: dict[str, float] = {"layer": 1, "inputs": math.prod(shape.input), "outputs": math.prod(shape.output)}
    count = _COUNTERS.get(shape.operator, _plain)
    images = len(shape.input) == 4 == len(shape.output)
    counts.update(count(shape) if images or count is _fully_connected else _plain(shape))
    return {name: float(value) for name, value in counts.items() if value}


def _spatial(shape: LayerShape) -> tuple[int, int, int]:
    """Return the positions of the output, the taps over all positions, and the kinds of windows."""
    rows, columns = shape.rows, shape.columns
    batch = shape.output[0] if len(shape.output) == 4 else 1
    return batch * rows.positions * columns.positions, batch * rows.taps * columns.taps, rows.kinds * columns.kinds


def _convolution(shape: LayerShape) -> dict[str, float]:
    positions, taps, kinds = _spatial(shape)
    depth, filters = shape.input[-1], shape.output[-1]
    macs = taps * depth * filters
    window = shape.kernel[0] * shape.kernel[1] * depth
    windowed = shape.kernel != (1, 1)
    return {
        "positions": positions,
        "macs_odd" if depth % 2 else "macs": macs,
        "macs_lanes": positions * filters * _whole_vectors(window),
        "window_macs": macs if windowed and not depth % 2 else 0,
        "im2col": positions * window if windowed else 0,
        "taps": taps * filters,
        "regions": kinds,
        "windowed": windowed,
        "weights": shape.weights,
    }


def _depthwise(shape: LayerShape) -> dict[str, float]:
    positions, taps, kinds = _spatial(shape)
    channels = shape.output[-1]
    multiplied = shape.input[-1] != channels
    wide = channels >= _WIDE_CHANNELS
    counts: dict[str, float] = {
        "positions": positions,
        "macs": taps * channels,
        "macs_lanes": taps * _whole_vectors(channels),
        "im2col": positions * shape.kernel[0] * shape.kernel[1] * channels,
        "taps": taps * channels,
        "weights": shape.weights,
    }
    if multiplied:
        return {**counts, "multiplied": 1, "regions": kinds}
    return {**counts, "wide_positions" if wide else "narrow_positions": positions}


def _transposed(shape: LayerShape) -> dict[str, float]:
    return {
        "positions": math.prod(shape.input[:-1]),
        "macs": shape.macs,
        "macs_lanes": shape.macs,
        "taps": shape.macs / max(1, shape.output[-1]),
        "weights": shape.weights,
    }


def _fully_connected(shape: LayerShape) -> dict[str, float]:
    depth = shape.macs // max(1, math.prod(shape.output))
    return {
        "macs": shape.macs,
        "macs_lanes": math.prod(shape.output) * _whole_vectors(depth),
        "weights": shape.weights,
    }


def _pooling(shape: LayerShape) -> dict[str, float]:
    positions, taps, kinds = _spatial(shape)
    channels = shape.output[-1]
    # The kernel computes two channels at a time. If their number is odd, it computes them one by one.
    groups = 2 * channels if channels % 2 else channels
    whole = positions == (shape.output[0] if shape.output else 1)
    return {
        "positions": 0 if whole else positions,
        "windowed": not whole,
        "window": taps * groups,
        "channels": groups,
        "regions": kinds,
    }


def _plain(shape: LayerShape) -> dict[str, float]:
    return {"macs": shape.macs, "weights": shape.weights}


_COUNTERS: dict[str, Callable[[LayerShape], dict[str, float]]] = {
    "conv_2d": _convolution,
    "depthwise_conv_2d": _depthwise,
    "transpose_conv": _transposed,
    "fully_connected": _fully_connected,
    "average_pool_2d": _pooling,
    "max_pool_2d": _pooling,
}


def _whole_vectors(n: int) -> int:
    return -(-n // _HELIUM_LANES) * _HELIUM_LANES


def shape_of(layer: TfliteLayer, macs: int) -> LayerShape:
    """Return the shapes of a layer of a ``.tflite``. ``macs`` comes from `mltk.tflite.layers.counts.count_layer`."""
    options = layer.options
    inputs, outputs = _shapes(layer.inputs), _shapes(layer.outputs)
    first = next((t for t in layer.outputs if t is not None), None)
    constants = [t for t in layer.inputs[1:] if t is not None and t.is_constant]
    return LayerShape(
        operator=layer.opcode_str,
        input=inputs[0] if inputs else (),
        output=outputs[0] if outputs else (),
        kernel=_kernel(layer),
        stride=_pair(options, "strideH", "strideW"),
        dilation=_pair(options, "dilationHFactor", "dilationWFactor"),
        same_padding=hasattr(options, "strideH") and int(getattr(options, "padding", 1)) == 0,
        weights=constants[0].shape.flat_size if constants and macs else 0,
        macs=macs,
        is_float=first is not None and first.dtype_str.startswith("float") and layer.opcode_str != "dequantize",
    )


def _shapes(tensors: Sequence[TfliteTensor | None]) -> list[tuple[int, ...]]:
    return [tuple(max(1, d) for d in t.shape) for t in tensors if t is not None]


def _pair(options: Any, height: str, width: str) -> tuple[int, int]:
    return max(1, int(getattr(options, height, 1) or 1)), max(1, int(getattr(options, width, 1) or 1))


def _kernel(layer: TfliteLayer) -> tuple[int, int]:
    if layer.opcode_str in POOLING:
        return _pair(layer.options, "filterHeight", "filterWidth")
    size = getattr(layer, "kernel_size", None)
    return (int(size[0]), int(size[1])) if size else (1, 1)
