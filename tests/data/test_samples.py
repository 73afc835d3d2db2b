"""Every way to put samples, labels and weights together is read as what was meant, or refused with its form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.data.nested import leaves
from mltk.data.samples import Samples, align, samples_of
from mltk.errors import DatasetError

N = 7
A = np.arange(N * 3, dtype=np.float32).reshape(N, 3)
B = -np.arange(N * 2, dtype=np.float32).reshape(N, 2)
Y = np.arange(N) % 3
V = np.linspace(0, 1, N, dtype=np.float32)[:, None]
W = np.linspace(1, 2, N, dtype=np.float32)


def plain(array: np.ndarray) -> Any:
    return array.tolist()


PAIRS: dict[str, Callable[[np.ndarray, np.ndarray], Any]] = {
    "tuple": lambda a, b: (a, b),
    "list": lambda a, b: [a, b],
    "dict": lambda a, b: {"a": a, "b": b},
    "tuple of plain lists": lambda a, b: (plain(a), plain(b)),
    "list of plain lists": lambda a, b: [plain(a), plain(b)],
    "dict of plain lists": lambda a, b: {"a": plain(a), "b": plain(b)},
}
SINGLES: dict[str, Callable[[np.ndarray], Any]] = {
    "array": lambda a: a,
    "plain list": plain,
    "list of arrays": list,
    "tuple of arrays": tuple,
}


def assert_same(nested: Any, *arrays: np.ndarray) -> None:
    found = leaves(nested)
    assert len(found) == len(arrays)
    for a, b in zip(found, arrays, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("labels", SINGLES)
@pytest.mark.parametrize("samples", SINGLES)
def test_one_input_and_one_output(samples: str, labels: str) -> None:
    one = align(SINGLES[samples](A), SINGLES[labels](Y), SINGLES[labels](W))
    assert len(one) == N
    assert_same(one.x, A)
    assert_same(one.y, Y)
    assert_same(one.weight, W)
    assert isinstance(one.x, np.ndarray)


@pytest.mark.parametrize("labels", SINGLES)
@pytest.mark.parametrize("samples", PAIRS)
def test_several_inputs(samples: str, labels: str) -> None:
    several = align(PAIRS[samples](A, B), SINGLES[labels](Y))
    assert len(several) == N
    assert_same(several.x, A, B)
    assert_same(several.y, Y)
    assert isinstance(several.x, dict) is samples.startswith("dict")


@pytest.mark.parametrize("labels", PAIRS)
@pytest.mark.parametrize("samples", [*PAIRS, "array"])
def test_several_outputs(samples: str, labels: str) -> None:
    x = A if samples == "array" else PAIRS[samples](A, B)
    several = align(x, PAIRS[labels](Y, V), PAIRS[labels](W, W))
    assert len(several) == N
    assert_same(several.y, Y, V)
    assert_same(several.weight, W, W)


def test_nests_within_nests() -> None:
    nested = align({"left": (A, B), "right": A}, Y)
    assert_same(nested.x, A, B, A)
    assert len(nested.take(slice(2))) == 2


@given(st.integers(2, 40), st.integers(1, 4), st.integers(1, 3))
def test_any_number_of_arrays_of_any_length(n: int, inputs: int, outputs: int) -> None:
    x = tuple(np.zeros((n, i + 1)) for i in range(inputs))
    y = [np.zeros((n, 1, o + 1)) for o in range(outputs)]
    aligned = align(x, y)
    assert len(aligned) == n
    assert len(leaves(aligned.x)) == inputs
    assert len(leaves(aligned.y)) == outputs


def test_as_many_inputs_as_samples_are_several_inputs() -> None:
    two = align((A[:2], B[:2]), Y[:2])
    assert_same(two.x, A[:2], B[:2])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (A, Y[:2], r"There are 7 samples, but 2 labels: x is an array float32 \[7, 3\]; y is an array int64 \[2\]"),
        ((A, B[:3]), Y, "The arrays of x have different lengths: x is a tuple of 2: an array"),
        (A, (Y, V[:4]), "The arrays of y have different lengths"),
        (
            [[1, 2], [3]],
            [0, 1],
            "The arrays of x have different lengths: x is a list of 2: a list of 2 numbers",
        ),
        ([A[0], B[0]], [0, 1], "There are -?[0-9]+ samples|different"),
        (5, [1], "single value has no samples dimension"),
    ],
)
def test_what_has_no_common_number_of_samples_is_refused(x: Any, y: Any, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        align(x, y)


def test_weights_of_another_length_are_refused() -> None:
    with pytest.raises(DatasetError, match="There are 7 samples, but 3 sample weights"):
        align(A, Y, W[:3])


def test_text_labels_stay_text() -> None:
    assert align(A, ["red"] * N).y.dtype.kind == "U"


def test_samples_without_labels() -> None:
    assert isinstance(align(A), Samples)
    assert align(A).y is None
    assert len(align((A, B))) == N


class Settings:
    """The settings of a specification that say what its samples are."""

    def __init__(self, x: Any, y: Any = None, weight: Any = None) -> None:
        self.x, self.y, self.sample_weight, self.classes = x, y, weight, ["red", "blue"]


def test_samples_of_a_specification() -> None:
    assert samples_of(Settings(None)) is None
    assert samples_of(Settings(iter([A]))) is None
    found = samples_of(Settings((A, B), ["blue"] * N, W))
    assert found is not None
    assert len(found.parts()) == 3
    np.testing.assert_array_equal(found.y, np.ones(N))
    with pytest.raises(DatasetError, match="'green'"):
        samples_of(Settings(A, ["green"] * N))
