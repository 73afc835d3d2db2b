"""The mean and the standard deviation of each kind of noise are those that MLTK 0.20 has for the same image."""

from __future__ import annotations

import numpy as np
import pytest

from mltk.image.generator import ParallelImageDataGenerator

SIDE = 200
N = SIDE * SIDE * 3


def noisy(picture, kind, seed=3):
    return ParallelImageDataGenerator().apply_transform(picture, {"noise": kind, "seed": seed})


def constant(value):
    return np.full((SIDE, SIDE, 3), value, np.float32)


@pytest.mark.parametrize("value", [2.0, 10.0, 100.0, 240.0])
@pytest.mark.parametrize(
    ("kind", "deviation"),
    [
        ("gauss", lambda value: np.sqrt(0.1)),
        ("speckle", lambda value: value),
        ("poisson", np.sqrt),  # an image with one level has one photon per unit
    ],
)
def test_mean_and_deviation(kind, deviation, value):
    difference = noisy(constant(value), kind) - value
    sigma = float(deviation(value))
    assert difference.std() == pytest.approx(sigma, rel=0.02)
    assert abs(difference.mean()) < 5 * sigma / np.sqrt(N)


def test_poisson_noise_of_an_image_with_256_levels_is_16_times_smaller():
    ramp = np.linspace(0, 255, N).reshape(SIDE, SIDE, 3).astype(np.float32)
    difference = noisy(ramp, "poisson") - ramp
    for low in (50, 100, 200):
        chosen = (ramp > low) & (ramp < low + 10)
        assert difference[chosen].std() == pytest.approx(np.sqrt((low + 5) / 256), rel=0.1)
    assert abs(difference[ramp < 0.1].mean()) < 0.01


def test_poisson_noise_makes_whole_photons_and_keeps_black():
    y = noisy(constant(3), "poisson")
    np.testing.assert_array_equal(y, np.rint(y))
    assert y.min() >= 0
    assert noisy(np.zeros((8, 8, 1), np.float32), "poisson").max() == 0


def test_salt_and_pepper_change_0_4_percent_of_the_values():
    y = noisy(constant(100), "s&p")
    assert (y == 255).mean() == pytest.approx(0.002, rel=0.03)
    assert (y == 0).mean() == pytest.approx(0.002, rel=0.03)
    assert set(np.unique(y)) == {0, 100, 255}


@pytest.mark.parametrize("kind", ["gauss", "speckle", "poisson", "s&p"])
def test_the_seed_fixes_the_noise_and_channels_are_independent(kind):
    first = noisy(constant(100), kind)
    np.testing.assert_array_equal(first, noisy(constant(100), kind))
    assert not np.array_equal(first, noisy(constant(100), kind, seed=4))
    assert not np.array_equal(first[..., 0], first[..., 1])


def test_each_image_gets_one_of_the_kinds():
    generator = ParallelImageDataGenerator(noise=["gauss", "poisson", "s&p", "speckle"])
    kinds = [generator.get_random_transform((8, 8, 3))["noise"] for _ in range(400)]
    counts = {kind: kinds.count(kind) for kind in set(kinds)}
    assert set(counts) == {"gauss", "poisson", "s&p", "speckle"}
    assert min(counts.values()) > 60


def test_one_name_is_one_kind():
    assert ParallelImageDataGenerator(noise="speckle").get_random_transform((8, 8, 3))["noise"] == "speckle"


def test_every_pixel_is_normal_over_many_seeds():
    """The first number of OpenCV's generator is not: it follows from the seed."""
    picture = np.full((2, 2, 1), 100, np.float32)
    seeds = np.random.default_rng(0).integers(0, 2**31 - 1, 4000)
    noise = np.stack([noisy(picture, "gauss", int(seed)) for seed in seeds]).reshape(4000, 4) - 100
    drawn = noise / np.sqrt(0.1)
    assert abs(drawn.mean(axis=0)).max() < 0.08
    np.testing.assert_allclose(drawn.std(axis=0), 1, atol=0.06)
    assert abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.08
