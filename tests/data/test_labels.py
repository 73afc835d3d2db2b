"""Labels are taken for classes only where each sample has one."""

from __future__ import annotations

import unicodedata
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mltk.data.labels import (
    ONE_CLASS_EACH,
    LabelKind,
    class_indices,
    describe_labels,
    indices_of_names,
    label_kind,
    name_samples,
    not_finite,
)
from mltk.errors import DatasetError

INDICES = np.array([0, 2, 1, 2])


@pytest.mark.parametrize("dtype", [np.int64, np.uint8, np.float32, np.int8, object])
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_indices(dtype: Any, shape: tuple[int, ...]) -> None:
    labels = INDICES.astype(dtype).reshape(shape)
    assert label_kind(labels) is LabelKind.INDEX
    np.testing.assert_array_equal(class_indices(labels), INDICES)


@pytest.mark.parametrize("dtype", [np.int64, np.float32, bool])
def test_one_hot(dtype: Any) -> None:
    labels = np.eye(3)[INDICES].astype(dtype)
    assert label_kind(labels) is LabelKind.ONE_HOT
    np.testing.assert_array_equal(class_indices(labels), INDICES)


@pytest.mark.parametrize(
    ("labels", "kind", "words"),
    [
        (np.array([[0, 0, 0], [0, 1, 0]]), LabelKind.MULTI_LABEL, "50% of the 2 rows do not have exactly one 1"),
        (np.array([[1, 1, 0], [0, 1, 0]]), LabelKind.MULTI_LABEL, "50% of the 2 rows do not have exactly one 1"),
        (np.array([[0.9, 0.1], [0.5, 0.5]]), LabelKind.FRACTIONS, "they have values like 0.1, 0.5, 0.9"),
        (np.array([0.5, 1, 0]), LabelKind.FRACTIONS, "they have values like 0.5"),
        (np.array([[0.25], [1]]), LabelKind.FRACTIONS, "they have values like 0.25"),
        (np.array([0, np.nan]), LabelKind.FRACTIONS, "they have values like nan"),
        (np.array([[2, 0], [0, 1]]), LabelKind.FRACTIONS, "they have values like 2"),
        (np.array(["red", "blue"]), LabelKind.TEXT, "they are text, for example"),
        (
            np.zeros((2, 4, 4), int),
            LabelKind.PER_POSITION,
            r"a label for each position of a sample, of shape",
        ),
    ],
)
def test_other_labels_are_no_classes(labels: np.ndarray, kind: LabelKind, words: str) -> None:
    assert label_kind(labels) is kind
    with pytest.raises(DatasetError, match=words):
        class_indices(labels)
    assert describe_labels(labels)


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 20), st.integers(2, 5)), elements=st.sampled_from([0.0, 1.0])))
def test_rows_of_zeros_and_ones_are_one_hot_exactly_if_each_has_one_1(labels: np.ndarray) -> None:
    assert (label_kind(labels) in ONE_CLASS_EACH) is bool((labels.sum(axis=1) == 1).all())


def test_names_are_indices_of_classes() -> None:
    classes = ["red", "gr\u00fcn", "blue"]
    decomposed = [unicodedata.normalize("NFD", "gr\u00fcn"), "red"]
    np.testing.assert_array_equal(indices_of_names(decomposed, classes), [1, 0])
    np.testing.assert_array_equal(indices_of_names(np.array([["blue"], ["red"]], object), classes), [[2], [0]])
    with pytest.raises(DatasetError, match=r"1 of the label names are not in my_model.classes, for example 'rot'"):
        indices_of_names(["rot", "red"], classes)


def test_samples_that_are_not_finite_are_named() -> None:
    scores = np.ones((5, 3))
    scores[3, 1], scores[4, 2] = np.nan, np.inf
    np.testing.assert_array_equal(not_finite(scores), [3, 4])
    assert not_finite(np.ones(3, int)).size == 0
    assert name_samples([3]) == "sample 3"
    assert name_samples([3, 40, 137]) == "samples 3, 40 and 137"
    assert name_samples(range(99)) == "samples 0, 1, 2, … and 96 more"
