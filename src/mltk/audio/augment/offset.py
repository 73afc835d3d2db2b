"""Offset: where a clip lies in a window of fixed length, padded with silence or cut."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: Range | None) -> npt.NDArray[np.float64]:
    """[n] shares, 0 to 1: of the silence that goes before the clip, or of what is cut off before it."""
    return uniform(rng, n, span, 0.0)


def apply(clip: npt.NDArray[np.int16], length: int, offset: float) -> npt.NDArray[np.int16]:
    """The clip in ``length`` samples: int16 [length]."""
    spare = length - len(clip)
    if spare < 0:
        start = int(-spare * offset)
        return clip[start : start + length].copy()
    out = np.zeros(length, clip.dtype)
    before = int(spare * offset)
    out[before : before + len(clip)] = clip
    return out
