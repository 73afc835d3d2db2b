"""Random int8 networks of several operators, with branches: what compilers and engines are compared with TFLM on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from helpers.random_models import Rng, _activation, _scale, _weights, _windowed, _zero
from helpers.tflite_builder import ModelBuilder


@dataclass
class Value:
    """A tensor with its quantization."""

    tensor: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int

    def like(self, b: ModelBuilder, shape: tuple[int, ...]) -> Value:
        """Add a tensor with the same quantization."""
        return Value(b.tensor(shape, scale=self.scale, zero_point=self.zero_point), shape, self.scale, self.zero_point)


@dataclass
class Network:
    """A network that grows."""

    rng: Rng
    b: ModelBuilder
    values: list[Value] = field(default_factory=list)

    @property
    def last(self) -> Value:
        return self.values[-1]

    def new(self, shape: tuple[int, ...], scale: float) -> Value:
        zero = _zero(self.rng)
        return Value(self.b.tensor(shape, scale=scale, zero_point=zero), tuple(shape), scale, zero)

    def append(self, name: str, inputs: list[int], y: Value, options=None, version: int = 2) -> None:
        self.b.operator(name, inputs, [y.tensor], options, version=version)
        self.values.append(y)


def _window_fields(k, s, d, padding) -> dict[str, int]:
    return {
        "padding": padding,
        "strideH": s[0],
        "strideW": s[1],
        "dilationHFactor": d[0],
        "dilationWFactor": d[1],
    }


def _conv(net: Network) -> None:
    rng, x = net.rng, net.last
    k, s, d, padding, out = _windowed(rng, x.shape)
    if rng.random() < 0.4:
        k, s, d, out = [1, 1], [1, 1], [1, 1], list(x.shape[1:3])
    groups = int(rng.choice([g for g in (1, 2, 4) if x.shape[3] % g == 0])) if rng.random() < 0.2 else 1
    channels = groups * int(rng.integers(1, 1 + 24 // groups))
    depth = x.shape[3] // groups
    rest, y_scale = _weights(rng, net.b, (channels, *k, depth), channels, 0, x.scale, k[0] * k[1] * depth)
    fields = {**_window_fields(k, s, d, padding), "fusedActivationFunction": _activation(rng)}
    net.append("CONV_2D", [x.tensor, *rest], net.new((1, *out, channels), y_scale), ("Conv2DOptions", fields), 3)


def _depthwise(net: Network) -> None:
    rng, x = net.rng, net.last
    k, s, d, padding, out = _windowed(rng, x.shape)
    if rng.random() < 0.5:
        k, s, d, padding, out = [3, 3], [1, 1], [1, 1], 0, list(x.shape[1:3])
    multiplier = int(rng.choice([1, 1, 1, 2])) if x.shape[3] < 16 else 1
    channels = x.shape[3] * multiplier
    rest, y_scale = _weights(rng, net.b, (1, *k, channels), channels, 3, x.scale, k[0] * k[1], biased=True)
    fields = {**_window_fields(k, s, d, padding), "fusedActivationFunction": _activation(rng)}
    options = ("DepthwiseConv2DOptions", {**fields, "depthMultiplier": multiplier})
    net.append("DEPTHWISE_CONV_2D", [x.tensor, *rest], net.new((1, *out, channels), y_scale), options, 3)


def _pool(net: Network) -> None:
    rng, x = net.rng, net.last
    k, s, _, padding, out = _windowed(rng, x.shape, dilate=False)
    fields = {"padding": padding, "strideH": s[0], "strideW": s[1], "filterHeight": k[0], "filterWidth": k[1]}
    name = str(rng.choice(["AVERAGE_POOL_2D", "MAX_POOL_2D"]))
    net.append(name, [x.tensor], x.like(net.b, (1, *out, x.shape[3])), ("Pool2DOptions", fields))


def _two(net: Network) -> None:
    rng, x = net.rng, net.last
    name = str(rng.choice(["ADD", "ADD", "SUB", "MUL"]))
    others = [v for v in net.values[:-1] if v.shape == x.shape]
    if others:
        other = others[int(rng.integers(len(others)))]
        tensor, scale = other.tensor, other.scale
    else:
        scale = _scale(rng)
        shape = x.shape if rng.random() < 0.5 else (1, 1, 1, x.shape[3])
        tensor = net.b.constant(rng.integers(-128, 128, shape), np.int8, scale=scale, zero_point=_zero(rng))
    order = [x.tensor, tensor] if rng.random() < 0.7 else [tensor, x.tensor]
    wide = 100 * x.scale * scale if name == "MUL" else max(x.scale, scale)
    y = net.new(x.shape, wide * float(np.exp(rng.uniform(-0.5, 1))))
    net.append(name, order, y, (f"{name.capitalize()}Options", {"fusedActivationFunction": _activation(rng)}))


def _concatenation(net: Network) -> None:
    x = net.last
    same = [v for v in net.values if v.shape[1:3] == x.shape[1:3] and v.zero_point == x.zero_point]
    same = [v for v in same if v.scale == x.scale][-3:]
    y = x.like(net.b, (*x.shape[:3], sum(v.shape[3] for v in same)))
    net.append("CONCATENATION", [v.tensor for v in same], y, ("ConcatenationOptions", {"axis": 3}))


def _pad(net: Network) -> None:
    x = net.last
    widths = np.concatenate([[[0, 0]], net.rng.integers(0, 3, (2, 2)), [[0, 0]]])
    y = x.like(net.b, tuple(int(n + w.sum()) for n, w in zip(x.shape, widths, strict=True)))
    net.append("PAD", [x.tensor, net.b.constant(widths)], y, ("PadOptions", {}))


def _function(net: Network) -> None:
    rng, x = net.rng, net.last
    name = str(rng.choice(["LOGISTIC", "TANH", "LEAKY_RELU", "RELU", "QUANTIZE", "HARD_SWISH"]))
    b, options = net.b, None
    if name in ("LOGISTIC", "TANH"):
        scale, zero = (1 / 256, -128) if name == "LOGISTIC" else (1 / 128, 0)
        y = Value(b.tensor(x.shape, scale=scale, zero_point=zero), x.shape, scale, zero)
    else:
        y = net.new(x.shape, x.scale * float(np.exp(rng.uniform(-0.7, 0.7))))
        if name == "LEAKY_RELU":
            options = ("LeakyReluOptions", {"alpha": 0.1})
        elif name in ("QUANTIZE", "HARD_SWISH"):
            options = (f"{'HardSwish' if name == 'HARD_SWISH' else 'Quantize'}Options", {})
    net.append(name, [x.tensor], y, options, 1 if name in ("QUANTIZE", "HARD_SWISH") else 2)


def _split(net: Network) -> None:
    x = net.last
    if x.shape[3] % 2:
        return
    parts = [x.like(net.b, (*x.shape[:3], x.shape[3] // 2)) for _ in range(2)]
    outputs = [p.tensor for p in parts]
    net.b.operator("SPLIT", [net.b.constant(3), x.tensor], outputs, ("SplitOptions", {"numSplits": 2}), version=2)
    net.values += parts


def _resize(net: Network) -> None:
    x = net.last
    if x.shape[1] * x.shape[2] > 64:
        return
    size = [x.shape[1] * 2, x.shape[2] * 2]
    name = str(net.rng.choice(["NEAREST_NEIGHBOR", "BILINEAR"]))
    table = "ResizeBilinearOptions" if name == "BILINEAR" else "ResizeNearestNeighborOptions"
    options = (table, {"halfPixelCenters": bool(net.rng.random() < 0.5)})
    y = x.like(net.b, (1, *size, x.shape[3]))
    net.append(f"RESIZE_{name}", [x.tensor, net.b.constant(size)], y, options, 3)


_LAYERS: list[tuple[Callable[[Network], None], float]] = [
    (_conv, 5),
    (_depthwise, 4),
    (_pool, 2),
    (_two, 3),
    (_concatenation, 2),
    (_pad, 1),
    (_function, 2),
    (_split, 1),
    (_resize, 0.5),
]


def _head(net: Network) -> None:
    """Flatten or average, one or two dense layers, and perhaps SOFTMAX."""
    rng, b, x = net.rng, net.b, net.last
    if rng.random() < 0.5:
        y = net.new((1, x.shape[3]), x.scale * float(np.exp(rng.uniform(-0.7, 0.2))))
        net.append("MEAN", [x.tensor, b.constant([1, 2])], y, ("ReducerOptions", {"keepDims": False}))
    else:
        shape = (1, int(np.prod(x.shape)))
        net.append(
            "RESHAPE", [x.tensor, b.constant(shape)], x.like(b, shape), ("ReshapeOptions", {"newShape": shape}), 1
        )
    for _ in range(int(rng.integers(1, 3))):
        x, units = net.last, int(rng.integers(2, 24))
        rest, y_scale = _weights(rng, b, (units, x.shape[1]), units, 0, x.scale, x.shape[1], biased=True)
        options = ("FullyConnectedOptions", {"fusedActivationFunction": _activation(rng)})
        net.append("FULLY_CONNECTED", [x.tensor, *rest], net.new((1, units), y_scale), options, 4)
    if rng.random() < 0.6:
        x = net.last
        y = Value(b.tensor(x.shape, scale=1 / 256, zero_point=-128), x.shape, 1 / 256, -128)
        net.append("SOFTMAX", [x.tensor], y, ("SoftmaxOptions", {"beta": 1.0}))


def random_network(seed: int) -> bytes:
    """Return a network of 3 to 12 operators. The same seed returns the same network."""
    rng = np.random.default_rng([seed, 20_231])
    net = Network(rng, ModelBuilder())
    shape = (1, int(rng.integers(4, 17)), int(rng.integers(4, 17)), int(rng.choice([1, 2, 3, 4, 8, 12])))
    net.values.append(net.new(shape, _scale(rng)))
    first = net.last
    weights = np.array([w for _, w in _LAYERS])
    for _ in range(int(rng.integers(2, 9))):
        if np.prod(net.last.shape) > 20_000:
            break
        _LAYERS[int(rng.choice(len(_LAYERS), p=weights / weights.sum()))][0](net)
    outputs = []
    if rng.random() < 0.2 and net.last is not first:
        outputs.append(net.last.tensor)
    if rng.random() < 0.8 or net.last is first:
        _head(net)
    return net.b.build([first.tensor], list(dict.fromkeys([*outputs, net.last.tensor])))
