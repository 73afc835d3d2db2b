"""Arrays that promote as in NumPy 1. The expected values were computed with NumPy 1.26."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mltk.data.numpy1_array import Numpy1Array, as_numpy1


@pytest.mark.parametrize(
    ("dtype", "value", "operation", "expected_dtype", "expected"),
    [
        ("int8", 127, "add", "int8", [-126, -29, -122]),
        ("int8", 128, "add", "int16", [131, 228, 135]),
        ("int8", -129, "subtract", "int16", [132, 229, 136]),
        ("int8", 300, "maximum", "int16", [300, 300, 300]),
        ("int8", 40000, "add", "int32", [40003, 40100, 40007]),
        ("uint8", -1, "multiply", "int16", [-3, -100, -7]),
        ("uint8", 200, "subtract", "uint8", [59, 156, 63]),
        ("uint8", -200, "add", "int16", [-197, -100, -193]),
        ("uint8", 300, "add", "uint16", [303, 400, 307]),
        ("uint8", 70000, "add", "uint32", [70003, 70100, 70007]),
        ("int16", 40000, "add", "int32", [40003, 40100, 40007]),
        ("uint16", -1, "multiply", "int32", [-3, -100, -7]),
    ],
)
def test_a_python_integer_promotes_as_in_numpy_1(
    dtype: str, value: int, operation: str, expected_dtype: str, expected: list[int]
) -> None:
    array = as_numpy1(np.array([3, 100, 7], dtype))
    for scalar in (value, np.int64(value)):
        result = getattr(np, operation)(array, scalar)
        assert result.dtype == expected_dtype
        assert result.tolist() == expected


def test_the_result_of_views_and_operations_promotes_too() -> None:
    features = as_numpy1(np.full((5, 1, 4), -128, np.int8))
    picture = np.transpose(np.squeeze(features[-3:], axis=-2)) + 128
    picture = np.clip(picture + 70000, 0, 70000)
    assert picture.dtype == np.int32
    assert picture.shape == (4, 3)
    assert (picture == 70000).all()
    assert isinstance(picture, Numpy1Array)
    assert (features + np.int16(1)).dtype == np.int8
    assert (features + features.astype(np.int16)).dtype == np.int16


def test_an_operation_in_place_wraps_around() -> None:
    plain = np.array([3, 100, 7], np.int8)
    array = as_numpy1(plain)
    array += 128
    assert plain.tolist() == [-125, -28, -121]
    assert array.dtype == np.int8


def test_only_integers_are_changed() -> None:
    floats = np.ones(3, np.float32)
    assert as_numpy1(floats) is floats
    assert as_numpy1("a") == "a"
    assert type(as_numpy1(np.arange(3)) / 2) is np.ndarray
    assert type(as_numpy1(np.arange(3)) > 1) is np.ndarray
    assert as_numpy1(np.arange(3, dtype=np.int8)).max() == 2
    both = np.divmod(as_numpy1(np.array([3, 100], np.int8)), 200)
    assert [x.tolist() for x in both] == [[0, 0], [3, 100]]


def test_it_is_pickled_and_converted_like_any_array() -> None:
    array = as_numpy1(np.arange(3, dtype=np.int8))
    restored = pickle.loads(pickle.dumps(array))
    assert (restored + 128).tolist() == [128, 129, 130]
    assert type(np.asarray(array)) is np.ndarray
