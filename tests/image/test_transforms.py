"""What is drawn has the ranges that MLTK 0.20 draws from."""

from __future__ import annotations

import numpy as np
import pytest

from mltk.errors import DatasetError
from mltk.image.generator import ParallelImageDataGenerator


def drawn(name, n=2000, shape=(100, 200, 3), **settings):
    generator = ParallelImageDataGenerator(**settings)
    return np.array([generator.get_random_transform(shape, seed=i)[name] for i in range(n)])


@pytest.mark.parametrize(
    ("name", "settings", "low", "high"),
    [
        ("theta", {"rotation_range": 30}, -30, 30),
        ("tx", {"width_shift_range": 0.1}, -20, 20),
        ("ty", {"height_shift_range": 0.1}, -10, 10),
        ("tx", {"width_shift_range": 5.0}, -5, 5),
        ("tx", {"width_shift_range": 1.0}, -1, 1),
        ("shear", {"shear_range": 10}, -10, 10),
        ("zx", {"zoom_range": 0.2}, 0.8, 1.2),
        ("zy", {"zoom_range": [0.5, 1.0]}, 0.5, 1.0),
        ("channel_shift_intensity", {"channel_shift_range": 20}, -20, 20),
        ("brightness", {"brightness_range": (0.5, 1.5)}, 0.5, 1.5),
        ("contrast", {"contrast_range": (0.5, 1.5)}, 0.5, 1.5),
    ],
)
def test_a_range_is_drawn_from_uniformly(name, settings, low, high):
    values = drawn(name, **settings)
    share = (values - low) / (high - low)
    assert (share >= 0).all()
    assert (share <= 1).all()
    assert share.min() < 0.01
    assert share.max() > 0.99
    assert share.mean() == pytest.approx(0.5, abs=0.03)
    assert share.std() == pytest.approx(np.sqrt(1 / 12), abs=0.02)


@pytest.mark.parametrize(
    ("shift", "expected"),
    [
        (5, range(-4, 5)),
        ([1, 3, 7], [-7, -3, -1, 1, 3, 7]),
        ([0.1, 0.2], [-40, -20, 20, 40]),
        ((-3, 3), [-3, 3]),
        (0, [0]),
    ],
)
def test_integers_and_lists_are_the_possible_shifts(shift, expected):
    np.testing.assert_allclose(np.unique(drawn("tx", width_shift_range=shift)), list(expected))


@pytest.mark.parametrize("name", ["horizontal", "vertical"])
def test_half_of_the_images_are_flipped(name):
    assert drawn(f"flip_{name}", **{f"{name}_flip": True}).mean() == pytest.approx(0.5, abs=0.04)


def test_nothing_is_drawn_without_settings():
    generator = ParallelImageDataGenerator()
    found = generator.get_random_transform((8, 8, 3), seed=1)
    assert {**found, "seed": 0} == generator.default_transform
    off = ParallelImageDataGenerator(rotation_range=30, noise=["gauss"], random_transforms_enabled=False)
    assert off.get_random_transform((8, 8, 3)) == generator.default_transform


def test_turning_one_effect_off_does_not_change_the_others():
    both = drawn("theta", 10, rotation_range=30, brightness_range=(0.5, 1.5))
    np.testing.assert_array_equal(both, drawn("theta", 10, rotation_range=30))


def test_a_width_shift_moves_along_the_width():
    picture = np.zeros((9, 9, 1), np.float32)
    picture[4, 4] = 1
    moved = ParallelImageDataGenerator(width_shift_range=[2]).random_transform(picture, seed=1)
    assert moved[4].max() == 1
    assert moved[4, 4] == 0


def test_random_transform_draws_and_applies():
    picture = np.random.default_rng(0).uniform(0, 255, (8, 8, 3)).astype(np.float32)
    generator = ParallelImageDataGenerator(rotation_range=30, contrast_range=(0.5, 1.5))
    params = generator.get_random_transform(picture.shape, seed=5)
    np.testing.assert_array_equal(
        generator.random_transform(picture, seed=5), generator.apply_transform(picture, params)
    )


def test_one_image_has_three_dimensions():
    with pytest.raises(DatasetError, match=r"The image has shape \(8, 8\)"):
        ParallelImageDataGenerator().apply_transform(np.zeros((8, 8)), {})
