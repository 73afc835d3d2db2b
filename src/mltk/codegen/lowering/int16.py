"""Operators with int16 activations and int8 weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mltk.codegen.lowering.context import Context, int16_lowering, require_int16
from mltk.codegen.lowering.elementwise import binary_axes, pad_front
from mltk.codegen.program import Constant, Params, Ref
from mltk.micro.exact.convolution import window
from mltk.micro.exact.fixed_point import quantize_multipliers
from mltk.micro.exact.node import Node
from mltk.tflite import fixed_point
from mltk.tflite.fixed_point import quantize_multiplier
from mltk.tflite.graph import Tensor

_INT32_MAX = (1 << 31) - 1
_INT16 = (-32768, 32767)
_RANK = 4


def _activation_range(node: Node, y: Tensor) -> tuple[int, int]:
    return fixed_point.activation_range(node.option("fusedActivationFunction", 0), "int16", float(y.scale[0]), 0)


# ---- CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED ------------------------------------------------------------------


@int16_lowering("CONV_2D")
def lower_conv_2d(context: Context) -> None:
    """CONV_2D. The weights are (out, height, width, in / groups)."""
    node = context.node
    x, w, y = node.tensor(0), node.constant(1), node.outputs[0]
    node.require(len(x.shape) == 4 and w.ndim == 4 and x.shape[3] % w.shape[3] == 0, "channels that do not fit")
    groups = x.shape[3] // w.shape[3]
    node.require(w.shape[0] % groups == 0, "channels that do not fit the groups")
    has_int64 = len(node.inputs) > 2 and node.inputs[2] is not None and node.tensor(2).type_name == "INT64"
    _windowed(context, w, groups, y.shape, rounds_twice=not has_int64)


@int16_lowering("DEPTHWISE_CONV_2D")
def lower_depthwise_conv_2d(context: Context) -> None:
    """DEPTHWISE_CONV_2D: a convolution with as many groups as channels."""
    node = context.node
    x, w, y = node.tensor(0), node.constant(1), node.outputs[0]
    node.require(len(x.shape) == 4 and w.ndim == 4 and w.shape[0] == 1, "weights of another form")
    node.require(w.shape[3] % x.shape[3] == 0, "a depth multiplier that is not whole")
    _windowed(context, np.ascontiguousarray(w.transpose(3, 1, 2, 0)), x.shape[3], y.shape, rounds_twice=False)


def _windowed(context: Context, w: np.ndarray, groups: int, shape: tuple[int, ...], *, rounds_twice: bool) -> None:
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    win = window(node, (w.shape[1], w.shape[2]), x, y)
    node.require(shape == (x.shape[0], *win.out, w.shape[0]), "an output size that does not follow from the weights")
    geometry = {
        "batch": x.shape[0],
        "in_height": x.shape[1],
        "in_width": x.shape[2],
        "in_channels": x.shape[3],
        "out_height": win.out[0],
        "out_width": win.out[1],
        "out_channels": len(w),
        "kernel_height": win.kernel[0],
        "kernel_width": win.kernel[1],
        "stride_height": win.stride[0],
        "stride_width": win.stride[1],
        "dilation_height": win.dilation[0],
        "dilation_width": win.dilation[1],
        "pad_top": win.before[0],
        "pad_left": win.before[1],
        "groups": groups,
    }
    _convolution(context, geometry, w, rounds_twice=rounds_twice)


@int16_lowering("FULLY_CONNECTED")
def lower_fully_connected(context: Context) -> None:
    """FULLY_CONNECTED: every K values of the input are a pixel of an image with one row."""
    node = context.node
    x, w, y = node.tensor(0), node.constant(1), node.outputs[0]
    node.require(w.ndim == 2 and node.option("weightsFormat", 0) == 0, "weights that are not a matrix")
    node.require(x.size % w.shape[1] == 0, "an input that does not fit the weights")
    rows = x.size // w.shape[1]
    node.require(rows * len(w) == y.size, "an output size that does not follow from the weights")
    one = ("kernel", "stride", "dilation")
    geometry = {
        "batch": 1,
        "in_height": 1,
        "in_width": rows,
        "in_channels": w.shape[1],
        "out_height": 1,
        "out_width": rows,
        "out_channels": len(w),
        **{f"{name}_{axis}": 1 for name in one for axis in ("height", "width")},
        "pad_top": 0,
        "pad_left": 0,
        "groups": 1,
    }
    _convolution(context, geometry, w, rounds_twice=False, single_precision_scale=node.tensor(1).scale.size == 1)


def _convolution(
    context: Context,
    geometry: dict[str, int],
    w: np.ndarray,
    *,
    rounds_twice: bool,
    single_precision_scale: bool = False,
) -> None:
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    require_int16(node, x, y)
    bias = _bias(node, len(w))
    multiplier, shift = _multipliers(node, len(w), single_precision_scale)
    magnitude = np.abs(w.reshape(len(w), -1).astype(np.int64)).sum(axis=1) * 32768
    node.require(np.all(magnitude + np.abs(bias) < 1 << 47), "sums that may overflow 48 bits")
    if rounds_twice:
        fits = (magnitude + np.abs(bias)) << np.maximum(shift, 0) <= _INT32_MAX
        node.require(np.all(fits), "sums that may overflow int32, with an int32 bias")
    else:
        node.require(np.all((shift >= -31) & (shift < 8)), "an output scale too fine or too coarse")
        multiplier = np.where(multiplier < 0x7FFF0000, (multiplier + (1 << 15)) >> 16, 0x7FFF)
        node.require(np.all((magnitude + np.abs(bias)) * multiplier >> (15 - shift) <= _INT32_MAX), "too large sums")
    low, high = _activation_range(node, y)
    fields: dict[str, Any] = {
        **geometry,
        "is_wide": int(np.any(magnitude > _INT32_MAX)),
        "rounds_twice": int(rounds_twice),
        "weights": Constant("weights", np.ascontiguousarray(w)),
        "bias": Constant("bias", bias),
        "multiplier": Constant("multiplier", multiplier.astype(np.int32)),
        "shift": Constant("shift", shift.astype(np.int8)),
        "low": low,
        "high": high,
    }
    source, target = context.input(0), context.output()
    arguments = (Params("mltk_conv_16", fields), Ref(source), Ref(target))
    context.call("mltk_conv_16", "mltk_conv_2d_s16", *arguments, reads=(source,), writes=(target,))


def _bias(node: Node, channels: int) -> np.ndarray:
    if len(node.inputs) <= 2 or node.inputs[2] is None:
        return np.zeros(channels, np.int64)
    bias = node.constant(2).ravel().astype(np.int64)
    node.require(bias.size == channels, "a bias of another size")
    is_conv = node.op.name == "CONV_2D"
    types = ("INT32", "INT64") if is_conv else ("INT64",)
    node.require(node.tensor(2).type_name in types, f"{node.tensor(2).type_name} bias beside int16 activations")
    return bias


def _multipliers(node: Node, channels: int, single_precision_scale: bool) -> tuple[np.ndarray, np.ndarray]:
    x, w, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require(w.type_name == "INT8" and not np.any(w.zero_point), f"{w.type_name} weights, or a zero point")
    node.require(w.scale.size in (1, channels), "weights neither quantized per tensor nor per channel")
    if single_precision_scale:
        product = np.full(channels, np.float64(np.float32(x.scale[0]) * np.float32(w.scale[0])))
    else:
        product = np.float64(x.scale[0]) * np.broadcast_to(w.scale.astype(np.float64), channels)
    return quantize_multipliers(product / np.float64(y.scale[0]))


# ---- Element by element ---------------------------------------------------------------------------------------------


@int16_lowering("ADD", "SUB")
def lower_add(context: Context) -> None:
    """ADD and SUB: both inputs are scaled to twice the larger scale with 15 more bits."""
    node = context.node
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    require_int16(node, a, b, y)
    twice = 2.0 * max(float(a.scale[0]), float(b.scale[0]))
    ratios = (float(a.scale[0]) / twice, float(b.scale[0]) / twice, twice / ((1 << 15) * float(y.scale[0])))
    (ma, sa), (mb, sb), (my, sy) = (quantize_multiplier(r) for r in ratios)
    node.require(sy <= 0, "an output scale too fine")
    fields = {
        "sign_b": 1 if node.op.name == "ADD" else -1,
        "multiplier_a": ma,
        "shift_a": sa,
        "multiplier_b": mb,
        "shift_b": sb,
        "multiplier_out": my,
        "shift_out": sy,
    }
    _binary(context, "mltk_add_s16", fields, _activation_range(node, y))


@int16_lowering("MUL")
def lower_mul(context: Context) -> None:
    """MUL: the product of both inputs, scaled to the output."""
    node = context.node
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    require_int16(node, a, b, y)
    real = np.float64(a.scale[0]) * np.float64(b.scale[0]) / np.float64(y.scale[0])
    multiplier, shift = quantize_multiplier(float(real))
    node.require((1 << 30) << max(shift, 0) < 1 << 31, "an output scale too fine")
    _binary(context, "mltk_mul_s16", {"multiplier_out": multiplier, "shift_out": shift}, _activation_range(node, y))


@int16_lowering("MAXIMUM", "MINIMUM")
def lower_maximum(context: Context) -> None:
    """MAXIMUM and MINIMUM. TFLM does not rescale."""
    node = context.node
    require_int16(node, node.tensor(0), node.tensor(1), node.outputs[0])
    _binary(context, "mltk_maximum_s16" if node.op.name == "MAXIMUM" else "mltk_minimum_s16", {}, _INT16)


def _binary(context: Context, function: str, fields: dict[str, int], limits: tuple[int, int]) -> None:
    node = context.node
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    size, steps = binary_axes(node, a, b, y)
    first, second = context.input(0), context.input(1)
    members = {
        "size": pad_front(size, 1, _RANK),
        "step_a": pad_front(steps[0], 0, _RANK),
        "step_b": pad_front(steps[1], 0, _RANK),
        **fields,
        "low": limits[0],
        "high": limits[1],
    }
    target = context.output()
    whole = tuple(t for t, v in ((first, a), (second, b)) if v.size == y.size)
    arguments = (Params("mltk_binary_16", members), Ref(first), Ref(second), Ref(target))
    reads = (first, second)
    context.call("mltk_elementwise_16", function, *arguments, reads=reads, writes=(target,), in_place=whole)


def _map(context: Context, family: str, function: str, *first: Params | float, in_place: bool) -> None:
    """Append a call ``function(*first, in, out, n)``."""
    source, target = context.input(0), context.output()
    arguments = (*first, Ref(source), Ref(target), context.node.tensor(0).size)
    places = (source,) if in_place else ()
    context.call(family, function, *arguments, reads=(source,), writes=(target,), in_place=places)


@int16_lowering("QUANTIZE")
def lower_quantize(context: Context) -> None:
    """QUANTIZE: float32 to int16, or between int8 and int16, or int16 of another scale."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    node.require(x.size == y.size, "an output of another size")
    if x.type_name == "FLOAT32":
        require_int16(node, y)
        _map(context, "mltk_elementwise_16", "mltk_quantize_f32_s16", float(y.scale[0]), in_place=False)
        return
    for t in (x, y):
        require_int16(node, t) if t.type_name == "INT16" else node.require_int8(t)
    multiplier, shift = quantize_multiplier(float(np.float64(x.scale[0]) / np.float64(y.scale[0])))
    _rescale(context, (multiplier, shift), (multiplier, shift))


