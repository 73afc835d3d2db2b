"""The mean and the standard deviation of each kind of noise are those that MLTK 0.20 has for the same image."""

from __future__ import annotations

import math

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
    """A generator of random numbers may follow its seed at first."""
    picture = np.full((2, 2, 1), 100, np.float32)
    seeds = np.random.default_rng(0).integers(0, 2**31 - 1, 4000)
    noise = np.stack([noisy(picture, "gauss", int(seed)) for seed in seeds]).reshape(4000, 4) - 100
    drawn = noise / np.sqrt(0.1)
    assert abs(drawn.mean(axis=0)).max() < 0.08
    np.testing.assert_allclose(drawn.std(axis=0), 1, atol=0.06)
    assert abs(np.corrcoef(drawn.T) - np.eye(4)).max() < 0.08


def normal_values(n=1_000_000, seed=11):
    """The normal values that speckle noise is made of."""
    return np.float64(noisy(np.ones((n // 1000, 1000, 1), np.float32), "speckle", seed)).reshape(-1) - 1


def test_the_noise_is_normal_to_its_tails():
    drawn = normal_values()
    n = len(drawn)
    for power, moment in ((1, 0), (2, 1), (3, 0), (4, 3), (6, 15)):
        deviation = math.sqrt(math.prod(range(1, 2 * power, 2)) - moment**2)
        assert abs((drawn**power).mean() - moment) < 4 * deviation / math.sqrt(n)
    for limit in (0.5, 1, 2, 3, 4):
        share = math.erfc(limit / math.sqrt(2))
        assert abs((abs(drawn) > limit).mean() - share) < 4 * math.sqrt(share / n)
    assert 4.2 < abs(drawn).max() < 6.6


@pytest.mark.parametrize("step", [1, 2, 3, 8, 16, 32, 48, 1536])
def test_neighbors_are_independent(step):
    drawn = normal_values()
    for first, second in ((drawn[:-step], drawn[step:]), (drawn[:-step] ** 2, drawn[step:] ** 2)):
        assert abs(np.corrcoef(first, second)[0, 1]) < 4 / math.sqrt(len(first))


def test_seeds_that_follow_each_other_are_independent():
    first, *others = (normal_values(100_000, seed) for seed in range(6))
    for other in others:
        assert abs(np.corrcoef(first, other)[0, 1]) < 4 / math.sqrt(len(first))


@pytest.mark.parametrize("expected", [1.25, 3.0, 12.0, 40.0, 63.5])
def test_small_counts_have_the_distribution_of_poisson(expected):
    counts = noisy(constant(expected), "poisson").reshape(-1)
    np.testing.assert_array_equal(counts, np.rint(counts))
    for count in range(max(0, int(expected) - 8), int(expected) + 9):
        share = math.exp(count * math.log(expected) - expected - math.lgamma(count + 1))
        assert abs((counts == count).mean() - share) < 4.5 * math.sqrt(share / N)


def test_values_above_and_below_the_limit_of_small_counts_mix():
    picture = np.tile(np.array([0, 3, 60, 64, 200], np.float32), (400, 60))[..., np.newaxis]
    difference = (noisy(picture, "poisson") - picture).reshape(-1, 5)
    deviations = np.sqrt(np.array([0, 3, 60, 64, 200]) / 8)  # five levels: eight photons
    np.testing.assert_allclose(difference.std(0), deviations, rtol=0.03)
    np.testing.assert_allclose(difference.mean(0), 0, atol=4 * deviations.max() / math.sqrt(len(difference)))


def test_the_white_of_16_bits_scales_the_noise():
    values = np.full((100, 100, 1), 30000, np.uint16)
    for kind, deviation in (("gauss", 257 * math.sqrt(0.1)), ("poisson", math.sqrt(30000 * 257)), ("speckle", 30000)):
        assert np.float64(noisy(values, kind)).std() == pytest.approx(deviation, rel=0.03)


@pytest.mark.parametrize("kind", ["gauss", "speckle", "poisson"])
def test_a_value_that_is_not_a_number_stays_visible(kind):
    picture = constant(100)
    picture[5, 6, 1] = np.nan
    assert np.flatnonzero(np.isnan(noisy(picture, kind))).tolist() == [5 * SIDE * 3 + 6 * 3 + 1]
