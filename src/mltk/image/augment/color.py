"""Shifts of the channels, brightness, contrast and noise, for all images of a batch in one call of C code.

The order is that of MLTK 0.20. An alpha channel keeps its values, except in a shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.image.augment import noise
from mltk.image.augment._native import COLORS, load

Floats = npt.NDArray[np.float64]
_SHIFT, _BRIGHTNESS, _CONTRAST = 1, 2, 4  # MLTK_IMAGE_... of images.h


def color_changes(
    shift: Floats, brightness: Floats, contrast: Floats, kinds: Sequence[str | None], seeds: npt.NDArray[np.uint32]
) -> npt.NDArray[Any]:
    """Return what :func:`change_colors` does to each image. NaN is no effect.

    Args:
        shift: float64 [n]: Added to all channels. Values stay between the smallest and the largest of the image.
        brightness: float64 [n]: Factor of each value; 1 changes nothing, 0 is black.
        contrast: float64 [n]: Factor of the distance to the mean brightness; 1 changes nothing, 0 is gray.
        kinds: Kind of the noise of each image, see :data:`mltk.image.augment.noise.KINDS`; None is no noise.
        seeds: uint32 [n]: Seed of the noise.

    Returns:
        ``COLORS`` [n], without the images.
    """
    changes = np.zeros(len(kinds), COLORS)
    steps = changes["steps"]
    for step, name, values in (
        (_SHIFT, "shift", shift),
        (_BRIGHTNESS, "brightness", brightness),
        (_CONTRAST, "contrast", contrast),
    ):
        changes[name] = values
        steps |= np.where(np.isnan(values), 0, step).astype(np.int32)
    changes["noise"] = [noise.CODES[kind] for kind in kinds]
    changes["seed"] = seeds
    return changes


def change_colors(
    images: Sequence[npt.NDArray[np.float32]] | npt.NDArray[np.float32], changes: npt.NDArray[Any], white: float
) -> None:
    """Change the colors of images in place, and add noise.

    Args:
        images: float32 [n, height, width, channels], or n images [height, width, channels], without gaps.
        changes: ``COLORS`` [n]: What :func:`color_changes` returned.
        white: Largest value of a channel. Brightness and contrast limit the values to 0 to ``white``.

    Raises:
        ImageEffectsUnavailableError: The C code was not compiled.
        MemoryError: There is no memory for the colors of an image with alpha.
        ValueError: An image has another data type, or gaps.
    """
    chosen = np.flatnonzero(changes["steps"] | changes["noise"])
    if not len(chosen):
        return
    ffi, lib = load()
    changes = changes[chosen]
    changes["pixels"] = _addresses(images)[chosen]
    shapes = np.array([images[i].shape for i in chosen.tolist()])
    changes["n_pixels"], changes["n_channels"] = shapes[:, 0] * shapes[:, 1], shapes[:, 2]
    status = lib.mltk_images_change_colors(
        ffi.cast("const mltk_image_colors *", changes.ctypes.data), len(changes), white
    )
    if status != 0:
        raise MemoryError("There is no memory for augmenting images.")


def _addresses(images: Sequence[npt.NDArray[np.float32]] | npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    parts = [images] if isinstance(images, np.ndarray) else images
    if not all(part.dtype == np.float32 and part.flags.c_contiguous for part in parts):
        raise ValueError("The images must be float32 without gaps.")
    if isinstance(images, np.ndarray):
        return images.ctypes.data + np.arange(len(images), dtype=np.uint64) * np.uint64(images[0].nbytes)
    return np.array([image.ctypes.data for image in images], np.uint64)
