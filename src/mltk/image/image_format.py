"""Size, channels and depth of the images that a data generator makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.errors import DatasetError, did_you_mean

CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}
"""Color mode → number of channels."""
INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
"""Names of the filters that change the size of an image."""


@dataclass(frozen=True)
class ImageFormat:
    """What every decoded image of a dataset is made to.

    Attributes:
        height: Height in pixels.
        width: Width in pixels.
        channels: Number of channels; files have 1, 3 or 4.
        interpolation: Filter that changes the size, one of :data:`INTERPOLATIONS`.
        resizes: Whether images get this size; otherwise they keep the size of their file.
        keep_aspect_ratio: Cut the center out of an image of another aspect ratio, instead of distorting it.
        bits: Bits of a decoded value: 8 or 16.
    """

    height: int
    width: int
    channels: int
    interpolation: str = "bilinear"
    resizes: bool = True
    keep_aspect_ratio: bool = False
    bits: int = 8

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of an image: (height, width, channels)."""
        return self.height, self.width, self.channels

    @property
    def dtype(self) -> npt.DTypeLike:
        """Data type of a decoded image: uint8 or uint16."""
        return np.uint8 if self.bits == 8 else np.uint16

    @property
    def white(self) -> float:
        """Largest value of a channel."""
        return float((1 << self.bits) - 1)


def checked_size(target_size: Sequence[int] | None) -> tuple[int, int]:
    """Return the height and the width of images.

    Args:
        target_size: (height, width), or (height, width, channels), whose channels are ignored.

    Raises:
        DatasetError: The value is not a size.
    """
    try:
        size = [int(n) for n in target_size or ()]
    except (TypeError, ValueError):
        size = []
    if len(size) not in (2, 3) or min(size) < 1:
        raise DatasetError(
            f"target_size is {target_size!r}; it must be (height, width) in pixels.",
            hint="Set my_model.target_size, or my_model.input_shape to (height, width, channels).",
        )
    return size[0], size[1]


def checked_channels(color_mode: str) -> int:
    """Return the number of channels of a color mode.

    Raises:
        DatasetError: There is not a color mode of this name.
    """
    if color_mode not in CHANNELS:
        near = did_you_mean(str(color_mode), list(CHANNELS))
        raise DatasetError(
            f"color_mode is {color_mode!r}. {near}".rstrip(), hint=f"It can be one of {', '.join(CHANNELS)}."
        )
    return CHANNELS[color_mode]


def color_mode_of(channels: int) -> str:
    """Return the color mode of images with this number of channels.

    Raises:
        DatasetError: Image files do not have this number of channels.
    """
    for name, n in CHANNELS.items():
        if n == channels:
            return name
    raise DatasetError(
        f"input_shape has {channels} channels; images have 1 (grayscale), 3 (rgb) or 4 (rgba).",
        hint="Set my_model.color_mode if a function of your own changes the number of channels.",
    )


def checked_interpolation(name: str) -> str:
    """Return the name of a filter.

    Raises:
        DatasetError: There is not a filter of this name.
    """
    if name not in INTERPOLATIONS:
        near = did_you_mean(str(name), INTERPOLATIONS)
        raise DatasetError(
            f"interpolation is {name!r}. {near}".rstrip(), hint=f"It can be one of {', '.join(INTERPOLATIONS)}."
        )
    return name


def white_of(images: npt.NDArray[Any]) -> float:
    """Return the largest value that a channel of these images can have.

    Args:
        images: Integers, whose data type decides; or floats, which are from 0 to 1 if none is above 1, else to 255.
    """
    if images.dtype.kind in "iu":
        return float(np.iinfo(images.dtype).max) if images.dtype.itemsize <= 2 else 255.0
    return 1.0 if images.size and float(images.max()) <= 1 else 255.0
