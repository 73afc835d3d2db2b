"""Writing a ``.tflite``: equal vectors are stored once, and every runtime reads the same model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from mltk.errors import MltkError
from mltk.micro.engines.run import check_inputs, run_batch
from mltk.tflite import TfliteModel
from mltk.tflite.format import codec
from mltk.tflite.graph import graph_of


def rewritten(data: bytes) -> bytes:
    model, verified = codec.unpack(data)
    return codec.pack(model, data, verified.end)


def test_zero_points_of_a_layer_are_stored_once(cnn_bytes: bytes) -> None:
    model, _ = codec.unpack(cnn_bytes)
    zero_points = np.zeros(64, np.int64)
    grown = []
    for n in (1, 2):
        for tensor in model.subgraphs[0].tensors[:n]:
            tensor.quantization.zeroPoint = zero_points.copy()
        grown.append(len(codec.pack(model, cnn_bytes)))
    assert grown[0] > len(cnn_bytes) + 400
    assert grown[1] <= grown[0]  # the second tensor's refer to the first one's


def test_equal_constants_are_stored_once_and_aligned(cnn_bytes: bytes) -> None:
    model, _ = codec.unpack(cnn_bytes)
    constants = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)][:2]
    payload = np.arange(200, dtype=np.uint8)
    constants[0].data = payload
    once = len(codec.pack(model, cnn_bytes))
    constants[1].data = payload.copy()
    packed = codec.pack(model, cnn_bytes)
    assert len(packed) <= once
    assert packed.count(payload.tobytes()) == 1
    assert packed.index(payload.tobytes()) % codec.BUFFER_ALIGNMENT == 0


def test_rewriting_loses_nothing_and_is_stable(published: Path) -> None:
    data = published.read_bytes()
    once = rewritten(data)
    assert len(once) <= len(data) + 256
    assert len(rewritten(once)) == len(once)
    before, after = TfliteModel(data), TfliteModel(once)
    for old, new in zip(before.tensors, after.tensors, strict=True):
        assert (old.name, old.shape, old.dtype) == (new.name, new.shape, new.dtype)
        np.testing.assert_array_equal(old.data, new.data)
        for field in ("scale", "zeroPoint"):
            np.testing.assert_array_equal(
                getattr(old.raw.quantization, field, None), getattr(new.raw.quantization, field, None)
            )


@pytest.mark.parametrize("engine", ["tflm", "litert-reference"])
def test_runtimes_compute_the_same_from_it(published: Path, engine: str) -> None:
    if engine == "tflm" and importlib.util.find_spec("tflite_micro") is None:
        pytest.skip("tflite-micro is not installed")
    data = published.read_bytes()
    draw, graph = np.random.default_rng(1), graph_of(data)
    inputs = [draw.integers(-100, 100, (3, *t.shape[1:])).astype(t.dtype) for t in graph.inputs]
    try:
        check_inputs(graph, inputs)
        wanted = run_batch(data, inputs, engine=engine).outputs
    except MltkError as e:
        pytest.skip(f"{published.name} does not run as it is: {e.message[:60]}")
    for one, other in zip(wanted, run_batch(rewritten(data), inputs, engine=engine).outputs, strict=True):
        np.testing.assert_array_equal(one, other)
