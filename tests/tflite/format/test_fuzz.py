"""Damaged and hostile files: a `TfliteError` or a model, never anything else."""

from __future__ import annotations

import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.tflite_builder import small_cnn
from mltk.errors import MltkError, TfliteError
from mltk.tflite import TfliteModel, TfliteModelParameters

WITH_PARAMS = TfliteModelParameters(name="x", classes=["a", "b"], f=[0.5]).add_to_tflite_flatbuffer(small_cnn())


def exercise(data: bytes, change: bool = True) -> bool:
    """Load, look at everything, change the metadata; False if the file was refused."""
    try:
        model = TfliteModel(data)
    except TfliteError:
        return False
    model.summary()
    if not change:
        return True
    for layer in model.layers:
        for tensor in (*layer.inputs, *layer.outputs):
            if tensor is not None and tensor.size_bytes < 1 << 20:
                _ = tensor.data
        with contextlib.suppress(TfliteError):
            _ = getattr(layer, "params", None)
    with contextlib.suppress(MltkError):
        TfliteModelParameters.load_from_tflite_model(model)
        model.add_metadata("x", b"y")
        TfliteModel(model.flatbuffer_data)
    return True


def test_truncated_at_every_byte():
    refused = [end for end in range(len(WITH_PARAMS)) if not exercise(WITH_PARAMS[:end])]
    # A FlatBuffer begins at its root: only padding at the end can be missing unnoticed.
    assert len(refused) > len(WITH_PARAMS) - 16
    assert exercise(WITH_PARAMS)


def test_every_byte_changed():
    for index in range(len(WITH_PARAMS)):
        changed = WITH_PARAMS[index] ^ (0x80 if index % 2 else 0xFF)
        exercise(WITH_PARAMS[:index] + bytes([changed]) + WITH_PARAMS[index + 1 :], change=index % 8 == 0)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(WITH_PARAMS) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_several_bytes_changed(changes):
    data = bytearray(WITH_PARAMS)
    for index, value in changes:
        data[index] = value
    exercise(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes(data):
    exercise(data)
    exercise(b"\x08\0\0\0TFL3" + data)


def test_published_with_bits_flipped(published):
    data = published.read_bytes()
    rng = np.random.default_rng(3)
    for _ in range(30):
        damaged = bytearray(data)
        for _ in range(rng.integers(1, 4)):
            damaged[rng.integers(len(damaged))] ^= 1 << rng.integers(8)
        exercise(bytes(damaged))
    for end in rng.integers(0, len(data), 30):
        assert not exercise(data[:end])


def test_huge_vector_is_refused_without_reading_it():
    data = bytearray(small_cnn())
    # The length of a vector that claims four billion elements.
    root = struct.unpack_from("<I", data)[0]
    vtable = root - struct.unpack_from("<i", data, root)[0]
    field = root + struct.unpack_from("<H", data, vtable + 8)[0]  # subgraphs
    struct.pack_into("<I", data, field + struct.unpack_from("<I", data, field)[0], 0xFFFFFFFF)
    with pytest.raises(TfliteError, match="claims 4294967295 elements"):
        TfliteModel(bytes(data))


def _table(vtable_slots: list[int], size: int) -> bytes:
    """A vtable and the zeroed table right behind it; returns both."""
    vtable = struct.pack(f"<{2 + len(vtable_slots)}H", 4 + 2 * len(vtable_slots), size, *vtable_slots)
    vtable += bytes(-len(vtable) % 4)
    return vtable + struct.pack("<i", len(vtable)) + bytes(size - 4)


def test_shared_tables_do_not_multiply():
    """1,000 subgraphs that are one table, whose 1,000 tensors are one table: 8 kB that would unpack to a million."""
    n = 1000
    data = bytearray(8)
    data[4:8] = b"TFL3"

    def add(part: bytes) -> int:
        data.extend(part)
        return len(data) - len(part)

    def point(at: int, target: int) -> None:
        struct.pack_into("<I", data, at, target - at)

    model = add(_table([0, 0, 4], 8)) + 12
    point(0, model)
    subgraphs = add(struct.pack("<I", n) + bytes(4 * n))
    point(model + 4, subgraphs)
    subgraph = add(_table([4], 8)) + 8
    tensors = add(struct.pack("<I", n) + bytes(4 * n))
    point(subgraph + 4, tensors)
    tensor = add(_table([], 4)) + 4
    for i in range(n):
        point(subgraphs + 4 + 4 * i, subgraph)
        point(tensors + 4 + 4 * i, tensor)
    with pytest.raises(TfliteError, match="over and over"):
        TfliteModel(bytes(data))
