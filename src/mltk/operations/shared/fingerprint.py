"""The fingerprint of a dataset in the manifest: it shows whether two training runs saw the same samples."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from mltk.data.iterate import class_indices, count_samples, is_arrays, is_py_dataset, is_tf_dataset

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
    if is_arrays(x):
        return _fingerprint_arrays(x, y)
    if is_tf_dataset(x):
        return {"kind": "tf.data.Dataset", "batches": int(x.cardinality()), "element": str(x.element_spec)}
    if is_py_dataset(x):
        return {"kind": type(x).__name__, "batches": len(x)}
    return {"kind": type(x).__name__}


def _fingerprint_arrays(x: Any, y: Any) -> dict[str, Any]:
    digest = hashlib.sha256()
    for array in _arrays((x, y)):
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).reshape(-1).data if array.size else b"")
    found: dict[str, Any] = {"kind": "arrays", "samples": count_samples(x), "sha256": digest.hexdigest()}
    labels = None if y is None or isinstance(y, dict) else np.asarray(y)
    if labels is not None and labels.dtype.kind in "iufb" and labels.ndim <= 2:
        indices = class_indices(labels)
        if indices.size and indices.min() >= 0 and indices.max() < _MOST_CLASSES:
            found["class_counts"] = np.bincount(indices).tolist()
    return found


def _arrays(structure: Any) -> list[np.ndarray]:
    if structure is None:
        return []
    if isinstance(structure, dict):
        return [a for k in sorted(structure) for a in _arrays(structure[k])]
    if isinstance(structure, (tuple, list)) and not np.isscalar(structure[0] if structure else 0):
        return [a for v in structure for a in _arrays(v)]
    return [np.asarray(structure)]
