"""Iterate over a dataset of any kind once: batch by batch, each sample exactly once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from mltk.data.nested import is_in_memory, is_tf_dataset, join, leaves, map_leaves
from mltk.data.samples import align
from mltk.errors import DatasetError


class Batch(NamedTuple):
    """Some samples, as nested arrays (see :mod:`mltk.data.nested`)."""

    x: Any
    """One array ``[n, …]`` for each input."""
    y: Any
    """One array ``[n]`` or ``[n, …]`` for each output, or None without labels."""
    weight: Any = None
    """Sample weights ``[n]``, or None."""

    @property
    def size(self) -> int:
        """Number of samples."""
        return len(leaves(self.x)[0])


def is_py_dataset(x: Any) -> bool:
    """Return whether ``x`` is a ``keras.utils.PyDataset`` or anything else that is indexed by batch."""
    return hasattr(x, "__getitem__") and hasattr(x, "__len__") and not is_in_memory(x)


def iter_batches(
    x: Any, y: Any = None, batch_size: int = 32, steps: int | None = None, weight: Any = None
) -> Iterator[Batch]:
    """Iterate over a dataset once.

    Args:
        x: Arrays in any form that :func:`~mltk.data.samples.align` reads, a ``tf.data.Dataset``, a ``PyDataset``, or a
            generator or other iterable of ``x``, ``(x, y)`` or ``(x, y, sample_weight)`` batches.
        y: Labels, if ``x`` is arrays.
        batch_size: Samples of a batch, if ``x`` is arrays. The last batch has the rest.
        steps: Largest number of batches. It is needed if ``x`` never ends.
        weight: Sample weights, if ``x`` is arrays.

    Yields:
        The batches.

    Raises:
        DatasetError: ``x`` is none of these, or never ends, or the arrays do not fit each other.
    """
    if x is None:
        raise DatasetError("There is no dataset.", hint="Set my_model.dataset, or my_model.x in load_dataset().")
    if is_in_memory(x):
        samples = align(x, y, weight)
        for start in itertools.islice(range(0, len(samples), batch_size), steps):
            part = samples.take(slice(start, start + batch_size))
            yield Batch(part.x, part.y, part.weight)
        return
    for item in itertools.islice(_iterate(x, steps), steps):
        yield _as_batch(item)


def regroup(batches: Iterable[Batch], samples: int) -> Iterator[Batch]:
    """Merge small labeled batches into batches of at least ``samples`` samples. The last one may be smaller."""
    waiting: list[Batch] = []
    n = 0
    for batch in batches:
        waiting.append(batch)
        n += batch.size
        if batch.y is None or n >= samples:
            yield _join(waiting)
            waiting, n = [], 0
    if waiting:
        yield _join(waiting)


def _join(batches: list[Batch]) -> Batch:
    x, y, weight = (None if parts[0] is None else join(list(parts)) for parts in zip(*batches, strict=True))
    return Batch(x, y, weight)


def _iterate(x: Any, steps: int | None) -> Iterable[Any]:
    if is_tf_dataset(x):
        if steps is None and int(x.cardinality()) == -1:
            raise DatasetError(
                "The tf.data.Dataset repeats without end, so it has no last sample.",
                hint="Remove .repeat(), or set eval_steps_per_epoch.",
            )
        batches: Iterable[Any] = x.as_numpy_iterator()
        return batches
    if is_py_dataset(x):
        n = getattr(x, "num_batches", None) or len(x)
        return (x[i] for i in range(n))
    if isinstance(x, Iterable):
        return x
    raise DatasetError(
        f"An object of type {type(x).__name__} has no samples.",
        hint="Use arrays, a tf.data.Dataset, a PyDataset or a generator.",
    )


def _as_batch(item: Any) -> Batch:
    if isinstance(item, (tuple, list)) and len(item) in (1, 2, 3):
        return Batch(*(None if part is None else map_leaves(np.asarray, part) for part in (*item, None)[:3]))
    return Batch(map_leaves(np.asarray, item), None)