@int16_lowering("LEAKY_RELU")
def lower_leaky_relu(context: Context) -> None:
    """LEAKY_RELU: one multiplier above zero, and another with alpha below zero."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    require_int16(node, x, y)
    alpha, ratio = np.float64(np.float32(node.option("alpha", 0.0))), np.float64(x.scale[0]) / np.float64(y.scale[0])
    node.require(alpha >= 0, "a negative slope")
    below = quantize_multiplier(float(np.float64(x.scale[0]) * alpha / np.float64(y.scale[0])))
    _rescale(context, quantize_multiplier(float(ratio)), below)


def _rescale(context: Context, above: tuple[int, int], below: tuple[int, int]) -> None:
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    for _, shift in (above, below):
        node.require(65535 << max(shift, 0) <= _INT32_MAX, "an output scale too fine")
    kinds = {"INT8": "s8", "INT16": "s16"}
    params = Params(
        "mltk_rescale",
        {
            "zero_in": int(x.zero_point[0]),
            "zero_out": int(y.zero_point[0]),
            "multiplier": above[0],
            "shift": above[1],
            "multiplier_below": below[0],
            "shift_below": below[1],
        },
    )
    function = f"mltk_rescale_{kinds[x.type_name]}_{kinds[y.type_name]}"
    _map(context, "mltk_elementwise_16", function, params, in_place=x.type_name == y.type_name)


@int16_lowering("DEQUANTIZE")
def lower_dequantize(context: Context) -> None:
    """DEQUANTIZE: int16 to float32."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    require_int16(node, x)
    node.require(y.type_name == "FLOAT32", f"{y.type_name} output")
    _map(context, "mltk_elementwise_16", "mltk_dequantize_s16_f32", float(x.scale[0]), in_place=False)


