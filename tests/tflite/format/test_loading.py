"""A ``.tflite`` is checked and unpacked once in an operation, and what was read is handed on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from helpers.tflite_builder import small_cnn
from mltk.micro.memory.arena import measure_arena
from mltk.operations.parity import check_parity
from mltk.operations.profile import profile_model
from mltk.operations.shared.predictors import DevicePredictor
from mltk.tflite import TfliteModel
from mltk.tflite.format import codec, loading, reader, verify


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Counter[tuple[str, bytes]]:
    """How often each file was checked, unpacked and verified in this process."""
    counts: Counter[tuple[str, bytes]] = Counter()
    bytes_checked, unpacked, verified = codec.verify_bytes, reader.unpack_model, verify.verify_model
    last = b""

    def verify_bytes(data, path=None):
        nonlocal last
        last = data
        counts["bytes checked", data] += 1
        return bytes_checked(data, path)

    def unpack_model(data):
        counts["unpacked", data] += 1
        return unpacked(data)

    def verify_model(model, size, path=None):
        counts["verified", last] += 1
        verified(model, size, path)

    monkeypatch.setattr(codec, "verify_bytes", verify_bytes)
    monkeypatch.setattr(codec, "unpack_model", unpack_model)
    monkeypatch.setattr(loading, "verify_model", verify_model)
    return counts


def once(*files: bytes) -> dict[tuple[str, bytes], int]:
    """Every step once for each file."""
    return {(step, data): 1 for step in ("bytes checked", "unpacked", "verified") for data in files}


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(small_cnn())
    return path


def test_a_profile_reads_the_file_once(seen, model_file):
    profile_model(str(model_file), target="cortex-m4")
    assert seen == once(model_file.read_bytes())


@pytest.mark.parametrize("trusted", [True, False])
def test_a_parity_check_reads_each_file_once(needs_tflm, seen, model_file, trusted):
    check_parity(str(model_file), n_samples=40, trusted=trusted)
    assert seen == once(model_file.read_bytes())


def test_a_parity_check_with_a_float_model_reads_both_files_once(needs_tflm, seen, model_file):
    twin = model_file.with_name("twin.tflite")
    twin.write_bytes(model_file.read_bytes() + bytes(16))
    check_parity(str(model_file), float_model=str(twin), n_samples=20, trusted=True)
    assert seen == once(model_file.read_bytes(), twin.read_bytes())


def test_measuring_the_arena_of_bytes_reads_them_once(needs_tflm, seen):
    data = small_cnn()
    measure_arena(data)
    assert seen == once(data)


def test_evaluating_batch_by_batch_reads_the_file_once(needs_tflm, seen, model_file):
    model = TfliteModel.load_flatbuffer_file(str(model_file))
    predictor = DevicePredictor(model)
    for _ in range(3):
        predictor.predict(np.zeros((4, 8, 8, 1), np.float32))
    assert seen == once(model_file.read_bytes())
