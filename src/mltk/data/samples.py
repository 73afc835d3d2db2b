"""What a user gives as samples, labels and sample weights, read in one way by every operation.

A model with several inputs or outputs takes several arrays: ``((a, b), y)``, ``({"audio": a}, [y1, y2])``. A plain
Python list may be one array (a list of numbers), several arrays, or a list of samples. :func:`align` decides which, by
the number of samples that all parts must share. Training, quantization, evaluation, parity and the fingerprint use its
answer.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mltk.data.labels import LabelKind, indices_of_names, label_kind
from mltk.data.nested import count_samples, describe, is_in_memory, leaves, readings, take
from mltk.errors import DatasetError


class HasClasses(Protocol):
    """A specification with classes. Reading them raises an error if they are not set."""

    @property
    def classes(self) -> Sequence[str]: ...


class SampleSettings(HasClasses, Protocol):
    """What a specification says of its samples."""

    x: Any
    y: Any
    sample_weight: Any


@dataclass(frozen=True)
class Samples:
    """Samples in memory, aligned: every array has the same first dimension."""

    x: Any
    """Nested array, one array for each input of the model."""
    y: Any = None
    """Nested array, one array for each output of the model; None without labels."""
    weight: Any = None
    """Nested array of sample weights ``[samples]``, or None."""

    def __len__(self) -> int:
        """Return the number of samples."""
        return count_samples(self.x)

    def parts(self) -> tuple[Any, ...]:
        """Return ``(x, y)`` or ``(x, y, sample_weight)``, as Keras takes them."""
        return (self.x, self.y) if self.weight is None else (self.x, self.y, self.weight)

    def with_class_indices(self, model: HasClasses) -> Samples:
        """Return the samples with class indices as labels, where the labels are names of classes.

        Raises:
            DatasetError: A label is not the name of a class.
        """
        arrays = leaves(self.y)
        if len(arrays) != 1 or arrays[0] is None or label_kind(arrays[0]) is not LabelKind.TEXT:
            return self
        return Samples(self.x, indices_of_names(arrays[0], model.classes), self.weight)

    def take(self, index: Any) -> Samples:
        """Return the samples at ``index``, which is anything that indexes a NumPy array."""
        return Samples(*(None if part is None else take(part, index) for part in (self.x, self.y, self.weight)))


def samples_of(model: SampleSettings) -> Samples | None:
    """Return the loaded samples of a specification, or None if they are not in memory.

    Names of classes become class indices.

    Raises:
        DatasetError: Samples, labels and weights do not fit each other, or a label is not the name of a class.
    """
    if model.x is None or not is_in_memory(model.x):
        return None
    return align(model.x, model.y, model.sample_weight).with_class_indices(model)


def align(x: Any, y: Any = None, weight: Any = None) -> Samples:
    """Turn what a user gave into nested arrays that have one number of samples.

    Each part is an array, a tuple, list or dict of arrays, or plain Python lists of numbers. Where a list can be read
    in two ways (several arrays, or one array), the way that gives all parts the same number of samples counts.

    Args:
        x: Samples.
        y: Labels, or None.
        weight: Sample weights, or None.

    Returns:
        The parts as nested arrays.

    Raises:
        DatasetError: The parts have no common number of samples, or one part cannot be read as arrays.
    """
    given = {name: part for name, part in (("x", x), ("y", y), ("sample_weight", weight)) if part is not None}
    found = {name: readings(name, part) for name, part in given.items()}
    for chosen in itertools.product(*found.values()):
        counts = {count for _, count in chosen}
        if len(counts) == 1 and -1 not in counts:
            parts = dict(zip(given, (part for part, _ in chosen), strict=True))
            return Samples(parts.get("x"), parts.get("y"), parts.get("sample_weight"))
    read = {name: options[0][1] for name, options in found.items()}
    raise DatasetError(
        f"{_counts_in_words(read)}: {'; '.join(f'{name} is {describe(part)}' for name, part in given.items())}.",
        hint="Every input, every output and the sample weights need one entry for each sample.",
    )


def _counts_in_words(counts: dict[str, int]) -> str:
    """Return for example ``There are 300 samples, but 2 labels``; several arrays that differ have the count -1."""
    words = {"x": "samples", "y": "labels", "sample_weight": "sample weights"}
    for name, count in counts.items():
        if count < 0:
            return f"The arrays of {name} have different lengths"
    first, *others = counts.items()
    different = [f"{count} {words[name]}" for name, count in others if count != first[1]]
    return f"There are {first[1]} {words[first[0]]}, but {' and '.join(different)}"
