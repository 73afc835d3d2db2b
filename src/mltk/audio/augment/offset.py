"""Offset: where a clip lies in a window of fixed length, padded with silence or cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: Range | None) -> npt.NDArray[np.float64]:
    """Draw offsets.

    Args:
        rng: Generator to draw from.
        n: Number of clips.
        span: Range of the offsets, 0 to 1; None turns the effect off.

    Returns:
        [n] shares, 0 to 1: of the padding before a short clip, or of the excess that is cut off before a long clip.
    """
    return uniform(rng, n, span, 0.0)


def apply(clip: npt.NDArray[np.int16], length: int, offset: float) -> npt.NDArray[np.int16]:
    """Pad or cut a clip.

    Args:
        clip: int16 [samples].
        length: Length of the result in samples.
        offset: Share of the padding before the clip, or of the excess that is cut off before it; 0 to 1.

    Returns:
        int16 [length].
    """
    spare = length - len(clip)
    if spare < 0:
        start = int(-spare * offset)
        return clip[start : start + length].copy()
    out = np.zeros(length, clip.dtype)
    before = int(spare * offset)
    out[before : before + len(clip)] = clip
    return out
