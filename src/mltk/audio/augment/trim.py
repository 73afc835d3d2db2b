"""Trim: cut silence off both ends.

As ``librosa.effects.trim`` does: the level of frames of 2,048 samples, 512 apart and centred, against the loudest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FRAME, HOP = 2048, 512


def power_between(
    clip: npt.NDArray[np.int16], starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Sum of squares of each stretch [n] of the clip, of which what lies outside of it counts nothing."""
    total = np.zeros(len(clip) + 1, np.float64)
    np.cumsum(np.square(clip, dtype=np.float32), out=total[1:])
    return total[np.minimum(stops, len(clip))] - total[np.clip(starts, 0, len(clip))]


def trim_bounds(clip: npt.NDArray[np.int16], threshold_db: float) -> tuple[int, int]:
    """``(start, stop)`` of what is kept; everything of a clip that is silent throughout.

    Args:
        clip: int16 [samples].
        threshold_db: below the loudest frame, positive.
    """
    centres = np.arange(0, len(clip) + 1, HOP)
    power = power_between(clip, centres - FRAME // 2, centres + FRAME // 2)
    loud = np.flatnonzero(power > power.max() * 10 ** (-threshold_db / 10))
    if len(loud) == 0:
        return 0, len(clip)
    return int(loud[0]) * HOP, min(len(clip), (int(loud[-1]) + 1) * HOP)


def apply(clip: npt.NDArray[np.int16], threshold_db: float) -> npt.NDArray[np.int16]:
    """The clip without its silent ends; a view."""
    start, stop = trim_bounds(clip, threshold_db)
    return clip[start:stop]
