"""The fingerprint of a dataset in the manifest: it shows whether two training runs saw the same samples."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.iterate import is_py_dataset
from mltk.data.labels import ONE_CLASS_EACH, class_indices, label_kind
from mltk.data.nested import is_in_memory, is_tf_dataset, leaves
from mltk.data.samples import align

_MOST_CLASSES = 10_000


def dataset_fingerprint(x: Any, y: Any) -> dict[str, Any]:
    """Describe a dataset by its kind and size and, for arrays, by the SHA-256 of all samples and labels.

    Samples that are made while they are used cannot be hashed. They are described by their kind and shape.

    Args:
        x: The samples.
        y: The labels.

    Returns:
        Plain data for JSON.
    """
    if x is None:
        return {"kind": "none"}
    if is_in_memory(x):
        return _fingerprint_arrays(x, y)
    if is_tf_dataset(x):
        return {"kind": "tf.data.Dataset", "batches": int(x.cardinality()), "element": str(x.element_spec)}
    if is_py_dataset(x):
        return {"kind": type(x).__name__, "batches": len(x)}
    return {"kind": type(x).__name__}


def _fingerprint_arrays(x: Any, y: Any) -> dict[str, Any]:
    samples = align(x, y)
    digest = hashlib.sha256()
    for array in _sorted_leaves((samples.x, samples.y)):
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data if array.size else b"")
    found: dict[str, Any] = {"kind": "arrays", "samples": len(samples), "sha256": digest.hexdigest()}
    labels = [] if samples.y is None else leaves(samples.y)
    if len(labels) == 1 and labels[0].size and label_kind(labels[0]) in ONE_CLASS_EACH:
        indices = class_indices(labels[0])
        if indices.min() >= 0 and indices.max() < _MOST_CLASSES:
            found["class_counts"] = np.bincount(indices).tolist()
    return found


def _sorted_leaves(nested: Any) -> list[npt.NDArray[Any]]:
    """Return the arrays of a nested array, those of a dict by the alphabet, so that their order does not matter."""
    if nested is None:
        return []
    if isinstance(nested, dict):
        return [a for k in sorted(nested) for a in _sorted_leaves(nested[k])]
    if isinstance(nested, tuple):
        return [a for v in nested for a in _sorted_leaves(v)]
    return [nested]
