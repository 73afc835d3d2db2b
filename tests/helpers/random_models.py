"""One-operator int8 models with random shapes, weights and quantization, by operator name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.tflite_builder import ModelBuilder

Rng = np.random.Generator
MODELS: dict[str, Callable[[Rng], bytes]] = {}


def model(name: str):
    def register(f):
        MODELS[name] = f
        return f

    return register


def _scale(rng: Rng, low=0.002, high=0.2) -> float:
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))


def _zero(rng: Rng) -> int:
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))


def _activation(rng: Rng) -> int:
    return int(rng.choice([0, 1, 3, 2]))


def _image(rng: Rng, channels=8) -> tuple[int, int, int, int]:
    return (1, int(rng.integers(1, 12)), int(rng.integers(1, 12)), int(rng.integers(1, channels + 1)))


def _out_size(size: int, kernel: int, stride: int, dilation: int, same: bool) -> int:
    reach = (kernel - 1) * dilation + 1
    return -(-size // stride) if same else (size - reach) // stride + 1


def _windowed(rng: Rng, shape, dilate=True):
    """Kernel, strides, dilations, padding and output size of a window that fits ``shape``."""
    while True:
        k = rng.integers(1, 5, 2)
        s = rng.integers(1, 4, 2)
        d = rng.integers(1, 3, 2) if dilate and rng.random() < 0.3 else np.array([1, 1])
        same = bool(rng.random() < 0.5)
        out = [_out_size(shape[1 + i], int(k[i]), int(s[i]), int(d[i]), same) for i in (0, 1)]
        if min(out) > 0:
            return [int(v) for v in k], [int(v) for v in s], [int(v) for v in d], 0 if same else 1, out


def _output_scale(rng: Rng, x_scale: float, w_scale: np.ndarray, weights_per_output: int) -> float:
    # About the range that such a layer's sums have, so that few outputs saturate.
    typical = x_scale * float(np.mean(w_scale)) * 74 * 74 * np.sqrt(weights_per_output)
    return float(np.float32(typical / 50 * np.exp(rng.uniform(-1.5, 1.5))))


def _weights(
    rng: Rng, b: ModelBuilder, shape, channels: int, dimension: int, x_scale: float, fan_in: int, biased=False
):
    w = rng.integers(-127, 128, shape)
    per_channel = rng.random() < 0.7
    scale = np.array([_scale(rng, 0.001, 0.02) for _ in range(channels if per_channel else 1)], np.float32)
    y_scale = _output_scale(rng, x_scale, scale, fan_in)
    weights = b.constant(w, np.int8, scale=scale, dimension=dimension)
    bias = rng.integers(-5000, 5000, channels)
    bias_scale = np.float32(x_scale) * scale
    biased = [b.constant(bias, np.int32, scale=bias_scale)] if biased or rng.random() < 0.9 else [-1]
    return [weights, *biased], y_scale


@model("CONV_2D")
def conv_2d(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng, 20), _scale(rng)
    k, s, d, padding, out = _windowed(rng, shape)
    channels = int(rng.integers(1, 24))
    x = b.tensor(shape, scale=scale, zero_point=_zero(rng))
    rest, y_scale = _weights(rng, b, (channels, *k, shape[3]), channels, 0, scale, k[0] * k[1] * shape[3])
    y = b.tensor((1, *out, channels), scale=y_scale, zero_point=_zero(rng))
    fields = {
        "padding": padding,
        "strideH": s[0],
        "strideW": s[1],
        "dilationHFactor": d[0],
        "dilationWFactor": d[1],
        "fusedActivationFunction": _activation(rng),
    }
    b.operator("CONV_2D", [x, *rest], [y], ("Conv2DOptions", fields), version=3)
    return b.build([x], [y])


@model("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng, 12), _scale(rng)
    k, s, d, padding, out = _windowed(rng, shape)
    multiplier = int(rng.choice([1, 1, 2, 3]))
    channels = shape[3] * multiplier
    x = b.tensor(shape, scale=scale, zero_point=_zero(rng))
    # Without a bias, TFLM reads through a null pointer here.
    rest, y_scale = _weights(rng, b, (1, *k, channels), channels, 3, scale, k[0] * k[1], biased=True)
    y = b.tensor((1, *out, channels), scale=y_scale, zero_point=_zero(rng))
    fields = {
        "padding": padding,
        "strideH": s[0],
        "strideW": s[1],
        "dilationHFactor": d[0],
        "dilationWFactor": d[1],
        "depthMultiplier": multiplier,
        "fusedActivationFunction": _activation(rng),
    }
    b.operator("DEPTHWISE_CONV_2D", [x, *rest], [y], ("DepthwiseConv2DOptions", fields), version=3)
    return b.build([x], [y])


@model("FULLY_CONNECTED")
def fully_connected(rng: Rng) -> bytes:
    b, scale = ModelBuilder(), _scale(rng)
    k, units, rows = int(rng.integers(1, 700)), int(rng.integers(1, 40)), int(rng.choice([1, 1, 3]))
    x = b.tensor((rows, k), scale=scale, zero_point=_zero(rng))
    rest, y_scale = _weights(rng, b, (units, k), units, 0, scale, k, biased=True)
    y = b.tensor((rows, units), scale=y_scale, zero_point=_zero(rng))
    b.operator(
        "FULLY_CONNECTED", [x, *rest], [y], ("FullyConnectedOptions", {"fusedActivationFunction": _activation(rng)})
    )
    return b.build([x], [y])


def _two_inputs(name: str, options: str, rng: Rng, y_scale) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    scales = _scale(rng), _scale(rng)
    other = shape if rng.random() < 0.6 else (1, 1, 1, shape[3]) if rng.random() < 0.7 else (shape[3],)
    a = b.tensor(shape, scale=scales[0], zero_point=_zero(rng))
    if rng.random() < 0.7:
        c = b.tensor(other, scale=scales[1], zero_point=_zero(rng))
        inputs = [a, c] if len(other) == 4 else [a]
    else:
        inputs = [a]
    if len(inputs) == 1:
        c = b.constant(rng.integers(-128, 128, other), np.int8, scale=scales[1], zero_point=_zero(rng))
    order = [a, c] if rng.random() < 0.7 else [c, a]
    y = b.tensor(shape, scale=y_scale(scales), zero_point=_zero(rng))
    b.operator(name, order, [y], (options, {"fusedActivationFunction": _activation(rng)}), version=2)
    return b.build(inputs, [y])


@model("ADD")
def add(rng: Rng) -> bytes:
    return _two_inputs("ADD", "AddOptions", rng, lambda s: max(s) * float(np.exp(rng.uniform(-0.5, 1))))


@model("SUB")
def sub(rng: Rng) -> bytes:
    return _two_inputs("SUB", "SubOptions", rng, lambda s: max(s) * float(np.exp(rng.uniform(-0.5, 1))))


@model("MUL")
def mul(rng: Rng) -> bytes:
    return _two_inputs("MUL", "MulOptions", rng, lambda s: s[0] * s[1] * 100 * float(np.exp(rng.uniform(-1, 1))))


@model("SQUARED_DIFFERENCE")
def squared_difference(rng: Rng) -> bytes:
    b, shape, scales = ModelBuilder(), _image(rng), (_scale(rng), _scale(rng))
    other = shape if rng.random() < 0.5 else (1, 1, 1, shape[3])
    x, c = (
        b.tensor(shape, scale=scales[0], zero_point=_zero(rng)),
        b.tensor(other, scale=scales[1], zero_point=_zero(rng)),
    )
    y_scale = max(scales) ** 2 * 100 * float(np.exp(rng.uniform(0, 2)))
    y = b.tensor(shape, scale=y_scale, zero_point=_zero(rng))
    b.operator("SQUARED_DIFFERENCE", [x, c], [y], ("SquaredDifferenceOptions", {}), version=2)
    return b.build([x, c], [y])


def _pool(name: str, rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng, 20)
    k, s, _, padding, out = _windowed(rng, shape, dilate=False)
    scale, zero = _scale(rng), _zero(rng)
    x, y = b.tensor(shape, scale=scale, zero_point=zero), b.tensor((1, *out, shape[3]), scale=scale, zero_point=zero)
    fields = {"padding": padding, "strideH": s[0], "strideW": s[1], "filterHeight": k[0], "filterWidth": k[1]}
    b.operator(name, [x], [y], ("Pool2DOptions", {**fields, "fusedActivationFunction": _activation(rng)}), version=2)
    return b.build([x], [y])


@model("AVERAGE_POOL_2D")
def average_pool(rng: Rng) -> bytes:
    return _pool("AVERAGE_POOL_2D", rng)


@model("MAX_POOL_2D")
def max_pool(rng: Rng) -> bytes:
    return _pool("MAX_POOL_2D", rng)


def _reduce(name: str, rng: Rng, rescale: bool) -> bytes:
    b, shape = ModelBuilder(), _image(rng, 20)
    keep = bool(rng.random() < 0.5)
    scale, zero = _scale(rng), _zero(rng)
    axes = [1, 2] if rng.random() < 0.7 else [1] if rng.random() < 0.5 else [3]
    out = (
        [1 if i in axes else d for i, d in enumerate(shape)]
        if keep
        else [d for i, d in enumerate(shape) if i not in axes]
    )
    wider = 30 if name == "SUM" else 1
    y_scale, y_zero = (wider * scale * float(np.exp(rng.uniform(-1, 1))), _zero(rng)) if rescale else (scale, zero)
    x, y = b.tensor(shape, scale=scale, zero_point=zero), b.tensor(out, scale=y_scale, zero_point=y_zero)
    b.operator(name, [x, b.constant(axes)], [y], ("ReducerOptions", {"keepDims": keep}), version=2)
    return b.build([x], [y])


@model("MEAN")
def mean(rng: Rng) -> bytes:
    return _reduce("MEAN", rng, bool(rng.random() < 0.8))


@model("SUM")
def sum_(rng: Rng) -> bytes:
    return _reduce("SUM", rng, True)


@model("REDUCE_MAX")
def reduce_max(rng: Rng) -> bytes:
    return _reduce("REDUCE_MAX", rng, False)


@model("SOFTMAX")
def softmax(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), (int(rng.integers(1, 4)), int(rng.integers(1, 40)))
    x = b.tensor(shape, scale=_scale(rng, 0.001, 0.5), zero_point=_zero(rng))
    y = b.tensor(shape, scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [x], [y], ("SoftmaxOptions", {"beta": float(rng.choice([1.0, 0.5, 2.0]))}), version=2)
    return b.build([x], [y])


def _unary(name: str, rng: Rng, y_scale: float, y_zero: int, options=None, x=None, version=1) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    x_scale, x_zero = x or (_scale(rng), _zero(rng))
    x, y = b.tensor(shape, scale=x_scale, zero_point=x_zero), b.tensor(shape, scale=y_scale, zero_point=y_zero)
    b.operator(name, [x], [y], options, version=version)
    return b.build([x], [y])


@model("LOGISTIC")
def logistic(rng: Rng) -> bytes:
    return _unary("LOGISTIC", rng, 1 / 256, -128, version=2)


@model("TANH")
def tanh(rng: Rng) -> bytes:
    return _unary("TANH", rng, 1 / 128, 0, version=2)


@model("RELU")
def relu(rng: Rng) -> bytes:
    x = (_scale(rng), _zero(rng))
    return _unary("RELU", rng, x[0] * float(np.exp(rng.uniform(-1, 1))), _zero(rng), x=x, version=2)


@model("RELU6")
def relu6(rng: Rng) -> bytes:
    x = (_scale(rng), _zero(rng))
    return _unary("RELU6", rng, *x, x=x, version=2)


@model("LEAKY_RELU")
def leaky_relu(rng: Rng) -> bytes:
    x, alpha = (_scale(rng), _zero(rng)), float(rng.choice([0.1, 0.01, 0.3]))
    y_scale = x[0] * float(np.exp(rng.uniform(-1, 1)))
    return _unary("LEAKY_RELU", rng, y_scale, _zero(rng), ("LeakyReluOptions", {"alpha": alpha}), x, 2)


@model("ELU")
def elu(rng: Rng) -> bytes:
    x = (_scale(rng), _zero(rng))
    return _unary("ELU", rng, x[0] * float(np.exp(rng.uniform(-1, 1))), _zero(rng), None, x)


@model("ABS")
def abs_(rng: Rng) -> bytes:
    x = (_scale(rng), _zero(rng))
    y_scale = x[0] if rng.random() < 0.4 else x[0] * float(np.exp(rng.uniform(-1, 1)))
    return _unary("ABS", rng, y_scale, _zero(rng), None, x)


@model("RSQRT")
def rsqrt(rng: Rng) -> bytes:
    x = (_scale(rng), -128)
    y_scale = float(np.exp(rng.uniform(-5, 0)) / np.sqrt(x[0]) / 10)
    return _unary("RSQRT", rng, y_scale, _zero(rng), None, x)


def _in_float(name: str, options: str, rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    x, y = b.tensor(shape, scale=_scale(rng), zero_point=_zero(rng)), b.tensor(shape, scale=_scale(rng))
    a, c = b.tensor(shape, np.float32), b.tensor(shape, np.float32)
    b.operator("DEQUANTIZE", [x], [a], ("DequantizeOptions", {}), version=2)
    b.operator(name, [a], [c], (options, {}))
    b.operator("QUANTIZE", [c], [y], ("QuantizeOptions", {}))
    return b.build([x], [y])


@model("NEG")
def neg(rng: Rng) -> bytes:
    return _in_float("NEG", "NegOptions", rng)


@model("SQUARE")
def square(rng: Rng) -> bytes:
    return _in_float("SQUARE", "SquareOptions", rng)


@model("HARD_SWISH")
def hard_swish(rng: Rng) -> bytes:
    x = (_scale(rng), _zero(rng))
    return _unary("HARD_SWISH", rng, x[0] * float(np.exp(rng.uniform(-1, 1))), _zero(rng), ("HardSwishOptions", {}), x)


@model("QUANTIZE")
def quantize(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng), _scale(rng)
    unsigned = rng.random() < 0.3
    x = b.tensor(shape, scale=scale, zero_point=_zero(rng))
    y_scale = scale * (1.0 if unsigned else float(np.exp(rng.uniform(-1, 1))))
    zero = int(rng.integers(0, 256)) if unsigned else _zero(rng)
    y = b.tensor(shape, np.uint8 if unsigned else np.int8, scale=y_scale, zero_point=zero)
    b.operator("QUANTIZE", [x], [y], ("QuantizeOptions", {}))
    return b.build([x], [y])


@model("DEQUANTIZE")
def dequantize(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    x, y = b.tensor(shape, scale=_scale(rng), zero_point=_zero(rng)), b.tensor(shape, np.float32)
    b.operator("DEQUANTIZE", [x], [y], ("DequantizeOptions", {}), version=2)
    return b.build([x], [y])


@model("PAD")
def pad(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    widths = np.concatenate([[[0, 0]], rng.integers(0, 3, (3, 2))])
    x = b.tensor(shape, **q)
    y = b.tensor([d + int(w.sum()) for d, w in zip(shape, widths, strict=True)], **q)
    b.operator("PAD", [x, b.constant(widths)], [y], ("PadOptions", {}), version=2)
    return b.build([x], [y])


@model("CONCATENATION")
def concatenation(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    axis = int(rng.choice([1, 2, 3, -1]))
    parts, total = [], 0
    for _ in range(int(rng.integers(2, 4))):
        part = list(shape)
        part[axis] = int(rng.integers(1, 5))
        total += part[axis]
        parts.append(b.tensor(part, **q))
    out = list(shape)
    out[axis] = total
    y = b.tensor(out, **q)
    b.operator("CONCATENATION", parts, [y], ("ConcatenationOptions", {"axis": axis}), version=2)
    return b.build(parts, [y])


@model("TRANSPOSE")
def transpose(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    order = [0, *(int(v) + 1 for v in rng.permutation(3))]
    x, y = b.tensor(shape, **q), b.tensor([shape[i] for i in order], **q)
    b.operator("TRANSPOSE", [x, b.constant(order)], [y], ("TransposeOptions", {}), version=2)
    return b.build([x], [y])


@model("REVERSE_V2")
def reverse(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    axes = [[1], [2], [3], [-1], [1, 2]][int(rng.integers(5))]
    x, y = b.tensor(shape, **q), b.tensor(shape, **q)
    b.operator("REVERSE_V2", [x, b.constant(axes)], [y], ("ReverseV2Options", {}), version=2)
    return b.build([x], [y])


@model("MIRROR_PAD")
def mirror_pad(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), (1, *(int(v) for v in rng.integers(2, 9, 3)))
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    mode = int(rng.integers(0, 2))
    most = [0, *(n - 1 + mode for n in shape[1:])]
    widths = np.array([rng.integers(0, m + 1, 2) for m in most])
    x = b.tensor(shape, **q)
    y = b.tensor([d + int(w.sum()) for d, w in zip(shape, widths, strict=True)], **q)
    b.operator("MIRROR_PAD", [x, b.constant(widths)], [y], ("MirrorPadOptions", {"mode": mode}))
    return b.build([x], [y])


@model("STRIDED_SLICE")
def strided_slice(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    begin = [0, *(int(rng.integers(0, d)) for d in shape[1:])]
    end = [1, *(int(rng.integers(s + 1, d + 1)) for s, d in zip(begin[1:], shape[1:], strict=True))]
    stride = [1, *(int(v) for v in rng.integers(1, 3, 3))]
    masks = {"beginMask": int(rng.integers(0, 16)), "endMask": int(rng.integers(0, 16))}
    box = tuple(
        slice(
            None if masks["beginMask"] >> i & 1 else begin[i], None if masks["endMask"] >> i & 1 else end[i], stride[i]
        )
        for i in range(4)
    )
    x, y = b.tensor(shape, **q), b.tensor(np.zeros(shape)[box].shape, **q)
    inputs = [x, b.constant(begin), b.constant(end), b.constant(stride)]
    b.operator("STRIDED_SLICE", inputs, [y], ("StridedSliceOptions", masks), version=2)
    return b.build([x], [y])


@model("SPLIT")
def split(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    n = int(rng.integers(2, 4))
    axis = int(rng.integers(1, 4))
    whole = [d * n if i == axis else d for i, d in enumerate(shape)]
    x, parts = b.tensor(whole, **q), [b.tensor(shape, **q) for _ in range(n)]
    b.operator("SPLIT", [b.constant(axis), x], parts, ("SplitOptions", {"numSplits": n}), version=2)
    return b.build([x], parts)


@model("RESHAPE")
def reshape(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    out = [1, int(np.prod(shape))]
    x, y = b.tensor(shape, **q), b.tensor(out, **q)
    b.operator("RESHAPE", [x, b.constant(out)], [y], ("ReshapeOptions", {"newShape": out}))
    return b.build([x], [y])


@model("MAXIMUM")
def maximum(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    q: dict[str, Any] = {"scale": _scale(rng), "zero_point": _zero(rng)}
    a, c, y = (b.tensor(shape, **q) for _ in range(3))
    b.operator("MAXIMUM", [a, c], [y], ("MaximumMinimumOptions", {}), version=2)
    return b.build([a, c], [y])
