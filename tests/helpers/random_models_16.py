"""One-operator models with int16 activations, and LSTMs, with random shapes, weights and quantization."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from helpers.tflite_builder import ModelBuilder

Rng = np.random.Generator
MODELS_16: dict[str, Callable[[Rng], bytes]] = {}


def model(name: str):
    def register(f):
        MODELS_16[name] = f
        return f

    return register


def _scale(rng: Rng, low=1e-5, high=1e-3) -> float:
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))


def _image(rng: Rng, channels=8) -> tuple[int, int, int, int]:
    height, width = (int(v) for v in rng.integers(1, 10, 2))
    return int(rng.choice([1, 1, 2])), height, width, int(rng.integers(1, channels + 1))


def _windowed(rng: Rng, shape, may_dilate: bool = True):
    """Fields, kernel and output size of a window that fits ``shape``."""
    while True:
        kernel, stride = rng.integers(1, 5, 2), rng.integers(1, 4, 2)
        dilation = rng.integers(1, 3, 2) if may_dilate and rng.random() < 0.3 else np.array([1, 1])
        reach = (kernel - 1) * dilation + 1
        same = bool(rng.random() < 0.5)
        size = np.array(shape[1:3])
        out = -(-size // stride) if same else (size - reach) // stride + 1
        if min(out) > 0:
            break
    fields = {
        "padding": 0 if same else 1,
        "strideH": int(stride[0]),
        "strideW": int(stride[1]),
        "fusedActivationFunction": int(rng.choice([0, 1, 3])),
    }
    dilations = {"dilationHFactor": int(dilation[0]), "dilationWFactor": int(dilation[1])}
    return fields, dilations, [int(v) for v in kernel], [int(v) for v in out]


def _weights(rng: Rng, b: ModelBuilder, shape, channels: int, axis: int, x_scale: float, fan_in: int, bias_type):
    n = channels if rng.random() < 0.7 else 1
    scale = np.array([_scale(rng, 0.001, 0.02) for _ in range(n)], np.float32)
    w = b.constant(rng.integers(-127, 128, shape), np.int8, scale=scale, dimension=axis)
    bias = rng.integers(-(10**6), 10**6, channels)
    given = [b.constant(bias, bias_type, scale=np.float32(x_scale) * scale)] if bias_type is not None else [-1]
    typical = x_scale * float(np.mean(scale)) * 74 * 18900 * np.sqrt(fan_in)
    return [w, *given], float(np.float32(typical / 12000 * np.exp(rng.uniform(-1.5, 1.5))))


@model("CONV_2D")
def conv_2d(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng, 12), _scale(rng)
    fields, dilations, kernel, out = _windowed(rng, shape)
    channels = int(rng.integers(1, 12))
    # An int32 bias is for sums of 32 bits: few weights, small ones.
    small = rng.random() < 0.3
    bias_type = np.int32 if small else np.int64
    if small:
        shape = (*shape[:3], 2)
    x = b.tensor(shape, np.int16, scale=scale)
    fan_in = kernel[0] * kernel[1] * shape[3]
    rest, y_scale = _weights(rng, b, (channels, *kernel, shape[3]), channels, 0, scale, fan_in, bias_type)
    y = b.tensor((shape[0], *out, channels), np.int16, scale=y_scale)
    b.operator("CONV_2D", [x, *rest], [y], ("Conv2DOptions", {**fields, **dilations}), version=4)
    return b.build([x], [y])


@model("DEPTHWISE_CONV_2D")
def depthwise_conv_2d(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng, 8), _scale(rng)
    fields, dilations, kernel, out = _windowed(rng, shape)
    multiplier = int(rng.choice([1, 1, 2]))
    channels = shape[3] * multiplier
    x = b.tensor(shape, np.int16, scale=scale)
    rest, y_scale = _weights(rng, b, (1, *kernel, channels), channels, 3, scale, kernel[0] * kernel[1], np.int64)
    y = b.tensor((shape[0], *out, channels), np.int16, scale=y_scale)
    options = {**fields, **dilations, "depthMultiplier": multiplier}
    b.operator("DEPTHWISE_CONV_2D", [x, *rest], [y], ("DepthwiseConv2DOptions", options), version=5)
    return b.build([x], [y])


@model("FULLY_CONNECTED")
def fully_connected(rng: Rng) -> bytes:
    b, scale = ModelBuilder(), _scale(rng)
    k, units, rows = int(rng.integers(1, 900)), int(rng.integers(1, 30)), int(rng.choice([1, 3]))
    x = b.tensor((rows, k), np.int16, scale=scale)
    scale_w = _scale(rng, 0.001, 0.02)
    w = b.constant(rng.integers(-127, 128, (units, k)), np.int8, scale=scale_w)
    bias = rng.integers(-(10**6), 10**6, units)
    y_scale = scale * scale_w * 74 * 18900 * np.sqrt(k) / 12000 * float(np.exp(rng.uniform(-1, 1)))
    y = b.tensor((rows, units), np.int16, scale=y_scale)
    rest = [b.constant(bias, np.int64, scale=np.float32(scale) * np.float32(scale_w))]
    options = {"fusedActivationFunction": int(rng.choice([0, 1]))}
    b.operator("FULLY_CONNECTED", [x, w, *rest], [y], ("FullyConnectedOptions", options), version=7)
    return b.build([x], [y])


def _two_inputs(name: str, options: str, rng: Rng, y_scale) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    scales = _scale(rng), _scale(rng)
    other = shape if rng.random() < 0.6 else (1, 1, 1, shape[3])
    a = b.tensor(shape, np.int16, scale=scales[0])
    if rng.random() < 0.7:
        c = b.tensor(other, np.int16, scale=scales[1])
        inputs = [a, c]
    else:
        c = b.constant(rng.integers(-32768, 32768, other), np.int16, scale=scales[1])
        inputs = [a]
    y = b.tensor(shape, np.int16, scale=float(np.float32(y_scale(scales))))
    order = [a, c] if rng.random() < 0.7 else [c, a]
    fields = {} if name in ("MAXIMUM", "MINIMUM") else {"fusedActivationFunction": int(rng.choice([0, 1, 3]))}
    b.operator(name, order, [y], (options, fields), version=4)
    return b.build(inputs, [y])


@model("ADD")
def add(rng: Rng) -> bytes:
    return _two_inputs("ADD", "AddOptions", rng, lambda s: max(s) * float(np.exp(rng.uniform(-0.5, 1))))


@model("SUB")
def sub(rng: Rng) -> bytes:
    return _two_inputs("SUB", "SubOptions", rng, lambda s: max(s) * float(np.exp(rng.uniform(-0.5, 1))))


@model("MUL")
def mul(rng: Rng) -> bytes:
    return _two_inputs("MUL", "MulOptions", rng, lambda s: s[0] * s[1] * 20000 * float(np.exp(rng.uniform(-1, 1))))


def _pool(name: str, rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng, 12), _scale(rng)
    fields, _, kernel, out = _windowed(rng, shape, may_dilate=False)
    x, y = b.tensor(shape, np.int16, scale=scale), b.tensor((shape[0], *out, shape[3]), np.int16, scale=scale)
    options = {**fields, "filterHeight": kernel[0], "filterWidth": kernel[1]}
    b.operator(name, [x], [y], ("Pool2DOptions", options), version=3)
    return b.build([x], [y])


@model("AVERAGE_POOL_2D")
def average_pool(rng: Rng) -> bytes:
    return _pool("AVERAGE_POOL_2D", rng)


@model("MAX_POOL_2D")
def max_pool(rng: Rng) -> bytes:
    return _pool("MAX_POOL_2D", rng)


@model("MEAN")
def mean(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng, 12), _scale(rng)
    axes = [1, 2] if rng.random() < 0.7 else [int(rng.integers(1, 4))]
    keep = bool(rng.random() < 0.5)
    out = [1 if i in axes else d for i, d in enumerate(shape) if keep or i not in axes]
    x, y = b.tensor(shape, np.int16, scale=scale), b.tensor(out, np.int16, scale=scale * float(rng.uniform(0.4, 1.2)))
    b.operator("MEAN", [x, b.constant(axes)], [y], ("ReducerOptions", {"keepDims": keep}), version=3)
    return b.build([x], [y])


def _unary(
    name: str, rng: Rng, x_scale: float, y_scale: float, options=None, x_type=np.int16, y_type=np.int16, **zeros
):
    b, shape = ModelBuilder(), _image(rng)
    x = b.tensor(shape, x_type, scale=x_scale, zero_point=zeros.get("x", 0))
    y = b.tensor(shape, y_type, scale=y_scale, zero_point=zeros.get("y", 0))
    b.operator(name, [x], [y], options, version=3)
    return b.build([x], [y])


@model("LOGISTIC")
def logistic(rng: Rng) -> bytes:
    scale = 2.0**-12 if rng.random() < 0.3 else _scale(rng, 1e-5, 1e-2)
    return _unary("LOGISTIC", rng, scale, 1 / 32768)


@model("TANH")
def tanh(rng: Rng) -> bytes:
    scale = 2.0**-12 if rng.random() < 0.3 else _scale(rng, 1e-5, 1e-2)
    return _unary("TANH", rng, scale, 1 / 32768)


@model("LEAKY_RELU")
def leaky_relu(rng: Rng) -> bytes:
    scale = _scale(rng)
    options = ("LeakyReluOptions", {"alpha": float(rng.choice([0.1, 0.01, 0.3]))})
    return _unary("LEAKY_RELU", rng, scale, scale * float(np.exp(rng.uniform(-0.5, 1))), options)


@model("SOFTMAX")
def softmax(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), (int(rng.integers(1, 4)), int(rng.integers(1, 60)))
    x = b.tensor(shape, np.int16, scale=_scale(rng, 1e-6, 2e-3))
    y = b.tensor(shape, np.int16, scale=1 / 32768)
    b.operator("SOFTMAX", [x], [y], ("SoftmaxOptions", {"beta": float(rng.choice([1.0, 0.5]))}), version=3)
    return b.build([x], [y])


@model("QUANTIZE")
def quantize(rng: Rng) -> bytes:
    kind = int(rng.integers(0, 4))
    scale = _scale(rng)
    if kind == 0:
        return _unary("QUANTIZE", rng, scale, scale * float(np.exp(rng.uniform(-0.5, 1))), ("QuantizeOptions", {}))
    if kind == 1:
        zero = int(rng.integers(-128, 128))
        return _unary("QUANTIZE", rng, scale, scale * 250, ("QuantizeOptions", {}), y_type=np.int8, y=zero)
    if kind == 2:
        zero = int(rng.integers(-128, 128))
        return _unary("QUANTIZE", rng, scale * 250, scale, ("QuantizeOptions", {}), x_type=np.int8, x=zero)
    b, shape = ModelBuilder(), _image(rng)
    x, y = b.tensor(shape, np.float32), b.tensor(shape, np.int16, scale=_scale(rng, 1e-4, 1e-2))
    b.operator("QUANTIZE", [x], [y], ("QuantizeOptions", {}))
    return b.build([x], [y])


@model("DEQUANTIZE")
def dequantize(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), _image(rng)
    x, y = b.tensor(shape, np.int16, scale=_scale(rng)), b.tensor(shape, np.float32)
    b.operator("DEQUANTIZE", [x], [y], ("DequantizeOptions", {}), version=3)
    return b.build([x], [y])


@model("PAD")
def pad(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng), _scale(rng)
    widths = np.concatenate([[[0, 0]], rng.integers(0, 3, (3, 2))])
    x = b.tensor(shape, np.int16, scale=scale)
    y = b.tensor([d + int(w.sum()) for d, w in zip(shape, widths, strict=True)], np.int16, scale=scale)
    b.operator("PAD", [x, b.constant(widths)], [y], ("PadOptions", {}), version=2)
    return b.build([x], [y])


@model("CONCATENATION")
def concatenation(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng), _scale(rng)
    other = (*shape[:3], int(rng.integers(1, 5)))
    x = [b.tensor(s, np.int16, scale=scale) for s in (shape, other)]
    y = b.tensor((*shape[:3], shape[3] + other[3]), np.int16, scale=scale)
    b.operator("CONCATENATION", x, [y], ("ConcatenationOptions", {"axis": 3}), version=3)
    return b.build(x, [y])


@model("TRANSPOSE")
def transpose(rng: Rng) -> bytes:
    b, shape, scale = ModelBuilder(), _image(rng), _scale(rng)
    order = [0, *(int(v) + 1 for v in rng.permutation(3))]
    x, y = (b.tensor(s, np.int16, scale=scale) for s in (shape, [shape[i] for i in order]))
    b.operator("TRANSPOSE", [x, b.constant(order)], [y], ("TransposeOptions", {}), version=4)
    return b.build([x], [y])


@model("UNIDIRECTIONAL_SEQUENCE_LSTM")
def lstm(rng: Rng) -> bytes:
    batch, steps, n_in, n = (int(rng.integers(1, 3)), *(int(v) for v in rng.integers(1, 12, 3)))
    b, by_time = ModelBuilder(), bool(rng.random() < 0.3)
    x_scale, hidden_scale = (
        float(np.exp(rng.uniform(np.log(0.005), np.log(0.05)))),
        float(rng.uniform(1 / 250, 1 / 120)),
    )
    x_zero, hidden_zero = (int(rng.integers(-20, 20)) for _ in range(2))
    first = (steps, batch) if by_time else (batch, steps)
    x = b.tensor((*first, n_in), scale=x_scale, zero_point=x_zero)

    def weights(size: int) -> list[int]:
        scale = [_scale(rng, 0.002, 0.01) for _ in range(4)]
        return [b.constant(rng.integers(-127, 128, (n, size)), np.int8, scale=s) for s in scale]

    inner, recurrent = weights(n_in), weights(n)
    biases = [b.constant(rng.integers(-3000, 3000, n), np.int32, scale=1e-4) for _ in range(4)]
    hidden = b.tensor((batch, n), scale=hidden_scale, zero_point=hidden_zero, variable=True)
    cell = b.tensor((batch, n), np.int16, scale=2.0 ** -int(rng.integers(9, 16)), variable=True)
    y = b.tensor((*first, n), scale=hidden_scale, zero_point=hidden_zero)
    inputs = [x, *inner, *recurrent, -1, -1, -1, *biases, -1, -1, hidden, cell, -1, -1, -1, -1]
    clip = float(rng.choice([0.0, 1.0, 10.0]))
    options = {"fusedActivationFunction": 4, "cellClip": clip, "timeMajor": by_time}
    b.operator("UNIDIRECTIONAL_SEQUENCE_LSTM", inputs, [y], ("UnidirectionalSequenceLSTMOptions", options), version=3)
    return b.build([x], [y])
