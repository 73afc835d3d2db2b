"""Brightness, contrast and channel shifts, against the values of MLTK 0.20, which rounds them to whole numbers."""

from __future__ import annotations

import numpy as np
import pytest

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
