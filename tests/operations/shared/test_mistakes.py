"""The samples that a model gets most wrong are kept while it predicts."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from mltk.data.iterate import Batch
from mltk.operations.shared.mistakes import (
    MOST,
    MOST_OF_CLASS,
    Mistakes,
    Reconstructed,
    describe_extremes,
    keep_extremes,
)
from mltk.operations.shared.sample_media import Sources

NO_FILES = Sources(types.SimpleNamespace(x=None))


def kept(truth: np.ndarray, scores: np.ndarray, size: int = 50) -> list[dict[str, Any]]:
    found = Mistakes()
    x = np.arange(len(truth), dtype=np.float32)[:, None] * np.ones((1, 4), np.float32)
    for start in range(0, len(truth), size):
        part = slice(start, start + size)
        batch = Batch(x[part], truth[part])
        found.watch(batch, [scores[part]], np.arange(len(truth))[part])
        x[part] = -1  # the memory of a batch is used again
    return found.describe(NO_FILES, spectrogram=False)


def test_the_worst_mistakes_are_kept_worst_first() -> None:
    rng = np.random.default_rng(0)
    truth, scores = rng.integers(4, size=500), rng.dirichlet(np.ones(4), size=500)
    margins = scores.max(axis=1) - scores[np.arange(500), truth]
    expected = np.argsort(-margins, kind="stable")[:MOST]
    found = kept(truth, scores)
    assert [sample["number"] for sample in found] == expected.tolist()
    for sample, i in zip(found, expected, strict=True):
        assert (sample["true"], sample["predicted"]) == (truth[i], scores[i].argmax())
        assert sample["media"] == {"curves": [[float(f"{i:.4g}")] * 4]}
        assert sample["scores"][0][0] == scores[i].argmax()
        assert truth[i] in [c for c, _ in sample["scores"]]


def test_right_answers_and_scores_that_are_not_numbers_are_not_mistakes() -> None:
    scores = np.array([[0.9, 0.1], [np.nan, 0.5], [0.2, 0.8]])
    assert kept(np.array([0, 0, 1]), scores) == []


def test_labels_that_are_not_classes_are_left_alone() -> None:
    found = Mistakes()
    found.watch(Batch(np.zeros((2, 3)), np.array([[1, 1], [0, 1]])), [np.array([[0.9, 0.1], [0.5, 0.5]])], np.arange(2))
    found.watch(Batch(np.zeros((2, 3)), np.array([0, 7])), [np.array([[0.9, 0.1], [0.5, 0.5]])], np.arange(2))
    assert found.describe(NO_FILES, spectrogram=False) == []


def test_the_highest_and_lowest_scores_of_an_autoencoder_are_kept() -> None:
    scores = np.random.default_rng(0).permutation(100).astype(float)
    found: list[Reconstructed] = []
    for score in scores:
        keep_extremes(found, Reconstructed(score, np.zeros(1), np.zeros(1)))
    half = MOST_OF_CLASS
    assert [s.score for s in found] == [*range(half), *range(100 - half, 100)]


def test_mistakes_of_an_autoencoder_come_first() -> None:
    def sample(score: float) -> Reconstructed:
        return Reconstructed(score, np.array([0.0, 1.0]), np.array([0.0, 0.5]))

    extremes = {0: [sample(0.1), sample(0.6)], 1: [sample(0.2), sample(0.9)]}
    found = describe_extremes(extremes, 0.5, spectrogram=False)
    assert [(s["true"], s["score"], s["wrong"]) for s in found] == [
        (0, 0.6, True), (1, 0.2, True), (0, 0.1, False), (1, 0.9, False),
    ]  # fmt: skip
    assert found[0]["reconstruction"] == {"curves": [[0.0, 0.5]]}
