"""Arrays nested in tuples, lists and dicts, as models with several inputs or outputs take them.

A *nested array* is a NumPy array ``[samples, …]``, a tuple of nested arrays, or a dict of them by name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.errors import DatasetError


def is_tf_dataset(x: Any) -> bool:
    """Return whether ``x`` is a ``tf.data.Dataset``, without importing TensorFlow."""
    return any(c.__name__ == "DatasetV2" for c in type(x).__mro__)


def is_in_memory(x: Any) -> bool:
    """Return whether ``x`` is an array, or a tuple, list or dict that holds only arrays and numbers."""
    if isinstance(x, (list, tuple)):
        return bool(x) and all(is_in_memory(v) or np.isscalar(v) for v in _some(x))
    if isinstance(x, dict):
        return bool(x) and all(is_in_memory(v) for v in x.values())
    return _is_array(x)


def readings(name: str, value: Any) -> list[tuple[Any, int]]:
    """Return each way to read ``value`` as a nested array, the likeliest first.

    Args:
        name: Name of the value in errors.
        value: An array, a tuple, list or dict of arrays, or plain Python lists of numbers.

    Returns:
        Pairs of the nested array and its number of samples, which is -1 if its arrays have different lengths.

    Raises:
        DatasetError: ``value`` cannot be read as arrays.
    """
    problems: list[str] = []
    found: list[tuple[Any, int]] = []
    for read in _ways(value):
        try:
            nested = read()
        except ValueError as e:
            problems.append(str(e))
            continue
        lengths = {len(a) for a in leaves(nested)}
        found.append((nested, lengths.pop() if len(lengths) == 1 else -1))
    if not found:
        raise DatasetError(
            f"{name} is {describe(value)}, which is not an array of samples: {problems[0]}.",
            hint="Give an array [samples, …], or a tuple or dict with one array for each input or output.",
        )
    return found


def _ways(value: Any) -> list[Callable[[], Any]]:
    if not isinstance(value, (list, tuple)) or not value:
        return [lambda: _nested(value)]

    def several() -> Any:
        return tuple(_nested(v) for v in value)

    def one() -> Any:
        return _array(value)

    holds_arrays = any(isinstance(v, dict) or (_is_array(v) and np.ndim(v) > 0) for v in _some(value))
    holds_nests = any(isinstance(v, (list, tuple)) and any(_is_array(u) for u in _some(v)) for v in _some(value))
    if holds_arrays or holds_nests:
        return [several, one]
    return [one, several] if isinstance(value[0], (list, tuple)) else [one]


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _nested(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)) and value:
        return _ways(value)[0]()
    return _array(value)


def _array(value: Any) -> npt.NDArray[Any]:
    """Return ``value`` as one array ``[samples, …]``. Raises ValueError if it is not one."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError("its rows have different lengths") from None
    if array.ndim == 0:
        raise ValueError("a single value has no samples dimension")
    if array.dtype == object:
        try:
            return np.stack([np.asarray(v) for v in array]) if array.size else array
        except ValueError:
            raise ValueError("its rows have different shapes") from None
    return array


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and not is_tf_dataset(value)


def _some(values: list[Any] | tuple[Any, ...]) -> Iterable[Any]:
    """Return the values to look at: all of a few, else the first and the last ones."""
    return values if len(values) <= 64 else (*values[:32], *values[-32:])


def leaves(nested: Any) -> list[Any]:
    """Return the arrays of a nested array, those of a dict in the order of its keys."""
    if isinstance(nested, dict):
        return [leaf for v in nested.values() for leaf in leaves(v)]
    if isinstance(nested, (tuple, list)):
        return [leaf for v in nested for leaf in leaves(v)]
    return [nested]


def map_leaves(function: Callable[[Any], Any], nested: Any) -> Any:
    """Return ``nested`` with ``function`` applied to each of its arrays. Lists become tuples."""
    if isinstance(nested, dict):
        return {k: map_leaves(function, v) for k, v in nested.items()}
    if isinstance(nested, (tuple, list)):
        return tuple(map_leaves(function, v) for v in nested)
    return function(nested)


def join(parts: list[Any]) -> Any:
    """Return nested arrays of one structure, concatenated along the samples."""
    first = parts[0]
    if isinstance(first, dict):
        return {k: join([p[k] for p in parts]) for k in first}
    if isinstance(first, (tuple, list)):
        return tuple(join([p[i] for p in parts]) for i in range(len(first)))
    return first if len(parts) == 1 else np.concatenate(parts)


def count_samples(nested: Any) -> int:
    """Return the number of samples of a nested array.

    Raises:
        DatasetError: The arrays have different lengths, or one is a single number.
    """
    arrays = leaves(nested)
    if any(np.ndim(a) == 0 for a in arrays):
        raise DatasetError("An array of the dataset is a single number; it has no samples dimension.")
    lengths = {len(a) for a in arrays}
    if len(lengths) != 1:
        raise DatasetError(f"The arrays of the dataset have different lengths: {sorted(lengths)}.")
    return lengths.pop()


def take(nested: Any, index: Any) -> Any:
    """Return the samples at ``index`` of each array."""
    return map_leaves(lambda array: np.asarray(array)[index], nested)


def by_name(nested: Any, names: list[str]) -> list[Any]:
    """Return the arrays in the order of ``names``.

    A dict is looked up by name. If it has other names, the order of the alphabet counts, as in Keras. A tuple is in the
    order of ``names`` already.
    """
    if isinstance(nested, dict):
        keys = names if all(n in nested for n in names) else sorted(nested)
        return [leaf for k in keys for leaf in leaves(nested[k])]
    return leaves(nested)


def describe(value: Any) -> str:
    """Return the form of ``value`` in words: ``a tuple of 2: an array float32 [300, 6], an array int64 [300]``."""
    if isinstance(value, dict):
        return "a dict of " + ", ".join(f"{k!r}: {describe(v)}" for k, v in list(value.items())[:4])
    if _is_array(value):
        array = np.asarray(value)
        return f"an array {array.dtype} {list(array.shape)}"
    if isinstance(value, (list, tuple)):
        kind = type(value).__name__ if type(value) in (list, tuple) else "tuple"
        kinds = {type(v).__name__ for v in _some(value)}
        if kinds and kinds <= {"int", "float", "bool", "str", "complex"}:
            return f"a {kind} of {len(value)} {'strings' if kinds == {'str'} else 'numbers'}"
        if len(value) > 4:
            return f"a {kind} of {len(value)}, the first of which is {describe(value[0])}"
        return f"a {kind} of {len(value)}" + (": " if value else "") + ", ".join(describe(v) for v in value)
    return f"{type(value).__name__} {value!r}" if np.isscalar(value) else type(value).__name__
