"""Models of operators that have no exact kernel in NumPy, with random shapes, weights and quantization."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from helpers.tflite_builder import ModelBuilder

Rng = np.random.Generator
PAIRS: dict[str, Callable[[Rng], bytes]] = {}


def model(name: str):
    def register(f):
        PAIRS[name] = f
        return f

    return register


def _scale(rng: Rng, low=0.002, high=0.2) -> float:
    return float(np.float32(np.exp(rng.uniform(np.log(low), np.log(high)))))


def _zero(rng: Rng) -> int:
    return int(rng.choice([-128, 127, 0, int(rng.integers(-128, 128))]))


@model("PRELU")
def prelu(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), (1, *(int(v) for v in rng.integers(1, 9, 3)))
    scale = _scale(rng)
    x = b.tensor(shape, scale=scale, zero_point=_zero(rng))
    slopes = shape[1:] if rng.random() < 0.2 else (1, 1, shape[3])
    slope_scale = _scale(rng, 0.001, 0.02)
    alpha = b.constant(rng.integers(-128, 128, slopes), np.int8, scale=slope_scale, zero_point=int(rng.integers(-5, 5)))
    y = b.tensor(shape, scale=scale * float(np.exp(rng.uniform(-0.5, 1))), zero_point=_zero(rng))
    b.operator("PRELU", [x, alpha], [y])
    return b.build([x], [y])


def _matmul(rng: Rng, dtype, scale: float, zero) -> bytes:
    b = ModelBuilder()
    rows, depth, columns = (int(v) for v in rng.integers(1, 20, 3))
    batch = tuple(int(v) for v in rng.integers(1, 4, int(rng.integers(0, 3))))
    adj = {"adjX": bool(rng.random() < 0.4), "adjY": bool(rng.random() < 0.4)}
    batches = [batch, batch]
    if batch and rng.random() < 0.4:
        batches[int(rng.integers(2))] = (1,) * len(batch)
    left, right = (depth, rows) if adj["adjX"] else (rows, depth), (columns, depth) if adj["adjY"] else (depth, columns)
    scales = scale * float(np.exp(rng.uniform(-1, 1))), scale * float(np.exp(rng.uniform(-1, 1)))
    a = b.tensor((*batches[0], *left), dtype, scale=scales[0], zero_point=zero())
    if rng.random() < 0.5:
        c = b.tensor((*batches[1], *right), dtype, scale=scales[1], zero_point=zero())
        inputs = [a, c]
    else:
        bound = 1 << (8 * np.dtype(dtype).itemsize - 1)
        values = rng.integers(-bound, bound, (*batches[1], *right))
        c, inputs = b.constant(values, dtype, scale=scales[1], zero_point=zero()), [a]
    levels = 74 if dtype is np.int8 else 18900
    y_scale = scales[0] * scales[1] * levels * np.sqrt(depth) * float(np.exp(rng.uniform(-0.5, 1)))
    shape = (*np.broadcast_shapes(*batches), rows, columns)
    y = b.tensor(shape, dtype, scale=y_scale, zero_point=zero())
    b.operator("BATCH_MATMUL", [a, c], [y], ("BatchMatMulOptions", adj), version=4)
    return b.build(inputs, [y])


@model("BATCH_MATMUL")
def batch_matmul(rng: Rng) -> bytes:
    return _matmul(rng, np.int8, 0.02, lambda: _zero(rng))


@model("BATCH_MATMUL of int16")
def batch_matmul_16(rng: Rng) -> bytes:
    return _matmul(rng, np.int16, 1e-4, lambda: 0)


@model("GATHER")
def gather(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), tuple(int(v) for v in rng.integers(1, 7, int(rng.integers(1, 5))))
    axis = int(rng.integers(0, len(shape)))
    batch = int(rng.integers(0, axis + 1)) if rng.random() < 0.4 else 0
    places = (*shape[:batch], *(int(v) for v in rng.integers(1, 5, int(rng.integers(1, 3)))))
    is_float = rng.random() < 0.3
    q: dict[str, Any] = {} if is_float else {"scale": 0.1, "zero_point": 3}
    dtype = np.float32 if is_float else np.int8
    x = b.tensor(shape, dtype, **q)
    positions = b.constant(rng.integers(0, shape[axis], places))
    y = b.tensor((*shape[:axis], *places[batch:], *shape[axis + 1 :]), dtype, **q)
    b.operator("GATHER", [x, positions], [y], ("GatherOptions", {"axis": axis, "batchDims": batch}), version=5)
    return b.build([x], [y])


@model("BROADCAST_TO")
def broadcast_to(rng: Rng) -> bytes:
    b = ModelBuilder()
    q: dict[str, Any] = {"scale": 0.1, "zero_point": 3}
    shape = tuple(int(v) for v in rng.integers(1, 6, 4))
    small = tuple(1 if rng.random() < 0.5 else d for d in shape)[int(rng.integers(0, 3)) :]
    x, y = b.tensor(small, **q), b.tensor(shape, **q)
    b.operator("BROADCAST_TO", [x, b.constant(shape)], [y], None, version=2)
    return b.build([x], [y])


@model("L2_NORMALIZATION")
def l2_normalization(rng: Rng) -> bytes:
    b, shape = ModelBuilder(), (int(rng.integers(1, 5)), int(rng.choice([1, 2, 5, 64, 300])))
    x = b.tensor(shape, scale=_scale(rng), zero_point=_zero(rng))
    y = b.tensor(shape, scale=1 / 128)
    b.operator("L2_NORMALIZATION", [x], [y], ("L2NormOptions", {}), version=2)
    return b.build([x], [y])


@model("SVDF")
def svdf(rng: Rng) -> bytes:
    b = ModelBuilder()
    size, units, rank, steps = (int(v) for v in (*rng.integers(1, 20, 2), rng.integers(1, 4), rng.integers(1, 9)))
    state_type = np.int8 if rng.random() < 0.4 else np.int16
    bound = 127 if state_type is np.int8 else 32767
    filters, x_scale, w_scale, v_scale = units * rank, _scale(rng), _scale(rng, 0.002, 0.02), _scale(rng, 0.002, 0.02)
    if state_type is np.int16:
        v_scale /= 256
    state_scale = x_scale * w_scale * 74 * 100 * np.sqrt(size) / bound * 2
    x = b.tensor((1, size), scale=x_scale, zero_point=_zero(rng))
    w = b.constant(rng.integers(-127, 128, (filters, size)), np.int8, scale=w_scale)
    most = bound if state_type is np.int8 else 2000
    v = b.constant(rng.integers(-most, most, (filters, steps)), state_type, scale=v_scale)
    bias = b.constant(rng.integers(-1000, 1000, units), np.int32, scale=state_scale * v_scale)
    state = b.tensor((1, filters * steps), state_type, scale=state_scale, variable=True)
    y_scale = state_scale * v_scale * bound / 2 * most / 2 * np.sqrt(rank * steps) / 60
    y = b.tensor((1, units), scale=y_scale, zero_point=int(rng.integers(-128, 128)))
    options = ("SVDFOptions", {"rank": rank, "fusedActivationFunction": 1})
    b.operator("SVDF", [x, w, v, bias, state], [y], options, version=3)
    return b.build([x], [y])
