"""Functions of one int8 value (tables of 256 entries) and of two (tables of 65,536 entries), and SOFTMAX."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from mltk.micro.exact import fixed_point as fx
from mltk.micro.exact.node import Kernel, Node, activation_range, kernel
from mltk.tflite.fixed_point import quantize_multiplier
from mltk.tflite.graph import Tensor

_INT8 = np.arange(-128, 128, dtype=np.int64)


def _scale(t: Tensor) -> np.float64:
    return np.float64(t.scale[0])


def _zero(t: Tensor) -> int:
    return int(t.zero_point[0])


def _lookup(table: np.ndarray) -> Kernel:
    """Return a kernel that looks values up. ``table`` has the results for −128 … 127, in the output's dtype."""
    by_byte = np.roll(table, 128)  # int8 seen as uint8: 0 … 127, then −128 … −1

    # take() with indices of its own type and no bounds check is several times faster than by_byte[x].
    return lambda x: [np.take(by_byte, x.view(np.uint8).astype(np.intp), mode="clip")]


def _as_int8(values: np.ndarray, low: int = -128, high: int = 127) -> np.ndarray:
    clipped: np.ndarray = np.clip(values, low, high)
    return clipped.astype(np.int8)


@kernel("LOGISTIC")
def build_logistic(node: Node) -> Kernel:
    """Build the logistic function: 4 integer bits in, none out. The output's zero point is −128."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    node.require(_zero(y) == -128, "an output zero point other than -128")
    real = float(_scale(x)) * (1 << 27)
    multiplier, shift = quantize_multiplier(real)
    # The shift before it is limited to 30: for coarse scales nothing is inside, and 0 counts as negative.
    radius = fx.input_radius(4, math.frexp(real)[1])
    value = _INT8 - _zero(x)
    inside = np.abs(value) < radius
    scaled = fx.multiply_by_quantized_multiplier(np.where(inside, value, 0), multiplier, shift)
    out = fx.rounding_divide_by_pot(fx.logistic(scaled, 4), 23) - 128
    return _lookup(_as_int8(np.where(inside, out, np.where(value <= -radius, -128, 127))))


@kernel("TANH")
def build_tanh(node: Node) -> Kernel:
    """Build tanh: 4 integer bits in, none out. The output's zero point is 0."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    node.require(_zero(y) == 0, "an output zero point other than 0")
    real = float(_scale(x)) * (1 << 27)
    multiplier, shift = quantize_multiplier(real)
    # The shift before it is limited to 30: for coarse scales nothing is inside, and 0 counts as negative.
    radius = fx.input_radius(4, math.frexp(real)[1])
    value = _INT8 - _zero(x)
    inside = np.abs(value) < radius
    scaled = fx.multiply_by_quantized_multiplier(np.where(inside, value, 0), multiplier, shift)
    out = fx.rounding_divide_by_pot(fx.tanh(scaled, 4), 24)
    return _lookup(_as_int8(np.where(inside, out, np.where(value <= -radius, -128, 127))))


@kernel("RELU")
def build_relu(node: Node) -> Kernel:
    """Build ReLU: rescale from the input's quantization to the output's, and clip at the output's zero."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    # TFLM divides the two scales in single precision here.
    multiplier, shift = quantize_multiplier(float(np.float32(x.scale[0]) / np.float32(y.scale[0])))
    out = fx.multiply_by_quantized_multiplier(_INT8 - _zero(x), multiplier, shift) + _zero(y)
    return _lookup(_as_int8(out, max(-128, _zero(y))))


@kernel("RELU6")
def build_relu6(node: Node) -> Kernel:
    """Build ReLU6: clip between the quantized 0 and 6. TFLM does not rescale."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    six = float(np.float32(6.0) / np.float32(x.scale[0]))
    high = min(127, _zero(x) + int(np.floor(six + 0.5)))
    return _lookup(_as_int8(_INT8, _zero(x), high))


