"""The images of a specification whose dataset is arrays: ``(x, y)`` or ``((x, y), (x, y))``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.labels import LabelKind, class_indices, indices_of_names, label_kind
from mltk.errors import DatasetError
from mltk.image.array_flow import ArraySamples, checked_samples


def are_images(x: Any) -> bool:
    """Return whether this is an array of images [samples, height, width] or [samples, height, width, channels]."""
    return getattr(x, "ndim", 0) in (3, 4) and hasattr(x, "__array__") and hasattr(x, "dtype")


def dataset_samples(
    x: Any, y: Any, weights: Any, *, classes: Sequence[str], class_mode: str | None, channels: int
) -> ArraySamples:
    """Read the arrays of a dataset.

    Args:
        x: Images [samples, height, width, channels], or gray images [samples, height, width].
        y: Labels: class indices, names of classes, one-hot rows, or labels of another kind; or None.
        weights: Weight of each sample [samples], or None.
        classes: Names of the classes.
        class_mode: Kind of the labels of the batches: ``"categorical"`` makes class indices one-hot.
        channels: Channels that an image must have.

    Raises:
        DatasetError: The images or the labels do not fit the model.
    """
    images = np.asarray(x)
    if images.ndim == 3:
        images = images[..., np.newaxis]
    if images.shape[-1] != channels:
        raise DatasetError(
            f"The images of the dataset have {images.shape[-1]} channels; input_shape has {channels}.",
            hint="Convert the images, or set my_model.input_shape.",
        )
    samples = checked_samples(images, y, weights)
    if samples.labels is None:
        return samples
    labels, kind = samples.labels, label_kind(samples.labels)
    if kind is LabelKind.TEXT:
        labels, kind = indices_of_names(labels, classes), LabelKind.INDEX
    if kind in (LabelKind.INDEX, LabelKind.ONE_HOT) and classes:
        samples.class_ids, samples.classes = _checked(class_indices(labels), labels, classes), list(classes)
        if kind is LabelKind.INDEX:
            labels = _as_class_mode(samples.class_ids, class_mode, len(classes))
    samples.labels = labels
    return samples


def _checked(indices: npt.NDArray[np.int64], labels: npt.NDArray[Any], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Return the class of each sample; raise DatasetError if a label is out of range."""
    outside = np.flatnonzero((indices < 0) | (indices >= len(classes)))
    if len(outside):
        found = sorted({int(v) for v in indices[outside]})
        raise DatasetError(
            f"{len(outside)} labels are out of range, for example {found[0]}; there are {len(classes)} classes, "
            f"so labels are 0 to {len(classes) - 1}.",
            hint="Correct the labels, or set my_model.classes.",
        )
    if labels.ndim == 2 and labels.shape[1] not in (1, len(classes)):
        raise DatasetError(f"The labels have {labels.shape[1]} columns; there are {len(classes)} classes.")
    return indices


def _as_class_mode(indices: npt.NDArray[np.int64], class_mode: str | None, n_classes: int) -> npt.NDArray[np.float32]:
    if class_mode == "categorical":
        return np.eye(n_classes, dtype=np.float32)[indices]
    return indices.astype(np.float32)
