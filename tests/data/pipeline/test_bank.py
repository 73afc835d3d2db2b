"""Decoded samples: kept where they are, in memory or in a file, decoded once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from helpers.numbers_medium import NumberBank, numbers_folder
from mltk.data.pipeline.bank import BLOCK_BYTES, BlockStore


def test_a_store_keeps_shapes_and_never_moves_an_array() -> None:
    store = BlockStore(np.int16, 3 * BLOCK_BYTES, "test")
    rng = np.random.default_rng(0)
    arrays = [rng.integers(-9, 9, (int(n), 3)).astype(np.int16) for n in rng.integers(0, 200_000, 40)]
    kept = [store.keep(a) for a in arrays]
    addresses = [k.ctypes.data for k in kept]
    assert sum(a.nbytes for a in arrays) > 2 * BLOCK_BYTES  # so that some lie in the file
    for array, place, address in zip(arrays, kept, addresses, strict=True):
        assert np.array_equal(array, place)
        assert place.ctypes.data == address


def test_beyond_its_limit_a_store_uses_a_file(caplog) -> None:
    caplog.set_level("INFO", logger="mltk")
    store = BlockStore(np.float32, 0, "test")
    assert isinstance(store.keep(np.ones(5, np.float32)).base, np.memmap)
    assert "The test data exceeds its memory limit" in caplog.text


def test_threads_that_decode_the_same_files_agree(tmp_path) -> None:
    folder = numbers_folder(tmp_path / "numbers")
    bank = NumberBank([f"{folder}/ones/{i}.txt" for i in range(10)] + [None])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: bank.ensure_all(2), range(4)))
    assert [bank.sample(i)[0] for i in range(11)] == [*range(10, 20), 0]
    assert bank.shapes(np.array([0, 10])) == [(2,), (1,)]
    assert len(set(bank.addresses(np.arange(11)).tolist())) == 11
