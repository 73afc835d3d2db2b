"""Going through a dataset once: each sample exactly once, whatever kind it is."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.iterate import Batch, is_py_dataset, iter_batches, regroup
from mltk.data.nested import is_in_memory, is_tf_dataset
from mltk.errors import DatasetError


@given(st.integers(1, 40), st.integers(1, 50), st.none() | st.integers(1, 10))
def test_each_sample_once_and_in_order(samples: int, batch_size: int, steps: int | None) -> None:
    x, y = np.arange(samples * 2).reshape(samples, 2), np.arange(samples)
    batches = list(iter_batches(x, y, batch_size, steps))
    expected = samples if steps is None else min(samples, steps * batch_size)
    assert np.array_equal(np.concatenate([b.x for b in batches]), x[:expected])
    assert np.array_equal(np.concatenate([b.y for b in batches]), y[:expected])
    assert all(len(b.x) == batch_size for b in batches[:-1])


def test_labels_may_be_missing() -> None:
    assert [b.y for b in iter_batches(np.zeros((3, 1)), batch_size=2)] == [None, None]


def test_lists_of_numbers_are_one_array() -> None:
    batches = list(iter_batches([[1, 2], [3, 4], [5, 6]], [0, 1, 0], batch_size=2))
    assert [b.x.tolist() for b in batches] == [[[1, 2], [3, 4]], [[5, 6]]]
    assert [b.y.tolist() for b in batches] == [[0, 1], [0]]


def test_several_inputs() -> None:
    a, b = np.arange(5), np.arange(10).reshape(5, 2)
    for x in ((a, b), [a, b]):
        first = next(iter(iter_batches(x, batch_size=3)))
        assert isinstance(first.x, tuple)
        assert [v.tolist() for v in first.x] == [[0, 1, 2], [[0, 1], [2, 3], [4, 5]]]
    first = next(iter(iter_batches({"a": a, "b": b}, batch_size=3)))
    assert first.x["b"].tolist() == [[0, 1], [2, 3], [4, 5]]


def test_a_generator_is_not_pulled_further_than_wanted() -> None:
    pulled = []

    def endless() -> Iterator[Any]:
        for i in itertools.count():
            pulled.append(i)
            yield np.full((2, 1), i), np.zeros(2)

    batches = list(iter_batches(endless(), steps=3))
    assert [b.x[0, 0] for b in batches] == [0, 1, 2]
    assert pulled == [0, 1, 2]


@pytest.mark.parametrize(
    ("item", "has_y"),
    [
        (np.zeros((2, 1)), False),
        ((np.zeros((2, 1)),), False),
        ((np.zeros((2, 1)), np.ones(2)), True),
        ([np.zeros((2, 1)), np.ones(2)], True),
        ((np.zeros((2, 1)), np.ones(2), np.ones(2)), True),
        ((np.zeros((2, 1)), None), False),
    ],
)
def test_items_of_a_generator(item: Any, has_y: bool) -> None:
    (batch,) = iter_batches(iter([item]))
    assert batch.x.shape == (2, 1)
    assert (batch.y is not None) is has_y


class Indexed:
    """As ``keras.utils.PyDataset``."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, i: int) -> tuple:
        return np.full((2, 1), i), np.full(2, i)


def test_indexed_by_batch() -> None:
    assert is_py_dataset(Indexed())
    assert [b.x[0, 0] for b in iter_batches(Indexed())] == [0, 1, 2]
    assert [b.x[0, 0] for b in iter_batches(Indexed(), steps=2)] == [0, 1]


def test_nothing() -> None:
    with pytest.raises(DatasetError, match="There is no dataset") as e:
        list(iter_batches(None))
    assert e.value.hint is not None
    with pytest.raises(DatasetError, match=r"An object of type int has no samples\."):
        list(iter_batches(3))


def test_lengths_that_differ() -> None:
    with pytest.raises(DatasetError, match="There are 3 samples, but 2 labels: x is an array"):
        list(iter_batches(np.zeros((3, 1)), np.zeros(2)))
    with pytest.raises(DatasetError, match="The arrays of x have different lengths"):
        list(iter_batches((np.zeros((3, 1)), np.zeros((2, 1)))))


