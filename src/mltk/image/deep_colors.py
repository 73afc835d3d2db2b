"""Color images with 16 bits. Pillow reads 8 of them; OpenCV reads all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.image.augment.opencv import opencv

if TYPE_CHECKING:
    from PIL import Image, ImageFile

Plane = npt.NDArray[np.float32]
_WHITE = 65535
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow
_ORIENTATION = 0x0112  # of EXIF
_UPRIGHT: dict[int, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, 1),
}
"""EXIF orientation → what turns [height, width, channels] upright."""


def has_deep_colors(image: ImageFile.ImageFile) -> bool:
    """Return whether a file has colors with 16 bits; call it before Pillow loads the pixels."""
    if image.mode not in ("RGB", "RGBA", "LA"):
        return False
    maxima = [part for tile in image.tile if tile[0] == "ppm" for part in tile[3] or () if isinstance(part, int)]
    return ";16" in str(image.tile) or max(maxima, default=0) > 255


def read_deep_colors(
    path: str, image: Image.Image, channels: int, resized: Callable[[Image.Image], Image.Image]
) -> npt.NDArray[np.float32] | None:
    """Read a color image with 16 bits, turned upright.

    Args:
        path: Image file.
        image: The same file, which Pillow has loaded.
        channels: Number of channels: 1, 3 or 4.
        resized: Changes the size of an image of mode ``F``.

    Returns:
        float32 [height, width, channels] from 0 to 65535; None if OpenCV does not read 16 bits of this file.
    """
    from PIL import Image

    pixels = opencv().imdecode(np.fromfile(path, np.uint8), opencv().IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        return None
    upright = _UPRIGHT.get(image.getexif().get(_ORIENTATION, 1), np.asarray)(pixels)
    blue, green, red, *alpha = np.moveaxis(upright.astype(np.float32), 2, 0)
    if channels == 1:
        planes = [np.float32(_LUMA[0]) * red + np.float32(_LUMA[1]) * green + np.float32(_LUMA[2]) * blue]
    else:
        planes = [red, green, blue]
    if channels == 4:
        return _with_alpha(planes, alpha[0] if alpha else np.full_like(red, _WHITE), resized)
    return np.stack([np.asarray(resized(Image.fromarray(plane))) for plane in planes], 2)


def _with_alpha(colors: list[Plane], alpha: Plane, resized: Callable[[Image.Image], Image.Image]) -> Plane:
    """Change the size so that pixels count as much as they are opaque, as Pillow does."""
    from PIL import Image

    opacity = alpha / np.float32(_WHITE)
    planes = [*(color * opacity for color in colors), alpha]
    made = np.stack([np.asarray(resized(Image.fromarray(plane))) for plane in planes], 2)
    made[..., :3] /= np.maximum(made[..., 3:] / _WHITE, np.finfo(np.float32).tiny)
    return made