@kernel("ELU")
def build_elu(node: Node) -> Kernel:
    """Build ELU: the function in single precision, rounded."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    f32 = np.float32
    real = f32(x.scale[0]) * (_INT8 - _zero(x)).astype(f32)
    below = np.exp(np.minimum(real, 0).astype(np.float64)).astype(f32) - f32(1)
    steps = np.where(real < 0, below, real) * (f32(1) / f32(y.scale[0]))
    rounded = np.copysign(np.floor(np.abs(steps.astype(np.float64)) + 0.5), steps)
    node.require(np.all(np.abs(rounded) < 1 << 30), "an output scale too fine")
    return _lookup(_as_int8(rounded.astype(np.int64) + _zero(y)))


@kernel("NEG", "SQUARE")
def build_float_function(node: Node) -> Kernel:
    """Build NEG and SQUARE of float32, which the converter leaves in models of int8."""
    node.require(
        node.tensor(0).type_name == node.outputs[0].type_name == "FLOAT32", f"{node.tensor(0).type_name} tensor"
    )
    return (lambda x: [-x]) if node.op.name == "NEG" else (lambda x: [x * x])


@kernel("ABS")
def build_abs(node: Node) -> Kernel:
    """Build ABS: the magnitude, rescaled if the scales differ."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    out = np.abs(_INT8 - _zero(x))
    if x.scale[0] != y.scale[0]:
        multiplier, shift = quantize_multiplier(float(np.float32(x.scale[0]) / np.float32(y.scale[0])))
        out = fx.multiply_by_quantized_multiplier(out, multiplier, shift)
    return _lookup(_as_int8(out + _zero(y)))


@kernel("RSQRT")
def build_rsqrt(node: Node) -> Kernel:
    """Build 1 / sqrt(x). TFLM refuses values below zero, so the zero point must be -128."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    node.require(_zero(x) == -128, "an input that may be negative")
    f32 = np.float32
    scale = 1.0 / float(f32(np.sqrt(f32(x.scale[0]))) * f32(y.scale[0]))
    multiplier, shift = quantize_multiplier(scale)
    inverse = fx.multiply_by_quantized_multiplier
    found = [127]
    for value in range(1, 256):
        root, right = fx.inverse_square_root(value)
        data = inverse(np.array(1), root, 20 - right)
        found.append(int(inverse(data, multiplier, shift - 20)) + _zero(y))
    return _lookup(_as_int8(np.array(found)))


@kernel("LEAKY_RELU")
def build_leaky_relu(node: Node) -> Kernel:
    """Build leaky ReLU: one multiplier above zero, and another with alpha below zero."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    alpha = np.float64(np.float32(node.option("alpha", 0.0)))
    ratio = _scale(x) / _scale(y)
    node.require(alpha * ratio >= 0, "a negative slope")
    above, below = quantize_multiplier(float(ratio)), quantize_multiplier(float(_scale(x) * alpha / _scale(y)))
    value = _INT8 - _zero(x)
    out = np.where(
        value >= 0,
        fx.multiply_by_quantized_multiplier(value, *above),
        fx.multiply_by_quantized_multiplier(value, *below),
    )
    return _lookup(_as_int8(out + _zero(y)))


@kernel("QUANTIZE")
def build_quantize(node: Node) -> Kernel:
    """Build QUANTIZE: int8 to int8 or uint8 of another scale, or float32 to int8."""
    x, y = node.tensor(0), node.outputs[0]
    node.require(y.type_name in ("INT8", "UINT8") and y.scale.size == 1, f"{y.type_name} output")
    low, high = (-128, 127) if y.type_name == "INT8" else (0, 255)
    dtype = np.int8 if y.type_name == "INT8" else np.uint8
    if x.type_name == "FLOAT32":
        scale = np.float32(y.scale[0])

        def quantize(values: np.ndarray) -> list[np.ndarray]:
            ratio = values / scale
            rounded = np.copysign(np.floor(np.abs(ratio.astype(np.float64)) + 0.5), ratio) + _zero(y)
            return [np.clip(rounded, low, high).astype(dtype)]

        return quantize
    node.require_int8(x)
    multiplier, shift = quantize_multiplier(float(_scale(x) / _scale(y)))
    out = fx.multiply_by_quantized_multiplier(_INT8 - _zero(x), multiplier, shift) + _zero(y)
    return _lookup(np.clip(out, low, high).astype(dtype))


