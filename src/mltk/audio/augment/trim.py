"""Trim: cuts silence off both ends of a clip.

It does what ``librosa.effects.trim`` does: it compares the level of frames of 2,048 samples, which are centered 512
samples apart, with the level of the loudest frame.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FRAME, HOP = 2048, 512


def power_between(
    clip: npt.NDArray[np.int16], starts: npt.NDArray[np.int64], stops: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Compute the power of stretches of a clip.

    Args:
        clip: int16 [samples].
        starts: [n] first samples; may lie outside of the clip.
        stops: [n] ends; may lie outside of the clip.

    Returns:
        float64 [n]: Sum of squares of each stretch. Samples outside of the clip count as 0.
    """
    total = np.zeros(len(clip) + 1, np.float64)
    np.cumsum(np.square(clip, dtype=np.float32), out=total[1:])
    return total[np.minimum(stops, len(clip))] - total[np.clip(starts, 0, len(clip))]


def trim_bounds(clip: npt.NDArray[np.int16], threshold_db: float) -> tuple[int, int]:
    """Find the part of a clip between its silent ends.

    Args:
        clip: int16 [samples].
        threshold_db: Level of silence, in dB below the loudest frame; positive.

    Returns:
        First sample and end; the whole clip if all of it is silent.
    """
    centers = np.arange(0, len(clip) + 1, HOP)
    power = power_between(clip, centers - FRAME // 2, centers + FRAME // 2)
    loud = np.flatnonzero(power > power.max() * 10 ** (-threshold_db / 10))
    if len(loud) == 0:
        return 0, len(clip)
    return int(loud[0]) * HOP, min(len(clip), (int(loud[-1]) + 1) * HOP)


def apply(clip: npt.NDArray[np.int16], threshold_db: float) -> npt.NDArray[np.int16]:
    """Cut the silent ends off a clip.

    Args:
        clip: int16 [samples].
        threshold_db: Level of silence, in dB below the loudest frame; positive.

    Returns:
        The part between, as a view.
    """
    start, stop = trim_bounds(clip, threshold_db)
    return clip[start:stop]
