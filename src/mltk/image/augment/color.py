"""Brightness, contrast and shifts of the channels. An alpha channel keeps its values, except in a shift."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.image.augment.opencv import opencv

Image = npt.NDArray[np.float32]
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601


def colors(image: Image) -> Image:
    """Return the channels of an image that are not alpha, as a view."""
    return image[..., :3] if image.shape[-1] == 4 else image


def mean_brightness(image: Image) -> float:
    """Return the mean of an image in shades of gray.

    Args:
        image: float32 [height, width, channels], contiguous.
    """
    channels = image.shape[-1]
    if channels in (1, 3, 4):
        means = opencv().mean(image)  # NumPy takes 30 times as long to sum the inner dimension separately
        return float(means[0]) if channels == 1 else float(np.dot(means[:3], _LUMA))
    return float(image.mean())


def shift_channels(image: Image, intensity: float) -> None:
    """Add a value to all channels. Values stay between the smallest and the largest of the image.

    Args:
        image: float32 [height, width, channels], changed in place.
        intensity: Value to add.
    """
    low, high = image.min(), image.max()
    image += np.float32(intensity)
    np.clip(image, low, high, out=image)


def change_brightness(image: Image, factor: float, white: float) -> None:
    """Multiply an image by a factor.

    Args:
        image: float32 [height, width, channels], changed in place.
        factor: 1 changes nothing, 0 is black.
        white: Largest value of a channel.
    """
    part = colors(image)
    part *= np.float32(factor)
    _limit(part, white)


def change_contrast(image: Image, factor: float, white: float) -> None:
    """Scale the distance of each value to the mean brightness of the image.

    Args:
        image: float32 [height, width, channels], changed in place.
        factor: 1 changes nothing, 0 is gray.
        white: Largest value of a channel.
    """
    part = colors(image)
    gray = mean_brightness(image)
    part *= np.float32(factor)
    part += np.float32(gray * (1 - factor))
    _limit(part, white)


def _limit(image: Image, white: float) -> None:
    np.maximum(image, np.float32(0), out=image)  # together half of the overhead of np.clip
    np.minimum(image, np.float32(white), out=image)
