"""Iterate over a dataset of any kind once, batch by batch: each sample exactly once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.errors import DatasetError


class Batch(NamedTuple):
    """Some samples.

    Attributes:
        x: Array [n, ...], or a tuple, list or dict of such arrays.
        y: Labels [n] or [n, ...]; None if there are none.
    """

    x: Any
    y: npt.NDArray[Any] | None


def is_arrays(x: Any) -> bool:
    """Return whether ``x`` is in memory: an array, or a tuple, list or dict of arrays."""
    if isinstance(x, dict):
        return bool(x) and all(is_arrays(v) for v in x.values())
    if isinstance(x, (list, tuple)):
        return bool(x) and all(hasattr(v, "__array__") or np.isscalar(v) or isinstance(v, (list, tuple)) for v in x)
    return hasattr(x, "__array__") and not is_tf_dataset(x)


def is_tf_dataset(x: Any) -> bool:
    """Return whether ``x`` is a ``tf.data.Dataset``, without importing TensorFlow."""
    return any(c.__name__ == "DatasetV2" for c in type(x).__mro__)


def is_py_dataset(x: Any) -> bool:
    """Return whether ``x`` is a ``keras.utils.PyDataset`` or another object that is indexed by batch."""
    return hasattr(x, "__getitem__") and hasattr(x, "__len__") and not is_arrays(x)


def count_samples(x: Any) -> int:
    """Return the number of samples of arrays.

    Raises:
        DatasetError: The arrays have different lengths, or an array is a single number.
    """
    leaves = _leaves(x)
    if any(hasattr(a, "__array__") and np.ndim(a) == 0 for a in leaves):
        raise DatasetError("An array of the dataset is a single number; it has no samples dimension.")
    lengths = {len(a) for a in leaves}
    if len(lengths) != 1:
        raise DatasetError(f"The arrays of the dataset have different lengths: {sorted(lengths)}.")
    return lengths.pop()


def _leaves(x: Any) -> list[Any]:
    if isinstance(x, dict):
        return [leaf for v in x.values() for leaf in _leaves(v)]
    if _is_several(x):
        return [leaf for v in x for leaf in _leaves(v)]
    return [x]


def _is_several(x: Any) -> bool:
    """Return whether this is a tuple or list of arrays, one for each input, and not itself an array of numbers."""
    return isinstance(x, (tuple, list)) and bool(x) and hasattr(x[0], "__array__") and np.ndim(x[0]) > 0


def as_arrays(x: Any) -> Any:
    """Convert ``x`` to one array, or to a dict or tuple of arrays, one for each input."""
    if isinstance(x, dict):
        return {k: as_arrays(v) for k, v in x.items()}
    return tuple(as_arrays(v) for v in x) if _is_several(x) else np.asarray(x)


def take(x: Any, index: Any) -> Any:
    """Return ``x[index]`` of an array, or of each array in a tuple, list or dict."""
    if isinstance(x, dict):
        return {k: take(v, index) for k, v in x.items()}
    if _is_several(x):
        return type(x)(take(v, index) for v in x)
    return np.asarray(x)[index]


def iter_batches(x: Any, y: Any = None, batch_size: int = 32, steps: int | None = None) -> Iterator[Batch]:
    """Yield the batches of a dataset once.

    Args:
        x: Arrays, ``tf.data.Dataset``, ``PyDataset``, generator or other iterable of ``x``, ``(x, y)`` or
            ``(x, y, sample_weight)`` batches.
        y: Labels, if ``x`` is arrays.
        batch_size: Samples in a batch, if ``x`` is arrays; the last batch may be smaller.
        steps: Most batches; required if ``x`` is endless.

    Raises:
        DatasetError: ``x`` is of another kind, or is endless.
    """
    if x is None:
        raise DatasetError("There is no dataset.", hint="Set my_model.dataset, or my_model.x in load_dataset().")
    if is_arrays(x):
        n = count_samples(x)
        if y is not None and len(y) != n:
            raise DatasetError(f"There are {n} samples, but {len(y)} labels.")
        for i, start in enumerate(range(0, n, batch_size)):
            if steps is not None and i >= steps:
                return
            part = slice(start, start + batch_size)
            yield Batch(take(x, part), None if y is None else np.asarray(y)[part])
        return
    for item in itertools.islice(_iterate(x, steps), steps):
        yield _as_batch(item)


def regroup(batches: Iterable[Batch], samples: int) -> Iterator[Batch]:
    """Merge small labeled batches into batches of at least ``samples`` samples; the last batch may be smaller."""
    waiting: list[Batch] = []
    n = 0
    for batch in batches:
        waiting.append(batch)
        n += 0 if batch.y is None else len(batch.y)
        if batch.y is None or n >= samples:
            yield _join(waiting)
            waiting, n = [], 0
    if waiting:
        yield _join(waiting)


def _join(batches: list[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    first = batches[0].x
    x: Any
    if isinstance(first, dict):
        x = {k: np.concatenate([b.x[k] for b in batches]) for k in first}
    elif isinstance(first, (tuple, list)):
        x = type(first)(np.concatenate([b.x[i] for b in batches]) for i in range(len(first)))
    else:
        x = np.concatenate([b.x for b in batches])
    return Batch(x, np.concatenate([b.y for b in batches if b.y is not None]))


def _iterate(x: Any, steps: int | None) -> Iterable[Any]:
    if is_tf_dataset(x):
        if steps is None and int(x.cardinality()) == -1:
            raise DatasetError(
                "The tf.data.Dataset repeats without end, so it cannot be read once.",
                hint="Leave out .repeat(), or set eval_steps_per_epoch.",
            )
        batches: Iterable[Any] = x.as_numpy_iterator()
        return batches
    if is_py_dataset(x):
        n = getattr(x, "num_batches", None) or len(x)
        return (x[i] for i in range(n))
    if isinstance(x, Iterable):
        return x
    raise DatasetError(f"Cannot read samples from {type(x).__name__}.")


def _as_batch(item: Any) -> Batch:
    if isinstance(item, (tuple, list)) and len(item) in (2, 3):
        return Batch(_to_numpy(item[0]), None if item[1] is None else np.asarray(item[1]))
    if isinstance(item, (tuple, list)) and len(item) == 1:
        return Batch(_to_numpy(item[0]), None)
    return Batch(_to_numpy(item), None)


def _to_numpy(x: Any) -> Any:
    if isinstance(x, dict):
        return {k: np.asarray(v) for k, v in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x)(np.asarray(v) for v in x)
    return np.asarray(x)


def class_indices(y: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Convert labels to class indices.

    Args:
        y: Class indices [n], or one-hot [n, classes]; with one column, the column holds the indices.

    Returns:
        int64 [n].
    """
    y = np.asarray(y)
    if y.ndim > 1 and y.shape[-1] == 1:
        y = y[..., 0]
    if y.ndim > 1:
        return np.asarray(y.argmax(axis=-1))
    return y.astype(np.int64)
