"""Integer arrays that compute with Python integers as NumPy 1 does.

Functions written for MLTK 0.20 expect that ``int8_array + 128`` is an array of int16. NumPy 2 raises an OverflowError,
because 128 is not an int8. Arrays from :func:`as_numpy1` promote as in NumPy 1. Both agree on all other integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class Numpy1Array(np.ndarray[Any, Any]):
    """An array of integers. A Python integer that its data type cannot hold makes the result a larger type."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        arrays = [x.dtype for x in inputs if isinstance(x, np.ndarray) and x.ndim]
        if arrays and all(dtype.kind in "iu" for dtype in arrays):
            inputs = tuple(_fitting(x, np.result_type(*arrays)) for x in inputs)
        if "out" in kwargs:
            kwargs["out"] = tuple(_plain(x) for x in kwargs["out"])
        result = getattr(ufunc, method)(*(_plain(x) for x in inputs), **kwargs)
        if isinstance(result, tuple):
            return tuple(as_numpy1(x) for x in result)
        return as_numpy1(result)


def as_numpy1(array: Any) -> Any:
    """Return an array of integers as a view that promotes as in NumPy 1. Anything else is returned as it is.

    Args:
        array: Any object.
    """
    if isinstance(array, np.ndarray) and array.dtype.kind in "iu":
        return array.view(Numpy1Array)
    return array


def _plain(x: Any) -> Any:
    return x.view(np.ndarray) if isinstance(x, Numpy1Array) else x


def _fitting(x: Any, dtype: np.dtype[Any]) -> Any:
    """Return an integer as a scalar of ``dtype``, or of the smallest type that has its value and promotes ``dtype``."""
    if not isinstance(x, (int, np.integer)) or isinstance(x, bool):
        return x
    value = int(x)
    larger = ("uint16", "uint32", "uint64") if dtype.kind == "u" and value >= 0 else ("int16", "int32", "int64")
    for candidate in (dtype, *map(np.dtype, larger)):
        limits: Any = np.iinfo(candidate)
        if limits.min <= value <= limits.max:
            return candidate.type(value)
    return x
