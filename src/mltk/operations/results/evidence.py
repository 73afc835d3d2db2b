"""What a report shows of single samples: counts of scores for every threshold, and the worst mistakes.

`evaluate` computes it, because only the evaluation has the scores of all samples, and stores it beside the results as
``evidence.json``. The counts are exact for each threshold in `edges`: a sample counts where its score is at least the
threshold. The scores of an int8 model with a softmax are multiples of 1/256, so that no threshold is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.operations.results.classifier import two_columns
from mltk.operations.results.plain_data import plain_dict

FILE = "evidence.json"
"""Name of the file in the folder of the results."""
_THRESHOLDS, _FEWER_THRESHOLDS, _MANY_CLASSES = 256, 64, 64
CLASSES, LABELS, ANOMALY = "classes", "labels", "anomaly"
"""Kinds of evidence: one class for each sample, any number of labels, or a score of how abnormal a sample is."""


@dataclass
class Evidence:
    """Counts of scores, and single samples.

    Attributes:
        kind: `CLASSES`, `LABELS` or `ANOMALY`.
        classes: Names of the classes or labels; for `ANOMALY`, the normal class first.
        edges: Thresholds, ascending; one more than there are counts in a row.
        positive: For each class, the counts of its samples by their score, ``[classes][edges - 1]``. For `ANOMALY`, the
            score is the only one. Otherwise it is the score of this class.
        negative: The same for the samples of other classes; empty for `ANOMALY`.
        decisions: For `CLASSES`, counts by true class, by class of the highest score, and by this score:
            ``[true, predicted, index of the edge, count]``, without zeros.
        samples: The worst mistakes, the worst first.
    """

    kind: str
    classes: list[str]
    edges: list[float]
    positive: list[list[int]]
    negative: list[list[int]] = field(default_factory=list)
    decisions: list[tuple[int, int, int, int]] = field(default_factory=list)
    samples: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return plain_dict(asdict(self))


def classifier_evidence(classes: Sequence[str], truth: npt.NDArray[Any], scores: npt.NDArray[Any]) -> Evidence:
    """Count the scores of a classifier.

    Args:
        classes: Class labels.
        truth: Class index of each sample, ``[samples]``.
        scores: ``[samples, classes]``, or ``[samples, 1]``: the scores of the second of two classes.
    """
    columns = two_columns(np.asarray(scores, np.float64))
    edges = _edges(columns, len(classes))
    rows = range(columns.shape[1])
    predicted = columns.argmax(axis=1)
    keys = np.stack([truth, predicted, _bins(columns.max(axis=1), edges)], axis=1).astype(np.int64)
    found, counts = np.unique(keys, axis=0, return_counts=True)
    return Evidence(
        CLASSES,
        list(classes),
        edges.tolist(),
        [_counts(columns[truth == c, c], edges) for c in rows],
        [_counts(columns[truth != c, c], edges) for c in rows],
        [(int(t), int(p), int(b), int(n)) for (t, p, b), n in zip(found, counts, strict=True)],
    )


def label_evidence(classes: Sequence[str], truth: npt.NDArray[Any], scores: npt.NDArray[Any]) -> Evidence:
    """Count the scores of a classifier with several labels for a sample.

    Args:
        classes: Names of the labels.
        truth: Zeros and ones ``[samples, labels]``.
        scores: ``[samples, labels]``.
    """
    columns, is_true = np.asarray(scores, np.float64), np.asarray(truth) > 0.5
    edges = _edges(columns, len(classes))
    rows = range(columns.shape[1])
    return Evidence(
        LABELS,
        list(classes),
        edges.tolist(),
        [_counts(columns[is_true[:, c], c], edges) for c in rows],
        [_counts(columns[~is_true[:, c], c], edges) for c in rows],
    )


def anomaly_evidence(
    classes: Sequence[str], truth: npt.NDArray[Any], scores: npt.NDArray[Any], best: float
) -> Evidence:
    """Count the scores of an autoencoder.

    Args:
        classes: The normal class, then the abnormal classes.
        truth: Class index of each sample, ``[samples]``; 0 is normal.
        scores: ``[samples]``; higher is more abnormal.
        best: The threshold with the highest accuracy, which becomes one of the edges.
    """
    values = np.asarray(scores, np.float64)
    # Half of the thresholds are scores that occur: most scores may be close together, and outliers far away.
    low, high = float(values.min()), float(values.max())
    spread = np.quantile(values, np.linspace(0, 1, _THRESHOLDS // 2))
    edges = np.unique(
        np.concatenate(
            [
                np.linspace(low, high, _THRESHOLDS // 2),
                spread,
                [high + _step(low, high)],
                [best] if np.isfinite(best) else [],
            ]
        )
    )
    return Evidence(
        ANOMALY, list(classes), edges.tolist(), [_counts(values[truth == c], edges) for c in range(len(classes))]
    )


def _step(low: float, high: float) -> float:
    return max((high - low) / _THRESHOLDS, abs(high) * 1e-6, 1e-12)


def _edges(scores: npt.NDArray[np.float64], n_classes: int) -> npt.NDArray[np.float64]:
    """Return thresholds from 0 to 1; of scores that are not probabilities, from the lowest to the highest."""
    n = _FEWER_THRESHOLDS if n_classes > _MANY_CLASSES else _THRESHOLDS
    low, high = float(scores.min(initial=0.0)), float(scores.max(initial=0.0))
    if low >= 0 and high <= 1 + 1e-6:
        return np.linspace(0.0, 1.0, n + 1)
    return np.linspace(low, high + _step(low, high), n + 1)


def _bins(values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return for each value the index of the highest edge that it reaches."""
    return (np.searchsorted(edges, values, side="right") - 1).clip(0, len(edges) - 2)


def _counts(values: npt.NDArray[np.float64], edges: npt.NDArray[np.float64]) -> list[int]:
    return [int(n) for n in np.bincount(_bins(values, edges), minlength=len(edges) - 1)]
