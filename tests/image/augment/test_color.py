"""Brightness, contrast and channel shifts, against the values of MLTK 0.20, which rounds them to whole numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mltk.image.augment.color import change_colors, color_changes
from mltk.image.generator import ParallelImageDataGenerator

RAMP = np.arange(0, 256, 5, dtype=np.float32)[:, None, None].repeat(2, 1).repeat(3, 2)  # 0 to 255


def changed(picture=RAMP, **params):
    return ParallelImageDataGenerator().apply_transform(picture, params)


@pytest.mark.parametrize(("factor", "first", "last"), [(0.5, 0, 127), (2.0, 0, 255), (1.0, 0, 255)])
def test_brightness_is_a_factor_that_keeps_black_and_is_cut_off_at_white(factor, first, last):
    y = changed(brightness=factor)
    np.testing.assert_allclose(y, np.clip(RAMP * factor, 0, 255))
    assert abs(float(y[0, 0, 0]) - first) < 1
    assert abs(float(y[-1, 0, 0]) - last) < 1


@pytest.mark.parametrize(
    ("factor", "places"), [(0.5, {0: 63, 10: 88, 25: 126, 51: 191}), (2.0, {0: 0, 10: 0, 25: 122, 51: 255})]
)
def test_contrast_changes_the_distance_to_the_mean(factor, places):
    y = changed(contrast=factor)
    for place, value in places.items():
        assert float(y[place, 0, 0]) == pytest.approx(value, abs=1.01)


def test_contrast_0_is_the_mean_brightness_of_the_weighted_colors():
    y = changed(np.broadcast_to(np.array([200, 100, 50], np.float32), (4, 4, 3)), contrast=0.0)
    np.testing.assert_allclose(y, 0.299 * 200 + 0.587 * 100 + 0.114 * 50, rtol=1e-5)


def test_brightness_comes_before_contrast():
    y = changed(brightness=2.0, contrast=0.5)
    bright = np.clip(RAMP * 2, 0, 255)
    np.testing.assert_allclose(y, 0.5 * bright + 0.5 * bright.mean(), rtol=1e-5)


@pytest.mark.parametrize(("intensity", "first", "last"), [(50.0, 50, 255), (-50.0, 0, 205)])
def test_a_channel_shift_stays_between_the_extremes_of_the_image(intensity, first, last):
    y = changed(channel_shift_intensity=intensity)
    assert (y[0, 0, 0], y[-1, 0, 0]) == (first, last)
    np.testing.assert_allclose(y, np.clip(RAMP + intensity, 0, 255))


def test_the_extremes_are_those_of_all_channels():
    picture = RAMP * np.array([1, 0.5, 0], np.float32)
    y = changed(picture, channel_shift_intensity=50.0)
    np.testing.assert_allclose(y[..., 1].max(), 127.5 + 50)
    np.testing.assert_allclose(y[..., 2], 50)


def test_gray_images_have_the_same_brightness_and_contrast_as_colored_ones():
    for params in ({"brightness": 0.7}, {"contrast": 1.4}):
        np.testing.assert_allclose(
            changed(RAMP[..., :1], **params)[..., 0], changed(RAMP, **params)[..., 0], rtol=1e-4, atol=1e-3
        )


def test_alpha_keeps_its_values():
    picture = np.concatenate([RAMP, np.full((*RAMP.shape[:2], 1), 77, np.float32)], axis=2)
    y = changed(picture, brightness=0.5, contrast=1.5, noise="gauss")
    assert np.unique(y[..., 3]) == [77]
    np.testing.assert_allclose(
        changed(picture, brightness=0.5, contrast=1.5)[..., :3], changed(brightness=0.5, contrast=1.5), rtol=1e-4
    )


def changes(n, kinds=None, **values):
    nothing = np.full(n, np.nan)
    kinds, seeds = kinds or [None] * n, np.arange(n, dtype=np.uint32)
    shift, brightness, contrast = (values.get(name, nothing) for name in ("shift", "brightness", "contrast"))
    return color_changes(shift, brightness, contrast, kinds, seeds)


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (31, 17), (96, 96)])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
def test_images_of_every_size_are_changed_in_one_call_as_the_formulas_say(size, channels):
    images = np.random.default_rng(0).uniform(0, 255, (3, *size, channels)).astype(np.float32)
    found = images.copy()
    shift, brightness, contrast = [np.array([a, np.nan, b]) for a, b in ((20, -9), (0.8, 1.3), (1.4, 0.5))]
    change_colors(found, changes(3, shift=shift, brightness=brightness, contrast=contrast), 255)
    np.testing.assert_array_equal(found[1], images[1])
    for i in (0, 2):
        wanted = np.clip(images[i].astype(float) + shift[i], images[i].min(), images[i].max())
        colors = wanted[..., :3] if channels == 4 else wanted
        colors[...] = np.clip(colors * brightness[i], 0, 255)
        means = colors.mean((0, 1))
        gray = np.dot(means, (0.299, 0.587, 0.114)) if channels in (3, 4) else means.mean()
        colors[...] = np.clip(colors * contrast[i] + gray * (1 - contrast[i]), 0, 255)
        np.testing.assert_allclose(found[i], wanted, rtol=1e-5, atol=1e-3)


def test_images_of_different_sizes_are_a_list():
    rng = np.random.default_rng(0)
    images = [rng.uniform(0, 255, (*size, 3)).astype(np.float32) for size in ((4, 6), (50, 20))]
    expected = [image.copy() for image in images]
    for i, image in enumerate(expected):
        change_colors(image[np.newaxis], changes(2, ["gauss", "speckle"])[i : i + 1], 255)
    change_colors(images, changes(2, ["gauss", "speckle"]), 255)
    for found, wanted in zip(images, expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_images_with_gaps_or_of_another_data_type_are_refused():
    images = np.zeros((2, 4, 4, 3), np.float32)
    wrong: Any
    for wrong in (images[:, ::2], images.astype(np.float64)):
        with pytest.raises(ValueError, match="must be float32 without gaps"):
            change_colors(wrong, changes(2, brightness=np.ones(2)), 255)


@pytest.mark.parametrize("effect", [{"channel_shift_intensity": 5.0}, {"brightness": 0.5}, {"contrast": 0.5}])
def test_a_value_that_is_not_a_number_stays_visible(effect):
    picture = RAMP.copy()
    picture[3, 1, 2] = np.nan
    assert np.isnan(changed(picture, **effect)[3, 1, 2])