@int16_lowering("LOGISTIC", "TANH")
def lower_sigmoid(context: Context) -> None:
    """LOGISTIC and TANH: the input is scaled so that 3 · 2¹² is 1. The output's scale is 1/32768."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    require_int16(node, x, y)
    node.require(float(y.scale[0]) == 1 / 32768, "an output scale other than 1/32768")
    multiplier, right = sigmoid_scale(float(x.scale[0]))
    node.require(0 <= right <= 30 and 0 < multiplier <= 32767, "an input scale too coarse or too fine")
    function = "mltk_logistic_s16" if node.op.name == "LOGISTIC" else "mltk_tanh_s16"
    _map(context, "mltk_sigmoid_16", function, multiplier, right, in_place=True)


def sigmoid_scale(scale: float) -> tuple[int, int]:
    """Return multiplier and right shift of the input of LOGISTIC and TANH, as TFLM computes them."""
    if scale == 2.0**-12:
        return 3, 0
    multiplier, right = scale * 4096.0 * 3.0, 0
    while multiplier <= 32767.0 / 2.0 and right <= 30:
        right += 1
        multiplier *= 2.0
    return int(multiplier), right


# ---- SOFTMAX, pooling -----------------------------------------------------------------------------------------------


@int16_lowering("SOFTMAX")
def lower_softmax(context: Context) -> None:
    """SOFTMAX over the last axis. The tables are those that TFLM computes when it starts."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    require_int16(node, x, y)
    node.require(abs(float(y.scale[0]) - 1 / 32768) <= 0.001 / 32768, "an output scale other than 1/32768")
    node.require(len(x.shape) >= 1 and 0 < x.shape[-1] < 65536, "too many classes")
    real = float(x.scale[0]) * float(np.float32(node.option("beta", 1.0))) / (10.0 / 65535.0)
    multiplier, shift = quantize_multiplier(real)
    node.require(65535 << max(shift, 0) <= _INT32_MAX, "an input scale too coarse")
    fields = {
        "rows": x.size // x.shape[-1],
        "size": x.shape[-1],
        "multiplier": multiplier,
        "shift": shift,
        "exponential": Constant("exponential", _table(math.exp, -10.0, 0.0)),
        "reciprocal": Constant("reciprocal", _table(lambda v: 1.0 / (1.0 + v), 0.0, 1.0)),
    }
    source, target = context.input(0), context.output()
    arguments = (Params("mltk_softmax_16", fields), Ref(source), Ref(target))
    context.call(
        "mltk_softmax_16", "mltk_softmax_s16", *arguments, reads=(source,), writes=(target,), in_place=(source,)
    )


