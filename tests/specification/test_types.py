"""Values against annotations: what is taken, what is converted, how the rest is described."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mltk.specification.types import Mismatch, coerce, describe_type, describe_value


@given(st.integers())
def test_int_is_kept_and_floats_as_int_or_float(value: int) -> None:
    assert coerce(value, int) is value
    assert coerce(value, int | None) is value
    if abs(value) < 2**1000:
        assert type(coerce(value, float)) is float
    for hint in (str, bool, list, dict, list[int]):
        with pytest.raises(Mismatch):
            coerce(value, hint)


@given(st.floats() | st.text() | st.booleans() | st.none() | st.binary())
def test_what_is_no_int_is_not_taken_for_one(value: object) -> None:
    with pytest.raises(Mismatch) as e:
        coerce(value, int)
    assert str(e.value) == describe_value(value)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_any_takes_everything_as_it_is(value: object) -> None:
    assert coerce(value, Any) is value


@given(st.lists(st.text()))
def test_list_of_str_keeps_the_list_and_makes_one_of_a_tuple(value: list[str]) -> None:
    assert coerce(value, list[str]) is value
    assert coerce(tuple(value), list[str]) == value


@given(st.lists(st.none() | st.integers(min_value=1, max_value=2**40)))
def test_shapes(value: list[int | None]) -> None:
    got = coerce(value, tuple[int | None, ...])
    assert got == tuple(value)
    assert type(got) is tuple


@given(st.integers(0, 100), st.sampled_from([np.int8, np.uint16, np.int64]))
def test_numpy_integers_become_python_ones(value: int, kind: type) -> None:
    assert type(coerce(kind(value), int)) is int
    assert [type(v) for v in coerce([kind(value)], list[int])] == [int]
    assert type(coerce(kind(value), float)) is float
    with pytest.raises(Mismatch):
        coerce(kind(value), str)


@pytest.mark.parametrize(
    ("value", "hint", "result"),
    [
        (np.float32(0.5), float, 0.5),
        (np.bool_(True), bool, True),
        (Path("a/b"), str, "a/b"),
        (None, int | None, None),
        (3, int | float, 3),
        (3.0, int | float, 3.0),
        ("a", Literal["a", "b"], "a"),
        ([1, 2], list[float], [1.0, 2.0]),
        (np.array([1, 2]), list, [1, 2]),
        ({"a": 1}, dict[str, int], {"a": 1}),
        ("balanced", dict | list | str | None, "balanced"),
    ],
)
def test_converted(value: object, hint: object, result: object) -> None:
    got = coerce(value, hint)
    assert got == result
    assert type(got) is type(result)
    if isinstance(got, list) and hint is not list:
        assert [type(g) for g in got] == [type(r) for r in result]  # type: ignore[attr-defined]


def test_functions() -> None:
    for hint in (Callable, Callable | None, Callable[[int], str]):
        assert coerce(len, hint) is len
        with pytest.raises(Mismatch):
            coerce("len", hint)


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        (True, int, "True (bool)"),
        (1, bool, "1 (int)"),
        ("c", Literal["a", "b"], "'c' (str)"),
        (["a", 1], list[str], "1 (int) as element 1"),
        ("ab", list[str], "'ab' (str)"),
        ({"a"}, list, "{'a'} (set)"),
        (b"a", str, "b'a' (bytes)"),
        (1j, float, "1j (complex)"),
    ],
)
def test_refused(value: object, hint: object, message: str) -> None:
    with pytest.raises(Mismatch) as e:
        coerce(value, hint)
    assert str(e.value) == message


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (int, "int"),
        (Any, "anything"),
        (None, "None"),
        (int | None, "int or None"),
        (list[str], "list of str"),
        (tuple[int | None, ...], "tuple of int or None"),
        (Literal["a", 1], "one of 'a', 1"),
        (Callable | None, "a function or None"),
        (dict[str, int], "dict"),
        (dict | list | str | None, "dict or list or str or None"),
    ],
)
def test_types_in_words(hint: object, words: str) -> None:
    assert describe_type(hint) == words


@given(st.text() | st.lists(st.integers()) | st.binary())
def test_a_described_value_is_one_short_line(value: object) -> None:
    text = describe_value(value)
    assert "\n" not in text
    assert len(text) <= 60 + len(" (bytes)")
    assert text.endswith(f"({type(value).__name__})")


def test_a_large_array_is_described_by_its_first_line() -> None:
    assert describe_value(np.zeros((50, 50))).endswith("… (ndarray)")
