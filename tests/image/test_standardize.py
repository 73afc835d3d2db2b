"""Normalization: the formulas of MLTK 0.20, which are those of Keras."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from mltk.image.generator import ParallelImageDataGenerator

X = np.random.RandomState(0).rand(4, 4, 3).astype(np.float32) * 255


@pytest.mark.parametrize(
    ("settings", "mean", "deviation", "first"),
    [  # computed by MLTK 0.20
        ({"rescale": 1 / 255}, 0.5462316, 0.27474484, [0.549, 0.715, 0.603]),
        ({"samplewise_center": True}, 0, 70.05993, [0.658, 43.084, 14.416]),
        ({"samplewise_center": True, "samplewise_std_normalization": True}, 0, 1, [0.009, 0.615, 0.206]),
        (
            {"samplewise_center": True, "samplewise_std_normalization": True, "rescale": 1 / 255},
            0,
            0.9999963,
            [0.009, 0.615, 0.206],
        ),
    ],
)
def test_one_image_is_normalized_as_mltk_0_20_does(settings, mean, deviation, first):
    generator = ParallelImageDataGenerator(**settings)
    y = generator.standardize(X)
    assert y.dtype == np.float32
    assert float(y.mean(dtype=np.float64)) == pytest.approx(mean, abs=2e-5)
    assert float(y.std(dtype=np.float64)) == pytest.approx(deviation, rel=1e-5)
    np.testing.assert_allclose(y.ravel()[:3], first, atol=6e-4)
    np.testing.assert_allclose(generator.standardize_batch(X[np.newaxis])[0], y, rtol=1e-6)


def test_dividing_by_the_deviation_implies_centering():
    assert ParallelImageDataGenerator(samplewise_std_normalization=True).samplewise_center
    assert ParallelImageDataGenerator(featurewise_std_normalization=True).featurewise_center


def test_the_statistics_of_a_dataset_are_fitted_for_each_channel():
    images = np.random.RandomState(1).rand(10, 4, 4, 3) * 255
    generator = ParallelImageDataGenerator(featurewise_center=True, featurewise_std_normalization=True)
    generator.fit(images)
    np.testing.assert_allclose(generator.mean, [[[120.855, 139.022, 127.556]]], atol=1e-3)
    np.testing.assert_allclose(generator.std, [[[73.884, 78.25, 74.114]]], atol=1e-3)
    y = generator.standardize(X)
    assert (float(y.mean()), float(y.std())) == pytest.approx((0.13872565, 0.93615204), rel=1e-4)
    batch = generator.flow(images, batch_size=10, shuffle=False)[0]
    np.testing.assert_allclose(batch.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(batch.std(axis=(0, 1, 2)), 1, rtol=1e-4)


def test_whitened_values_do_not_correlate():
    images = np.random.RandomState(1).rand(400, 2, 2, 1)
    images[:, 0] = images[:, 1] + 0.1 * images[:, 0]
    generator = ParallelImageDataGenerator(zca_whitening=True)
    generator.fit(images)
    white = generator.flow(images, batch_size=400, shuffle=False)[0].reshape(400, 4)
    np.testing.assert_allclose(white.T @ white / 400, np.eye(4), atol=0.02)


def test_without_fit_a_warning_says_that_nothing_is_normalized(caplog):
    generator = ParallelImageDataGenerator(featurewise_center=True)
    with caplog.at_level(logging.WARNING, "mltk"):
        for _ in range(2):
            generator.flow(X[np.newaxis])
    assert caplog.text.count("call fit(images) of the data generator before") == 1


def test_augmented_images_can_be_fitted():
    images = np.random.RandomState(1).rand(10, 4, 4, 3) * 255
    generator = ParallelImageDataGenerator(featurewise_center=True, brightness_range=(0.5, 0.5))
    generator.fit(images, augment=True, rounds=2, seed=1)
    np.testing.assert_allclose(generator.mean, 0.5 * images.mean(axis=(0, 1, 2), keepdims=True)[0], rtol=1e-5)


def test_integers_are_rounded_and_limited():
    x = np.array([-200.0, -1.6, 0.4, 300.0], np.float32).reshape(1, 2, 2, 1)
    y = ParallelImageDataGenerator(dtype="int8").standardize_batch(x)
    np.testing.assert_array_equal(y.ravel(), np.array([-128, -2, 0, 127], np.int8))


def test_a_range_scales_each_image():
    y = ParallelImageDataGenerator(samplewise_normalize_range=(-1, 1)).standardize(X)
    assert (float(y.min()), float(y.max())) == pytest.approx((-1, 1), abs=1e-5)


def test_a_constant_image_is_no_division_by_zero():
    generator = ParallelImageDataGenerator(samplewise_std_normalization=True)
    np.testing.assert_array_equal(generator.standardize(np.full((2, 2, 1), 7.0)), np.zeros((2, 2, 1)))