@kernel("DEQUANTIZE")
def build_dequantize(node: Node) -> Kernel:
    """Build DEQUANTIZE: int8 to float32, (value − zero point) × scale."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x)
    node.require(y.type_name == "FLOAT32", f"{y.type_name} output")
    return _lookup((_scale(x) * (_INT8 - _zero(x))).astype(np.float32))


@kernel("HARD_SWISH")
def build_hard_swish(node: Node) -> Kernel:
    """Build hard swish: x · relu6(x + 3) / 6 in 16-bit fixed point."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    hires = np.float32(1.0 / 128.0) * np.float32(x.scale[0])
    out_multiplier, out_shift = quantize_multiplier(float(hires / np.float32(y.scale[0])))
    relu_multiplier, relu_shift = quantize_multiplier(float(hires / np.float32(3.0 / 32768.0)))
    node.require(out_shift <= 0, "an output scale finer than the input's")
    out16, relu16 = (min((m + (1 << 15)) >> 16, 32767) for m in (out_multiplier, relu_multiplier))
    value = (_INT8 - _zero(x)) << 7
    preshift = _high_mul16(value, out16)
    reluish = value
    if relu_shift > 0:
        reluish = np.clip(reluish << (relu_shift - 1), -32768, 32767)
    reluish = _high_mul16(reluish, relu16)
    if relu_shift > 0:
        reluish = np.clip(reluish << 1, -32768, 32767)
    elif relu_shift < 0:
        reluish = fx.rounding_divide_by_pot(reluish, -relu_shift)
    reluish = (reluish + (1 << 15)) >> 1
    product = reluish * preshift
    product = np.where(product >= 0, product >> 15, -((-product) >> 15))
    return _lookup(_as_int8(fx.rounding_divide_by_pot(product, -out_shift) + _zero(y)))


def _high_mul16(a: np.ndarray, b: int) -> np.ndarray:
    product = a * b
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return np.minimum(np.where(nudged >= 0, nudged >> 15, -((-nudged) >> 15)), 32767)