def _table(function: Callable[[float], float], low: float, high: float) -> np.ndarray:
    """Return 513 values in units of 1/32768, each moved by half of the error in the middle of its step."""
    f32 = np.float32
    step = f32(f32(high) - f32(low)) / f32(512)
    half = f32(step / f32(2))

    def value(place: np.float32) -> np.float32:
        return f32(f32(function(float(place))) * f32(32768.0))

    values = []
    for i in range(512):
        here = value(f32(f32(low) + f32(f32(i) * step)))
        middle = value(f32(f32(f32(low) + f32(f32(i) * step)) + half))
        there = value(f32(f32(low) + f32(f32(i + 1) * step)))
        interpolated = _rounded(f32(there + f32(_rounded(here))) / f32(2))
        values.append(_rounded(here) - _rounded(f32(interpolated - _rounded(middle)) / f32(2)))
    values.append(_rounded(value(f32(high))))
    return np.clip(values, *_INT16).astype(np.int16)


def _rounded(value: np.float32) -> int:
    return int(math.copysign(math.floor(abs(float(value)) + 0.5), float(value)))


@int16_lowering("AVERAGE_POOL_2D", "MAX_POOL_2D")
def lower_pool(context: Context) -> None:
    """Pooling over the part of the window inside the image."""
    node = context.node
    x, y = node.tensor(0), node.outputs[0]
    require_int16(node, x, y)
    node.require(x.scale[0] == y.scale[0], "input and output are quantized differently")
    size = (node.option("filterHeight", 1), node.option("filterWidth", 1))
    node.require(min(size) > 0, "an empty window")
    win = window(node, size, x, y)
    node.require(y.shape == (x.shape[0], *win.out, x.shape[3]), "an output size that does not follow from its input")
    inside = all((win.out[i] - 1) * win.stride[i] - win.before[i] < win.image[i] for i in (0, 1))
    node.require(inside and all(b < k for b, k in zip(win.before, size, strict=True)), "a window outside the image")
    node.require(size[0] * size[1] < 1 << 15, "a window that is too large")
    low, high = _activation_range(node, y)
    pairs = {
        "in": win.image,
        "out": win.out,
        "kernel": size,
        "stride": win.stride,
    }
    fields = {
        f"{name}_{axis}": v for name, pair in pairs.items() for axis, v in zip(("height", "width"), pair, strict=True)
    }
    more = {"batch": x.shape[0], "channels": x.shape[3], "pad_top": win.before[0], "pad_left": win.before[1]}
    source, target = context.input(0), context.output()
    function = "mltk_average_pool_2d_s16" if node.op.name == "AVERAGE_POOL_2D" else "mltk_max_pool_2d_s16"
    arguments = (Params("mltk_pool_16", {**fields, **more, "low": low, "high": high}), Ref(source), Ref(target))
    context.call("mltk_pool_16", function, *arguments, reads=(source,), writes=(target,))
