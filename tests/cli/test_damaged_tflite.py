"""A damaged .tflite gives errors: never a crash, a hang, or an exception of the inside."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import pytest

import mltk
from mltk.errors import MltkError
from mltk.micro.engines.run import run_batch
from mltk.specification.archive_file import ArchiveReader


@pytest.fixture(scope="session")
def whole(trained_spec: Path) -> bytes:
    """The bytes of a trained and quantized model."""
    with ArchiveReader(trained_spec.parent / "toy_spec.mltk.zip") as reader:
        return reader.read("toy_spec.tflite")


def look_at(data: bytes, folder: Path) -> bool:
    """What summarize and update_params do; whether both took the file. Only an MltkError may come out."""
    path = folder / "model.tflite"
    path.write_bytes(data)
    try:
        mltk.summarize_model(str(path))
        mltk.update_model_parameters(str(path), {"a": 1})
    except MltkError:
        return False
    return True


def flipped(whole: bytes, rng: random.Random, bits: int) -> bytes:
    damaged = bytearray(whole)
    for _ in range(bits):
        damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
    return bytes(damaged)


def test_truncated_anywhere(whole, tmp_path):
    for length in {*range(64), *range(0, len(whole), 41), *range(len(whole) - 8, len(whole))}:
        path = tmp_path / "model.tflite"
        path.write_bytes(whole[:length])
        assert not look_at(whole[:length], tmp_path), length
        assert path.read_bytes() == whole[:length], "nothing is written over a damaged file"


@pytest.mark.parametrize("bits", [1, 8, 64])
def test_flipped_bits(whole, tmp_path, bits):
    rng = random.Random(bits)
    taken = [look_at(flipped(whole, rng, bits), tmp_path) for _ in range(120)]
    if bits == 64:
        assert not all(taken)


def test_running_what_still_reads_as_a_model(whole):
    """Native runtimes run in a child process: a crash there is an error here."""
    rng = random.Random(5)
    ran = 0
    for _ in range(200):
        data = flipped(whole, rng, 3)
        try:
            mltk.TfliteModel(data)
        except MltkError:
            continue
        ran += 1
        with contextlib.suppress(MltkError):
            result = run_batch(data, np.zeros((2, 4), np.int8), trusted=False, timeout_s=20)
            assert len(result.outputs[0]) == 2
        if ran == 12:
            break
    assert ran
