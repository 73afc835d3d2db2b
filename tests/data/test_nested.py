"""Nested arrays: taking, joining, naming and describing them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mltk.data.nested import by_name, count_samples, describe, is_in_memory, join, leaves, take
from mltk.errors import DatasetError

N = 7
A = np.arange(N * 3, dtype=np.float32).reshape(N, 3)
B = -np.arange(N * 2, dtype=np.float32).reshape(N, 2)


def assert_same(nested: Any, *arrays: np.ndarray) -> None:
    found = leaves(nested)
    assert len(found) == len(arrays)
    for a, b in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_in_memory() -> None:
    assert all(is_in_memory(v) for v in (A, [A, B], (A, B), {"a": A}, [1, 2], [[1.5]], ["red"], [(A, B)]))
    assert not any(is_in_memory(v) for v in (iter([A]), [iter([A])], {}, [], None, {"a": None}, lambda: A, 3, "text"))


def test_taking_joining_and_naming() -> None:
    nested = {"b": B, "a": A}
    assert_same(take(nested, [0, 2]), B[[0, 2]], A[[0, 2]])
    assert_same(join([take(nested, slice(0, 3)), take(nested, slice(3, None))]), B, A)
    assert_same(by_name(nested, ["a", "b"]), A, B)
    assert_same(by_name(nested, ["x", "y"]), A, B)
    assert_same(by_name((A, B), ["x", "y"]), A, B)
    assert count_samples(nested) == N
    with pytest.raises(DatasetError, match="different lengths: \\[2, 7\\]"):
        count_samples((A, B[:2]))
    with pytest.raises(DatasetError, match="single number"):
        count_samples(np.float32(1))


def test_forms_in_words() -> None:
    assert describe((A, [1, 2])) == "a tuple of 2: an array float32 [7, 3], a list of 2 numbers"
    assert describe({"a": A}) == "a dict of 'a': an array float32 [7, 3]"
    assert describe([A] * 9) == "a list of 9, the first of which is an array float32 [7, 3]"
    assert describe(iter([])) == "list_iterator"
