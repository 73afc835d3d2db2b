"""Noise of four kinds, with the mean and the variance of MLTK 0.20's. Values are not cut off afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.errors import SettingError, did_you_mean
from mltk.image.augment.color import colors
from mltk.image.augment.opencv import opencv

KINDS = ("gauss", "poisson", "s&p", "speckle")
"""Kinds of noise."""
GAUSS_VARIANCE = 0.1
SALT_AND_PEPPER_SHARE = 0.004
_EXACT_BELOW = 64.0  # expected counts below this are drawn from the Poisson distribution itself

_SKIPPED = 64  # the first number of OpenCV's generator follows from the seed, and is not normal

Image = npt.NDArray[np.float32]


def check_kinds(noise: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the kinds of noise that a setting names.

    Raises:
        SettingError: There is not a kind of this name.
    """
    names = () if noise is None else (noise,) if isinstance(noise, str) else tuple(noise)
    for name in names:
        if name not in KINDS:
            near = did_you_mean(str(name), KINDS)
            raise SettingError(
                f"noise has the kind {name!r}. {near}".rstrip(), hint=f"Kinds are {', '.join(KINDS)}, in a list."
            )
    return names


def _normal(shape: tuple[int, ...], seed: int) -> Image:
    """Return values of the normal distribution; OpenCV draws them three times as fast as NumPy."""
    cv2 = opencv()
    drawn = np.empty(math.prod(shape) + _SKIPPED, np.float32)
    cv2.setRNGSeed(seed)  # of this thread only
    cv2.randn(drawn, 0.0, 1.0)
    return drawn[_SKIPPED:].reshape(shape)


def gauss(image: Image, seed: int, white: float) -> None:
    """Add normal noise with a variance of 0.1, on a scale from 0 to 255."""
    drawn = _normal(image.shape, seed)
    drawn *= np.float32(np.sqrt(GAUSS_VARIANCE) * white / 255)
    image += drawn


def speckle(image: Image, seed: int, white: float) -> None:
    """Add normal noise whose standard deviation is the value itself."""
    drawn = _normal(image.shape, seed)
    drawn *= image
    image += drawn


def _levels(image: Image, scale: float) -> int:
    """Return how many of the 256 levels of 8 bits an image has."""
    rounded = opencv().convertScaleAbs(np.ascontiguousarray(image).reshape(-1), alpha=1 / scale)
    return int(np.count_nonzero(np.bincount(rounded.reshape(-1), minlength=256)))


def poisson(image: Image, seed: int, white: float) -> None:
    """Replace each value by a count, as a sensor counts photons.

    The number of levels of the image, rounded up to a power of two, is the number of photons per unit of value.
    """
    scale = white / 255
    photons = 2.0 ** math.ceil(math.log2(_levels(image, scale))) / scale
    expected = np.maximum(image, np.float32(0))
    expected *= np.float32(photons)
    drawn = _normal(image.shape, seed)
    drawn *= np.sqrt(expected)  # a Poisson distribution with a large mean is a normal distribution
    drawn += expected
    few = (expected < _EXACT_BELOW) & (expected > 0)
    if few.any():
        drawn[few] = np.random.Generator(np.random.SFC64(seed)).poisson(expected[few])
    np.rint(drawn, out=drawn)
    np.multiply(drawn, np.float32(1 / photons), out=image)


def salt_and_pepper(image: Image, seed: int, white: float) -> None:
    """Make 0.2 % of the values white, and 0.2 % black."""
    n = math.ceil(SALT_AND_PEPPER_SHARE / 2 * image.size)
    drawn = np.empty(2 * n + _SKIPPED, np.int32)
    opencv().setRNGSeed(seed)
    opencv().randu(drawn, 0, image.size)
    places = drawn[_SKIPPED:].reshape(2, n)
    flat = image.reshape(-1) if image.flags.c_contiguous else None
    for value, chosen in zip((white, 0.0), places, strict=True):
        if flat is None:
            image[np.unravel_index(chosen, image.shape)] = value
        else:
            flat[chosen] = value


_FUNCTIONS: dict[str, Any] = {"gauss": gauss, "poisson": poisson, "s&p": salt_and_pepper, "speckle": speckle}


def add_noise(image: Image, kind: str, seed: int, white: float) -> None:
    """Add noise to the colors of an image.

    Args:
        image: float32 [height, width, channels], changed in place.
        kind: One of :data:`KINDS`.
        seed: Fixes the noise.
        white: Largest value of a channel.
    """
    _FUNCTIONS[kind](colors(image), seed, white)