def _binary(node: Node, result: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Kernel:
    """Return a kernel that looks pairs of values up.

    Args:
        node: The operator.
        result: From two int64 arrays of int8 values to outputs in the range of int8.
    """
    table = result(_INT8[:, None], _INT8[None, :]).astype(np.int8)
    by_byte = np.roll(table, (128, 128), axis=(0, 1)).ravel()
    shapes = [node.tensor(i).shape for i in (0, 1)]
    rank, y = max(map(len, shapes)), node.outputs[0]
    node.require(
        math.prod(np.broadcast_shapes(*shapes)) == y.size, "an output size that doesn't follow from its inputs"
    )
    fixed = [None if s is None else s.reshape(1, *[1] * (rank - s.ndim), *s.shape) for s in node.static[:2]]

    def run(*varying: np.ndarray) -> list[np.ndarray]:
        rest = iter(varying)
        a, b = (
            f if f is not None else _widen(next(rest), len(shape), rank) for f, shape in zip(fixed, shapes, strict=True)
        )
        return [np.take(by_byte, _pairs(a, b), mode="clip").reshape(len(varying[0]), *y.shape)]

    return run


def _pairs(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return ``256·a + b`` of the bytes of two int8 arrays, as indices. The bytes are written side by side."""
    side_by_side = np.empty((*np.broadcast_shapes(a.shape, b.shape), 2), np.uint8)
    side_by_side[..., 1], side_by_side[..., 0] = a.view(np.uint8), b.view(np.uint8)
    return side_by_side.view("<u2")[..., 0].astype(np.intp)


def _widen(x: np.ndarray, rank: int, wanted: int) -> np.ndarray:
    return np.ascontiguousarray(x).reshape(len(x), *[1] * (wanted - rank), *x.shape[1:])


@kernel("ADD", "SUB")
def build_add(node: Node) -> Kernel:
    """Build ADD and SUB: scale both inputs to twice the larger scale with 20 more bits, add, scale to the output."""
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require_int8(a, b, y)
    low, high = activation_range(node, y)
    twice = 2.0 * max(float(a.scale[0]), float(b.scale[0]))
    left_shift = 20
    ma, mb = quantize_multiplier(float(a.scale[0]) / twice), quantize_multiplier(float(b.scale[0]) / twice)
    my = quantize_multiplier(twice / ((1 << left_shift) * float(y.scale[0])))
    node.require(my[1] <= 0, "an output scale too fine")
    sign = 1 if node.op.name == "ADD" else -1

    def add(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        wide_p = fx.multiply_by_quantized_multiplier((p - _zero(a)) << left_shift, *ma)
        wide_q = fx.multiply_by_quantized_multiplier((q - _zero(b)) << left_shift, *mb)
        total: np.ndarray = fx.multiply_by_quantized_multiplier(wide_p + sign * wide_q, *my) + _zero(y)
        return total.clip(low, high)

    return _binary(node, add)


@kernel("MUL")
def build_mul(node: Node) -> Kernel:
    """Build MUL: the product of both inputs, scaled to the output."""
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require_int8(a, b, y)
    low, high = activation_range(node, y)
    my = quantize_multiplier(float(_scale(a) * _scale(b) / _scale(y)))

    def multiply(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        product = (p - _zero(a)) * (q - _zero(b))
        scaled: np.ndarray = fx.multiply_by_quantized_multiplier(product, *my) + _zero(y)
        return scaled.clip(low, high)

    return _binary(node, multiply)


@kernel("SQUARED_DIFFERENCE")
def build_squared_difference(node: Node) -> Kernel:
    """Build SQUARED_DIFFERENCE: scale both inputs to twice the larger scale with 7 more bits."""
    a, b, y = node.tensor(0), node.tensor(1), node.outputs[0]
    node.require_int8(a, b, y)
    twice = 2.0 * max(float(a.scale[0]), float(b.scale[0]))
    ma, mb = quantize_multiplier(float(a.scale[0]) / twice), quantize_multiplier(float(b.scale[0]) / twice)
    my = quantize_multiplier(twice**2 / ((1 << 14) * float(y.scale[0])))
    node.require(my[1] <= 0, "an output scale too fine")

    def square(p: np.ndarray, q: np.ndarray) -> np.ndarray:
        wide_p = fx.multiply_by_quantized_multiplier((p - _zero(a)) << 7, *ma)
        wide_q = fx.multiply_by_quantized_multiplier((q - _zero(b)) << 7, *mb)
        total: np.ndarray = fx.multiply_by_quantized_multiplier((wide_p - wide_q) ** 2, *my) + _zero(y)
        return total.clip(-128, 127)

    return _binary(node, square)


@kernel("MAXIMUM", "MINIMUM")
def build_maximum(node: Node) -> Kernel:
    """Build MAXIMUM and MINIMUM. TFLM does not rescale."""
    node.require_int8(node.tensor(0), node.tensor(1), node.outputs[0])
    return _binary(node, np.maximum if node.op.name == "MAXIMUM" else np.minimum)


@kernel("SOFTMAX")
def build_softmax(node: Node) -> Kernel:
    """Build softmax over the last axis, int8 in and out, in fixed point."""
    x, y = node.tensor(0), node.outputs[0]
    node.require_int8(x, y)
    node.require(len(x.shape) >= 1 and x.shape[-1] <= 4096, "too many classes")
    node.require_feasible(elements=8 * x.size)
    beta = float(np.float32(node.option("beta", 1.0)))
    real = min(beta * float(x.scale[0]) * (1 << 26), (1 << 31) - 1.0)
    node.require(real > 1.0, "an input scale too small")
    multiplier, shift = quantize_multiplier(real)
    difference = np.arange(-255, 1, dtype=np.int64)
    counted = difference >= -fx.input_radius(5, shift)
    scaled = fx.multiply_by_quantized_multiplier(np.where(counted, difference, 0), multiplier, shift)
    exponential = np.where(counted, fx.exp_on_negative_values(scaled, 5), 0)
    summand = np.where(counted, fx.rounding_divide_by_pot(exponential, 12), 0)

    def run(values: np.ndarray) -> list[np.ndarray]:
        index = values.astype(np.int64) - values.max(axis=-1, keepdims=True) + 255
        inverse, bits_over = fx.reciprocal(summand[index].sum(axis=-1, keepdims=True), 12)
        out = fx.rounding_divide_by_pot(fx.high_mul(exponential[index], inverse), bits_over + 23) - 128
        return [np.where(counted[index], np.clip(out, -128, 127), -128).astype(np.int8)]

    return run
