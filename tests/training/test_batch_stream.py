"""Pipelines of batches that training and validation read from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mltk.data.pipeline.epochs import EpochBatches
from mltk.training.batch_stream import batch_stream, in_order, made_stream, one_epoch

X = np.arange(10, dtype=np.float32).reshape(10, 1)


class Counting(EpochBatches):
    def batch(self, epoch: int, index: int) -> Any:
        return X[index * 4 : index * 4 + 4] + 100 * epoch, np.ones(len(X[index * 4 : index * 4 + 4]), np.float32)


PIPELINES = {
    "arrays": lambda: batch_stream((X, X), 4, shuffle=False, seed=1),
    "arrays in order": lambda: in_order((X, X), 4),
    "made": lambda: made_stream(Counting(10, 4)),
    "made, one epoch": lambda: one_epoch(Counting(10, 4)),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_no_thread_of_tensorflow_tunes_them(name: str) -> None:
    """It is not always woken when the iterator ends, so that a training of 6 s took 10."""
    pipeline = PIPELINES[name]()
    assert pipeline.options().autotune.enabled is False
    first = [np.asarray(x).ravel().tolist() for x, _ in pipeline.take(3)]
    assert first == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]


@pytest.mark.parametrize("samples", [4, 10, 31, 200])
def test_what_goes_to_tensorflow_together_comes_out_one_by_one(samples: int) -> None:
    class Numbers(EpochBatches):
        def batch(self, epoch: int, index: int) -> Any:
            rows = np.arange(index * 4, min(index * 4 + 4, samples)) + 1000 * epoch
            return {"a": rows, "b": np.stack([rows, rows], axis=1).astype(np.int8)}, rows.astype(np.float32)

    batches = Numbers(samples, 4, workers=2)
    steps = len(batches)
    made = list(made_stream(batches, first_batch=1).take(3 * steps).as_numpy_iterator())
    for number, (x, y) in enumerate(made, start=1):
        wanted_x, wanted_y = batches.batch(*divmod(number, steps))
        np.testing.assert_array_equal(x["a"], wanted_x["a"])
        np.testing.assert_array_equal(x["b"], wanted_x["b"])
        np.testing.assert_array_equal(y, wanted_y)
    assert len(list(one_epoch(batches))) == steps
