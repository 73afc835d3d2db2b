"""Models of PRELU, BATCH_MATMUL and GATHER with random shapes, weights and quantization, for generated C code."""

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
