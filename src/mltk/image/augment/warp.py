"""Rotation, shift, shear, zoom and flips in one step: the matrices are multiplied, and the image is sampled once."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

from mltk.errors import SettingError, did_you_mean
from mltk.image.augment.opencv import opencv

FILL_MODES = {
    "nearest": "BORDER_REPLICATE",
    "constant": "BORDER_REPLICATE",
    "reflect": "BORDER_REFLECT",
    "wrap": "BORDER_WRAP",
}
"""What is outside of an image, by the name in MLTK 0.20 → OpenCV's name."""
_MOST_CHANNELS = 4  # of an image that OpenCV can move
_TINY = 1e-6  # pixels: less is a rounding error
_ORDERS = {0: "INTER_NEAREST", 1: "INTER_LINEAR", 2: "INTER_CUBIC", 3: "INTER_CUBIC"}


def check_fill_mode(name: str) -> str:
    """Return ``name``.

    Raises:
        SettingError: It is not one of :data:`FILL_MODES`.
    """
    if name not in FILL_MODES:
        near = did_you_mean(str(name), list(FILL_MODES))
        raise SettingError(f"fill_mode is {name!r}. {near}".rstrip(), hint=f"It can be one of {', '.join(FILL_MODES)}.")
    return name


def matrices(
    theta: npt.NDArray[np.float64],
    shifts: npt.NDArray[np.float64],
    shear: npt.NDArray[np.float64],
    zooms: npt.NDArray[np.float64],
    flips: npt.NDArray[np.bool_],
    sizes: npt.NDArray[np.int32],
) -> npt.NDArray[np.float64]:
    """Return the matrices that map a pixel (x, y, 1) of each changed image to its place in the image.

    Args:
        theta: float64 [n]: Rotations in degrees.
        shifts: float64 [n, 2]: Shifts (x, y) in pixels; positive values move the image to the left and up.
        shear: float64 [n]: Shear in degrees.
        zooms: float64 [n, 2]: Zoom (x, y); values above 1 make the image smaller.
        flips: bool [n, 2]: Whether to flip (x, y).
        sizes: int32 [n, 2] or [2]: (height, width) of the images.

    Returns:
        float64 [n, 2, 3].
    """
    c, s = np.cos(np.radians(theta)), np.sin(np.radians(theta))
    k, m = -np.sin(np.radians(shear)), np.cos(np.radians(shear))
    # rotation @ shear, whose second column is (c k - s m, s k + c m)
    linear = np.stack([np.stack([c, c * k - s * m], -1), np.stack([s, s * k + c * m], -1)], -2)
    linear = linear * (zooms * np.where(flips, -1.0, 1.0))[:, np.newaxis, :]
    moved = np.stack([c * shifts[:, 0] - s * shifts[:, 1], s * shifts[:, 0] + c * shifts[:, 1]], -1)
    center = np.broadcast_to((sizes[..., ::-1] - 1) / 2, moved.shape)
    offset = center + moved - (linear @ center[..., np.newaxis])[..., 0]
    return np.concatenate([linear, offset[..., np.newaxis]], axis=2)


def are_identities(matrices: npt.NDArray[np.float64]) -> list[bool]:
    """Return whether each of the matrices [n, 2, 3] changes nothing."""
    same: list[bool] = (matrices == ((1, 0, 0), (0, 1, 0))).all(axis=(1, 2)).tolist()
    return same


@functools.cache
def _flags(order: int, border: str) -> dict[str, int]:
    """Return the arguments of OpenCV's functions; to find them takes as long as to move a small image."""
    cv2 = opencv()
    return {
        "flags": getattr(cv2, _ORDERS.get(order, "INTER_LINEAR")) | cv2.WARP_INVERSE_MAP,
        "borderMode": getattr(cv2, FILL_MODES[border]),
    }


def apply(
    image: npt.NDArray[np.float32],
    matrix: npt.NDArray[np.float64],
    out: npt.NDArray[np.float32],
    fill_mode: str = "nearest",
    cval: float = 0.0,
    order: int = 1,
) -> None:
    """Sample an image once.

    Args:
        image: float32 [height, width, channels].
        matrix: float64 [2, 3]; see :func:`matrices`.
        out: Memory for the result, of the shape of ``image``.
        fill_mode: What is outside of the image, one of :data:`FILL_MODES`.
        cval: Value outside of the image for ``"constant"``.
        order: 0 takes the nearest pixel, 1 is bilinear, 3 is bicubic.
    """
    height, width, channels = image.shape
    if channels > _MOST_CHANNELS:
        for k in range(0, channels, _MOST_CHANNELS):
            part = np.empty((height, width, len(range(k, min(channels, k + _MOST_CHANNELS)))), np.float32)
            apply(np.ascontiguousarray(image[..., k : k + _MOST_CHANNELS]), matrix, part, fill_mode, cval, order)
            out[..., k : k + _MOST_CHANNELS] = part
        return
    border = "nearest" if fill_mode == "constant" else fill_mode
    flat = out[..., 0] if channels == 1 else out
    opencv().warpAffine(image, matrix, (width, height), dst=flat, **_flags(order, border))
    if fill_mode == "constant":
        out[_outside(matrix, height, width)] = cval


def _outside(matrix: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.bool_]:
    """Return bool [height, width]: which pixels come from outside of the image.

    OpenCV would mix the pixels at the edge with ``cval``; SciPy, and so MLTK 0.20, does not.
    """
    x, y = np.arange(width), np.arange(height)[:, np.newaxis]
    outside = np.zeros((height, width), bool)
    for row, size in zip(matrix, (width, height), strict=True):
        place = row[0] * x + (row[1] * y + row[2])
        outside |= (place < -_TINY) | (place > size - 1 + _TINY)
    return outside