def test_nested_batches_with_weights() -> None:
    a, b, y, w = np.arange(6), np.arange(12).reshape(6, 2), np.arange(6) % 2, np.ones(6)
    whole = list(iter_batches((a, b), {"first": y, "second": y}, 4, weight=w))
    streamed = list(iter_batches(iter([((a[:4], b[:4]), {"first": y[:4], "second": y[:4]}, w[:4])])))
    for batch in (whole[0], streamed[0]):
        assert batch.size == 4
        assert [part.shape for part in batch.x] == [(4,), (4, 2)]
        assert set(batch.y) == {"first", "second"}
        assert batch.weight.shape == (4,)
    assert whole[1].size == 2


@given(st.lists(st.integers(1, 9), min_size=1), st.integers(1, 20))
def test_regrouped_batches_have_all_samples_in_their_order(sizes: list[int], at_least: int) -> None:
    numbers = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1])
    groups = list(regroup((Batch((n, n[:, None]), {"y": n}, n) for n in numbers), at_least))
    np.testing.assert_array_equal(np.concatenate([g.x[1][:, 0] for g in groups]), np.arange(sum(sizes)))
    np.testing.assert_array_equal(np.concatenate([g.y["y"] for g in groups]), np.arange(sum(sizes)))
    assert all(g.size >= at_least for g in groups[:-1])


def test_needs_no_tensorflow() -> None:
    code = (
        "import sys, numpy as np; from mltk.data.iterate import iter_batches;"
        "list(iter_batches(np.zeros((4, 2)), np.zeros(4)));"
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# -- with TensorFlow --------------------------------------------------------------------------------------------------


@pytest.mark.tf
def test_a_tf_dataset() -> None:
    import tensorflow as tf

    x, y = np.arange(10.0).reshape(5, 2), np.arange(5)
    dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(2)
    assert is_tf_dataset(dataset)
    assert not is_in_memory(dataset)
    batches = list(iter_batches(dataset))
    assert np.array_equal(np.concatenate([b.x for b in batches]), x)
    assert is_in_memory(tf.constant([1.0]))
    with pytest.raises(DatasetError, match="repeats without end"):
        list(iter_batches(dataset.repeat()))
    assert len(list(iter_batches(dataset.repeat(), steps=7))) == 7


@pytest.mark.tf
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(("samples", "batch_size"), [(10, 3), (8, 4), (5, 7)])
def test_a_stream_can_start_anywhere(samples: int, batch_size: int, shuffle: bool) -> None:
    from mltk.training.batch_stream import batch_stream, batches_per_pass

    x, y = np.arange(samples, dtype=np.float64)[:, None], np.arange(samples)
    per_pass = batches_per_pass(samples, batch_size)

    def some(first: int, count: int) -> list[list[int]]:
        stream = batch_stream((x, y), batch_size, shuffle=shuffle, seed=7, first_batch=first)
        batches = [(b[0].numpy(), b[1].numpy()) for b in stream.take(count)]
        assert all(np.array_equal(bx[:, 0], by) and bx.dtype == np.float32 for bx, by in batches)
        return [by.tolist() for _, by in batches]

    whole = some(0, 3 * per_pass + 3)
    for k in range(3):
        one_pass = [i for batch in whole[k * per_pass : (k + 1) * per_pass] for i in batch]
        assert sorted(one_pass) == list(range(samples))
        assert (one_pass == list(range(samples))) is not shuffle
    for first in (1, per_pass, per_pass + 1):
        assert some(first, 2) == whole[first : first + 2]


@pytest.mark.tf
def test_another_seed_is_another_order() -> None:
    from mltk.training.batch_stream import batch_stream

    x = np.arange(50)
    orders = [next(iter(batch_stream((x,), 50, shuffle=True, seed=seed)))[0].numpy().tolist() for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


@pytest.mark.tf
def test_in_order_and_several_inputs() -> None:
    from mltk.training.batch_stream import in_order

    a, b, y = np.arange(5), np.arange(10).reshape(5, 2), np.arange(5)
    batches = list(in_order(([a, b], y), 2))
    assert [len(batch[1]) for batch in batches] == [2, 2, 1]
    assert batches[0][0][1].numpy().tolist() == [[0, 1], [2, 3]]
    named = next(iter(in_order(({"a": a}, y), 2)))
    assert named[0]["a"].numpy().tolist() == [0, 1]
