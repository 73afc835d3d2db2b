"""Normalization of finished samples."""

from __future__ import annotations

import numpy as np
import pytest

from mltk.data.pipeline.normalize import normalize, normalize_batch


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[1, 2], [3, 4]]),
        ({"rescale": 2.0}, [[2, 4], [6, 8]]),
        ({"samplewise_center": True}, [[-1.5, -0.5], [0.5, 1.5]]),
        ({"samplewise_std_normalization": True}, [[0.8944264, 1.7888528], [2.6832793, 3.5777056]]),
        ({"samplewise_normalize_range": (-1, 1)}, [[-1, -1 / 3], [1 / 3, 1]]),
        (
            {"samplewise_center": True, "samplewise_std_normalization": True},
            [[-1.3416396, -0.4472132], [0.4472132, 1.3416396]],
        ),
    ],
)
def test_normalize_is_that_of_0_20(options, expected) -> None:
    np.testing.assert_allclose(normalize(np.array([[1, 2], [3, 4.0]], np.float32), **options), expected, rtol=1e-6)


def test_normalize_a_batch_sample_by_sample() -> None:
    samples = np.random.default_rng(0).normal(3, 2, (4, 5, 6)).astype(np.float32)
    batch = normalize_batch(samples, 0.5, True, True)
    for sample, normalized in zip(samples, batch, strict=True):
        np.testing.assert_allclose(normalized, normalize(sample, 0.5, True, True), rtol=1e-5)
    constant = normalize_batch(np.ones((1, 4), np.float32), normalize_range=(0, 1))
    assert constant.tolist() == [[0, 0, 0, 0]]
