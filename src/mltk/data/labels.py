"""What labels say: a class of each sample, several classes, or values.

An accuracy, a confusion matrix or a class weight means something only where each sample has one class. So code that
counts classes asks :func:`label_kind` first, and :func:`class_indices` refuses all other labels.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.errors import DatasetError, did_you_mean

_SHOWN = 3
"""Values that an error shows as examples."""


class LabelKind(Enum):
    """Kinds of labels; the value says it in words."""

    INDEX = "class indices"
    ONE_HOT = "one-hot rows"
    TEXT = "names of classes"
    MULTI_LABEL = "rows of zeros and ones, several or none of which may be 1"
    FRACTIONS = "fractions"
    PER_POSITION = "a label for each position of a sample"


ONE_CLASS_EACH = (LabelKind.INDEX, LabelKind.ONE_HOT)
"""Kinds that say one class for each sample."""


def label_kind(y: npt.ArrayLike) -> LabelKind:
    """Return what the labels ``y`` ``[n]``, ``[n, 1]``, ``[n, labels]`` or ``[n, …]`` are."""
    labels = _labels(y)
    if labels.dtype.kind in "USO":
        return LabelKind.TEXT
    if labels.ndim > 2:
        return LabelKind.PER_POSITION
    column = _column(labels)
    if column is not None:
        return LabelKind.INDEX if _are_whole(column) else LabelKind.FRACTIONS
    if not bool(((labels == 0) | (labels == 1)).all()):
        return LabelKind.FRACTIONS
    return LabelKind.ONE_HOT if bool((labels.sum(axis=1) == 1).all()) else LabelKind.MULTI_LABEL


def class_indices(y: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Return the class ``[n]`` of each sample.

    Args:
        y: Class indices ``[n]`` or ``[n, 1]``, or one-hot rows ``[n, classes]``.

    Raises:
        DatasetError: The labels do not say one class for each sample.
    """
    labels = _labels(y)
    kind = label_kind(labels)
    if kind is LabelKind.ONE_HOT:
        return np.asarray(labels.argmax(axis=1), np.int64)
    column = _column(labels)
    if kind is not LabelKind.INDEX or column is None:
        raise DatasetError(f"The labels are not one class for each sample: {describe_labels(labels)}.")
    return np.asarray(column, np.int64)


def describe_labels(y: npt.ArrayLike) -> str:
    """Return in words what keeps the labels from being one class for each sample."""
    labels = _labels(y)
    kind = label_kind(labels)
    if kind is LabelKind.MULTI_LABEL:
        share = float((labels.sum(axis=1) != 1).mean())
        return f"{share:.0%} of the {len(labels)} rows do not have exactly one 1"
    if kind is LabelKind.FRACTIONS:
        column = _column(labels)
        odd = column[~_whole(column)] if column is not None else labels[(labels != 0) & (labels != 1)]
        return f"they have values like {', '.join(f'{v:g}' for v in np.unique(odd)[:_SHOWN])}"
    if kind is LabelKind.TEXT:
        return f"they are text, for example {labels.reshape(-1)[0]!r}"
    return f"they are {kind.value}, of shape {list(labels.shape)}"


def indices_of_names(
    y: npt.ArrayLike, classes: Sequence[str], setting: str = "my_model.classes"
) -> npt.NDArray[np.int64]:
    """Return text labels as indices of ``classes``. Composed and decomposed letters (NFC, NFD) are the same.

    Args:
        y: Labels.
        classes: Names of the classes.
        setting: Name of the setting that has them, for the error.

    Raises:
        DatasetError: A label is not the name of a class.
    """
    labels = _labels(y)
    table = {unicodedata.normalize("NFC", name): i for i, name in enumerate(classes)}
    names, inverse = np.unique(labels.astype(str).reshape(-1), return_inverse=True)
    unknown = [str(n) for n in names if unicodedata.normalize("NFC", str(n)) not in table]
    if unknown:
        raise DatasetError(
            f"{len(unknown)} of the label names are not in {setting}, for example {unknown[0]!r}; "
            f"the classes are {', '.join(classes)}.",
            hint=did_you_mean(unknown[0], list(classes)),
        )
    found = np.array([table[unicodedata.normalize("NFC", str(n))] for n in names], np.int64)[inverse]
    return found.reshape(labels.shape)


def not_finite(values: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Return the numbers of the samples whose values ``[n, …]`` contain NaN or infinity."""
    array = np.asarray(values)
    if array.dtype.kind not in "fc":
        return np.zeros(0, np.intp)
    return np.flatnonzero(~np.isfinite(array).reshape(len(array), -1).all(axis=1))


def name_samples(indices: Sequence[int] | npt.NDArray[Any]) -> str:
    """Return ``samples 3, 40 and 137`` or ``samples 0, 1, 2, … and 96 more``."""
    shown = [str(int(i)) for i in list(indices)[:_SHOWN]]
    if len(indices) > _SHOWN:
        return f"samples {', '.join(shown)}, … and {len(indices) - _SHOWN} more"
    if len(shown) == 1:
        return f"sample {shown[0]}"
    return f"samples {', '.join(shown[:-1])} and {shown[-1]}"


def _labels(y: npt.ArrayLike) -> npt.NDArray[Any]:
    """Return ``y`` as an array; numbers that a table keeps as objects become numbers."""
    labels = np.asarray(y)
    if labels.dtype == object and labels.size and not any(isinstance(v, (str, bytes)) for v in labels.reshape(-1)):
        return np.asarray(labels.tolist())
    return labels


def _column(labels: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
    """Return labels with one value for each sample as ``[n]``, else None."""
    if labels.ndim == 1:
        return labels
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else None


def _whole(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    if values.dtype.kind in "iub":
        return np.ones(values.shape, bool)
    return np.asarray(np.isfinite(values) & (values == np.floor(values)))


def _are_whole(values: npt.NDArray[Any]) -> bool:
    return bool(_whole(values).all())
