"""Counts of scores for every threshold."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.made_facts import made_scores
from mltk.operations.results.evidence import anomaly_evidence, classifier_evidence, label_evidence


def test_the_counts_are_exact_at_each_threshold() -> None:
    truth, scores = made_scores()
    found = classifier_evidence(["a", "b", "c"], truth, scores)
    for c in range(3):
        for k in range(0, 257, 16):
            at_least = scores[:, c] >= found.edges[k]
            assert sum(found.positive[c][k:]) == (at_least & (truth == c)).sum()
            assert sum(found.negative[c][k:]) == (at_least & (truth != c)).sum()


def test_the_decisions_are_the_confusion_matrix() -> None:
    truth, scores = made_scores()
    matrix = np.zeros((3, 3), int)
    for t, p, _, n in classifier_evidence(["a", "b", "c"], truth, scores).decisions:
        matrix[t, p] += n
    expected = np.zeros((3, 3), int)
    np.add.at(expected, (truth, scores.argmax(axis=1)), 1)
    np.testing.assert_array_equal(matrix, expected)


def test_one_output_is_the_second_of_two_classes() -> None:
    found = classifier_evidence(["off", "on"], np.array([0, 1, 1]), np.array([[0.25], [0.75], [0.25]]))
    assert [sum(row) for row in found.positive] == [1, 2]
    assert sum(found.positive[1][128:]) == 1


def test_scores_that_are_no_probabilities_get_their_own_range() -> None:
    scores = np.array([[-4.0, 9.0], [3.0, 1.0], [-8.0, 0.5]])
    found = classifier_evidence(["a", "b"], np.array([1, 0, 1]), scores)
    assert (found.edges[0], found.edges[-1] > 9) == (-8.0, True)
    assert [sum(row) for row in found.positive] == [1, 2]


def test_many_classes_get_fewer_thresholds() -> None:
    truth, scores = made_scores(50, 100)
    assert len(classifier_evidence([str(c) for c in range(100)], truth, scores).edges) == 65


def test_labels_are_counted_each_by_itself() -> None:
    truth = np.array([[1, 0], [1, 1], [0, 0]])
    found = label_evidence(["a", "b"], truth, np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]))
    assert [sum(row) for row in found.positive] == [2, 1]
    assert [sum(row) for row in found.negative] == [1, 2]
    assert sum(found.positive[0][128:]) == 1


def test_the_best_threshold_of_anomalies_is_exact() -> None:
    rng = np.random.default_rng(0)
    scores, truth = rng.lognormal(size=500), np.repeat([0, 1], 250)
    best = float(np.sort(scores)[123])
    found = anomaly_evidence(["good", "bad"], truth, scores, best)
    k = found.edges.index(best)
    assert [sum(row[k:]) for row in found.positive] == [(scores[truth == c] >= best).sum() for c in (0, 1)]
    assert [sum(row) for row in found.positive] == [250, 250]


@pytest.mark.parametrize("scores", [np.zeros(4), np.full(4, 1e9)])
def test_equal_scores_are_no_problem(scores: np.ndarray) -> None:
    found = anomaly_evidence(["good", "bad"], np.array([0, 0, 1, 1]), scores, float("nan"))
    assert [sum(row) for row in found.positive] == [2, 2]
