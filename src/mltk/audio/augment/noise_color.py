"""Colored noise: white, pink, brown, blue or violet, relative to the level of the clip.

The power is proportional to the frequency to the power of 0 (white), -1 (pink), -2 (brown), 1 (blue) or 2 (violet).
"""

from __future__ import annotations

import threading
from functools import cache

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.ranges import Range, uniform
from mltk.errors import SettingError, did_you_mean

COLORS = ("white", "brown", "blue", "pink", "violet")
_EXPONENT = {"white": 0, "brown": -2, "blue": 1, "pink": -1, "violet": 2}
TABLE_SAMPLES = 1 << 18
TABLE_LEVEL = 4096.0
"""Root mean square of :func:`noise`, in steps of int16."""


def check_colors(colors: object) -> tuple[str, ...]:
    """Return the names of noise colors.

    Args:
        colors: ``'all'``, ``'none'``, None, a name, or a list of names.

    Raises:
        SettingError: A name is not a noise color.
    """
    if colors is None or colors == "none":
        return ()
    if colors == "all":
        return COLORS
    names = (colors,) if isinstance(colors, str) else tuple(colors)  # type: ignore[arg-type]  # checked by name below
    for name in names:
        if name not in COLORS:
            raise SettingError(
                f"noise_colors: {name!r} is not a noise color. {did_you_mean(str(name), COLORS)}".rstrip(),
                hint=f"It can be a list of {', '.join(COLORS)}; or 'all', or None.",
            )
    return names


_making = threading.Lock()


def noise(color: str) -> npt.NDArray[np.int16]:
    """Return noise of a color: the same array for each call.

    Args:
        color: One of :data:`COLORS`.

    Returns:
        int16 [262144] with a root mean square of 4,096.
    """
    with _making:  # C code keeps the address: two threads must not make two arrays
        return _noise(color)


@cache
def _noise(color: str) -> npt.NDArray[np.int16]:
    rng = np.random.default_rng(COLORS.index(color))
    spectrum = np.fft.rfft(rng.standard_normal(TABLE_SAMPLES))
    frequency = np.maximum(np.arange(len(spectrum)), TABLE_SAMPLES / 1024)  # flat at the lowest frequencies
    spectrum *= frequency ** (_EXPONENT[color] / 2)
    spectrum[0] = 0
    samples = np.fft.irfft(spectrum)
    samples *= TABLE_LEVEL / np.sqrt(np.mean(samples**2))
    table = np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
    table.flags.writeable = False
    return table


def draw(
    rng: np.random.Generator, n: int, colors: tuple[str, ...], span: Range | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Draw a noise for each clip.

    Args:
        rng: Generator to draw from.
        n: Number of clips.
        colors: Colors to choose from.
        span: Range of the noise's level, as a share of the clip's level; None turns the effect off.

    Returns:
        [n] indices into ``colors``, [n] factors of the level (0 changes nothing), and [n] first samples of the noise.
    """
    chosen = rng.random(n)
    factors = uniform(rng, n, span if colors else None, 0.0)
    starts = rng.random(n)
    return (
        (chosen * max(1, len(colors))).astype(np.int64),
        factors,
        (starts * TABLE_SAMPLES).astype(np.int64),
    )


def apply(
    clip: npt.NDArray[np.int16], color: str, factor: float, start: int = 0, level: float | None = None
) -> npt.NDArray[np.int16]:
    """Mix noise into a clip.

    Args:
        clip: int16 [samples].
        color: One of :data:`COLORS`.
        factor: Root mean square of the noise, as a share of the clip's: 1 is a signal-to-noise ratio of 0 dB, 0.1 is
            20 dB.
        start: First sample of the noise.
        level: Level to use instead of the clip's root mean square, in steps of int16.

    Returns:
        int16 [samples].
    """
    if level is None:
        level = float(np.sqrt(np.mean(np.square(clip, dtype=np.float32)))) if len(clip) else 0.0
    table = noise(color)
    part = table[(start + np.arange(len(clip))) % len(table)].astype(np.float32)
    mixed = clip.astype(np.float32) + part * np.float32(factor * level / TABLE_LEVEL)
    return np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
