"""Keep the samples that a classifier or an autoencoder gets most wrong, while they are predicted."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.data.labels import ONE_CLASS_EACH, class_indices, label_kind
from mltk.data.nested import leaves
from mltk.operations.results.classifier import two_columns
from mltk.operations.shared.sample_media import Source, Sources, media_of, picture_or_curves

if TYPE_CHECKING:
    from mltk.data.iterate import Batch

MOST = 24
"""Mistakes of a classifier that are kept."""
MOST_OF_CLASS = 8
"""Samples of each class of an autoencoder that are kept."""
_SHOWN_SCORES = 3
Array = npt.NDArray[Any]


@dataclass(order=True, frozen=True)
class _Mistake:
    margin: float
    position: int
    truth: int
    scores: tuple[float, ...]
    x: Any = None


class Mistakes:
    """The worst mistakes of a classifier: those whose highest score is farthest above the score of the true class."""

    def __init__(self) -> None:
        self._kept: list[_Mistake] = []

    def watch(self, batch: Batch, outputs: list[Array], positions: Array) -> None:
        """Look at a batch.

        Args:
            batch: Samples with labels.
            outputs: What the model computed for them, ``[samples, …]`` for each output.
            positions: Position of each sample in the dataset.
        """
        labels = leaves(batch.y)
        if len(labels) != 1 or len(outputs) != 1 or label_kind(labels[0]) not in ONE_CLASS_EACH:
            return
        truth = class_indices(labels[0])
        scores = two_columns(np.asarray(outputs[0], np.float64))
        if len(truth) != len(scores) or truth.min() < 0 or truth.max() >= scores.shape[1]:
            return
        margins = scores.max(axis=1) - scores[np.arange(len(truth)), truth]
        wrong = np.flatnonzero((margins > 0) & np.isfinite(scores).all(axis=1))
        for i in wrong[np.argsort(-margins[wrong], kind="stable")][:MOST]:
            x = np.array(leaves(batch.x)[0][i])  # a copy: the batch's memory is used again
            found = _Mistake(float(margins[i]), -int(positions[i]), int(truth[i]), tuple(scores[i].tolist()), x)
            if len(self._kept) < MOST:
                heapq.heappush(self._kept, found)
            elif found.margin > self._kept[0].margin:
                heapq.heapreplace(self._kept, found)

    def describe(self, sources: Sources, *, spectrogram: bool) -> list[dict[str, Any]]:
        """Return the mistakes as plain data, the worst first.

        Args:
            sources: The files behind the samples.
            spectrogram: Whether the inputs of the model are spectrograms.
        """
        return [self._describe(m, sources.of(-m.position), spectrogram) for m in sorted(self._kept, key=_worst_first)]

    def _describe(self, mistake: _Mistake, source: Source, spectrogram: bool) -> dict[str, Any]:
        order = np.argsort(-np.array(mistake.scores), kind="stable")
        shown = [int(c) for c in order[:_SHOWN_SCORES]]
        if mistake.truth not in shown:
            shown.append(mistake.truth)
        return {
            "number": -mistake.position,
            "name": source.name,
            "true": mistake.truth,
            "predicted": int(order[0]),
            "scores": [[c, round(mistake.scores[c], 4)] for c in shown],
            "media": media_of(mistake.x, source, spectrogram=spectrogram),
        }


def _worst_first(mistake: _Mistake) -> tuple[float, int]:
    return -mistake.margin, -mistake.position


@dataclass
class Reconstructed:
    """One sample of an autoencoder's evaluation: its score, itself and its reconstruction."""

    score: float
    original: Array
    decoded: Array


def keep_extremes(kept: list[Reconstructed], sample: Reconstructed) -> None:
    """Add a sample, if its score is among the highest or the lowest that are kept of its class.

    Args:
        kept: The samples of the class, ascending by score.
        sample: The new sample; its arrays are copied if it is kept.
    """
    half = MOST_OF_CLASS
    if len(kept) >= 2 * half and kept[half - 1].score <= sample.score <= kept[half].score:
        return
    kept.append(Reconstructed(sample.score, np.array(sample.original), np.array(sample.decoded)))
    kept.sort(key=lambda s: s.score)
    if len(kept) > 2 * half:
        del kept[half]


def describe_extremes(
    extremes: dict[int, list[Reconstructed]], threshold: float, *, spectrogram: bool
) -> list[dict[str, Any]]:
    """Return the samples that an autoencoder gets most wrong at a threshold, as plain data; then the closest calls.

    Args:
        extremes: Index of a class → samples with its highest and lowest scores; 0 is the normal class.
        threshold: A sample with this score or a higher one counts as abnormal.
        spectrogram: Whether the inputs of the model are spectrograms.
    """
    found: list[dict[str, Any]] = []
    for index, samples in sorted(extremes.items()):
        order = samples[::-1] if index == 0 else samples
        for sample in order[:MOST_OF_CLASS]:
            abnormal = sample.score >= threshold
            limits = (float(np.min(sample.original)), float(np.max(sample.original)))
            found.append(
                {
                    "true": index,
                    "wrong": bool(abnormal == (index == 0)),
                    "score": float(f"{sample.score:.6g}"),
                    "media": picture_or_curves(sample.original, spectrogram=spectrogram, limits=limits),
                    "reconstruction": picture_or_curves(sample.decoded, spectrogram=spectrogram, limits=limits),
                }
            )
    # The mistakes are by class; what is right is by its distance to the threshold.
    mistakes = [sample for sample in found if sample["wrong"]]
    right = sorted((s for s in found if not s["wrong"]), key=lambda s: abs(s["score"] - threshold))
    return [*mistakes, *right[: max(0, MOST - len(mistakes))]]
