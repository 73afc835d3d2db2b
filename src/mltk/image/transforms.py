"""What is drawn for the images of a batch: one value of each effect for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.ranges import Range, uniform
from mltk.errors import SettingError
from mltk.image.augment import color, warp

Floats = npt.NDArray[np.float64]
Shift = float | int | Sequence[float]
"""Shares of the size if all values are below 1, else pixels; see :func:`draw_shift`."""


class Ranges(NamedTuple):
    """The ranges that parameters are drawn from; None is no effect."""

    rotation: float = 0.0
    width_shift: Shift = 0.0
    height_shift: Shift = 0.0
    shear: float = 0.0
    zoom: Range | None = None
    channel_shift: float = 0.0
    brightness: Range | None = None
    contrast: Range | None = None
    horizontal_flip: bool = False
    vertical_flip: bool = False
    noise: tuple[str, ...] = ()


def check_shift(name: str, shift: object) -> Shift:
    """Check a range of shifts.

    Raises:
        SettingError: The value is neither a number nor a list of numbers.
    """
    try:
        values = np.asarray(shift, np.float64)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.ndim > 1 or not values.size or not np.isfinite(values).all():
        raise SettingError(f"{name} is {shift!r}; it must be a share below 1, a number of pixels, or a list of either.")
    return shift  # type: ignore[return-value]  # checked above


def draw_shift(rng: np.random.Generator, n: int, shift: Shift, size: int | npt.NDArray[np.int32]) -> Floats:
    """Draw shifts in pixels, with both signs.

    Args:
        rng: Generator to draw from.
        n: Number of shifts.
        shift: A float is the largest shift. An integer ``k`` allows the whole numbers below ``k``. A list has the
            possible shifts. If all are below 1, they are shares of ``size``.
        size: Width or height of the images in pixels: one number, or int32 [n].

    Returns:
        float64 [n].
    """
    drawn, sign = rng.random(n), rng.random(n)
    values = np.atleast_1d(np.asarray(shift))
    if np.ndim(shift) == 0 and not np.issubdtype(values.dtype, np.integer):
        chosen = (2 * drawn - 1) * float(values[0])
    else:
        allowed = np.arange(max(1, int(values[0]))) if np.ndim(shift) == 0 else values
        chosen = allowed[(drawn * len(allowed)).astype(int)] * np.where(sign < 0.5, -1.0, 1.0)
    return np.asarray(chosen * size if values.max() < 1 else chosen, np.float64)


@dataclass
class Transforms:
    """The drawn parameters of n images, under the names of MLTK 0.20.

    Attributes:
        theta: float64 [n]: Rotation in degrees.
        tx: float64 [n]: Shift along the width in pixels.
        ty: float64 [n]: Shift along the height in pixels.
        shear: float64 [n]: Shear in degrees.
        zx: float64 [n]: Zoom of the width.
        zy: float64 [n]: Zoom of the height.
        flip_horizontal: bool [n]: Whether left and right are exchanged.
        flip_vertical: bool [n]: Whether top and bottom are exchanged.
        channel_shift_intensity: float64 [n]: Value that is added; NaN is no effect.
        brightness: float64 [n]: Factor; NaN is no effect.
        contrast: float64 [n]: Factor; NaN is no effect.
        noise: Kind of noise of each image; None is no noise.
        seeds: uint32 [n]: Seed of the noise.
    """

    theta: Floats
    tx: Floats
    ty: Floats
    shear: Floats
    zx: Floats
    zy: Floats
    flip_horizontal: npt.NDArray[np.bool_]
    flip_vertical: npt.NDArray[np.bool_]
    channel_shift_intensity: Floats
    brightness: Floats
    contrast: Floats
    noise: list[str | None]
    seeds: npt.NDArray[np.uint32]

    @classmethod
    def none(cls, n: int) -> Transforms:
        """Return parameters for ``n`` images that change nothing."""
        zero, one, nan, no = np.zeros(n), np.ones(n), np.full(n, np.nan), np.zeros(n, bool)
        return cls(zero, zero, zero, zero, one, one, no, no, nan, nan, nan, [None] * n, np.zeros(n, np.uint32))

    @classmethod
    def draw(cls, rng: np.random.Generator, n: int, ranges: Ranges, sizes: npt.NDArray[np.int32]) -> Transforms:
        """Draw the parameters of ``n`` images.

        Args:
            rng: Generator to draw from.
            n: Number of images.
            ranges: What to draw from.
            sizes: int32 [n, 2] or [2]: (height, width) of the images.
        """
        theta = uniform(rng, n, (-ranges.rotation, ranges.rotation))
        tx = draw_shift(rng, n, ranges.width_shift, sizes[..., 1])
        ty = draw_shift(rng, n, ranges.height_shift, sizes[..., 0])
        shear = uniform(rng, n, (-ranges.shear, ranges.shear))
        zx, zy = (uniform(rng, n, ranges.zoom, 1.0) for _ in range(2))
        flips = rng.random((2, n)) < 0.5
        intensity = uniform(rng, n, (-ranges.channel_shift, ranges.channel_shift) if ranges.channel_shift else None)
        brightness = uniform(rng, n, ranges.brightness, np.nan)
        contrast = uniform(rng, n, ranges.contrast, np.nan)
        kinds = (rng.random(n) * max(1, len(ranges.noise))).astype(int)
        return cls(
            theta,
            tx,
            ty,
            shear,
            zx,
            zy,
            flips[0] & ranges.horizontal_flip,
            flips[1] & ranges.vertical_flip,
            intensity if ranges.channel_shift else np.full(n, np.nan),
            brightness,
            contrast,
            [ranges.noise[k] for k in kinds] if ranges.noise else [None] * n,
            rng.integers(0, 2**31 - 1, n).astype(np.uint32),
        )

    def matrices(self, sizes: npt.NDArray[np.int32]) -> Floats:
        """Return float64 [n, 2, 3]: the geometry of each image; see :func:`mltk.image.augment.warp.matrices`.

        Args:
            sizes: int32 [n, 2]: (height, width) of the images.
        """
        return warp.matrices(
            self.theta,
            np.stack([self.tx, self.ty], -1),
            self.shear,
            np.stack([self.zx, self.zy], -1),
            np.stack([self.flip_horizontal, self.flip_vertical], -1),
            sizes,
        )

    def color_changes(self) -> npt.NDArray[Any]:
        """Return what is done to the colors of each image; see :func:`mltk.image.augment.color.change_colors`."""
        return color.color_changes(self.channel_shift_intensity, self.brightness, self.contrast, self.noise, self.seeds)

    def as_dict(self, i: int) -> dict[str, Any]:
        """Return the parameters of one image by their names in MLTK 0.20, and ``seed``."""
        return {
            **{name: float(getattr(self, name)[i]) for name in ("theta", "tx", "ty", "shear", "zx", "zy")},
            "flip_horizontal": bool(self.flip_horizontal[i]),
            "flip_vertical": bool(self.flip_vertical[i]),
            "channel_shift_intensity": _without_nan(self.channel_shift_intensity[i]),
            "brightness": _without_nan(self.brightness[i]),
            "contrast": _without_nan(self.contrast[i]),
            "noise": self.noise[i],
            "seed": int(self.seeds[i]),
        }

    @classmethod
    def from_dict(cls, params: Mapping[str, Any], seed: int) -> Transforms:
        """Return the transforms of one image from the dict that :meth:`as_dict` returned.

        Args:
            params: Parameters; a missing name or None is no effect.
            seed: Seed of the noise, if ``params`` has none.
        """
        made = cls.none(1)
        for name in ("theta", "tx", "ty", "shear", "zx", "zy", "channel_shift_intensity", "brightness", "contrast"):
            if params.get(name) is not None:
                setattr(made, name, np.array([float(params[name])]))
        for name in ("flip_horizontal", "flip_vertical"):
            setattr(made, name, np.array([bool(params.get(name))]))
        made.noise = [params.get("noise")]
        made.seeds = np.array([params.get("seed", seed)], np.uint32)
        return made


def _without_nan(value: np.float64) -> float | None:
    return None if np.isnan(value) else float(value)
