"""Pitch: makes a clip higher or lower at the same speed.

The clip is resampled by a 16-tap windowed sinc, which changes pitch and speed. Then WSOLA changes the speed back; see
speed.py. The C code is in ``mltk/native/resample.c``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.audio.augment._native import effects_for_rate
from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: tuple[float, float] | None) -> npt.NDArray[np.float64]:
    """Draw changes of the pitch.

    Args:
        rng: Generator to draw from.
        n: Number of clips.
        span: Range of the changes, as in MLTK 0.20. Integers are semitones; then whole semitones are drawn, both ends
            included. Floats are octaves: (-0.5, 0.5) is six semitones down to six semitones up. None turns the effect
            off.

    Returns:
        [n] semitones; 0 changes nothing.
    """
    if span is None or not is_whole(span):
        octaves = uniform(rng, n, span, 0.0)
        return octaves * 12
    return np.floor(uniform(rng, n, (span[0], span[1] + 1)))


def is_whole(span: Range) -> bool:
    """Return whether a range is given in semitones."""
    return all(isinstance(v, (int, np.integer)) for v in span)


def ratio(semitones: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Convert semitones to a ratio of frequencies."""
    return np.asarray(2.0 ** (np.asarray(semitones, np.float64) / 12))


def apply(clip: npt.NDArray[np.int16], sample_rate_hz: int, semitones: float) -> npt.NDArray[np.int16]:
    """Change the pitch of a clip.

    Args:
        clip: int16 [samples].
        sample_rate_hz: Sample rate of the clip in Hz.
        semitones: Change of the pitch; above 0 is higher.

    Returns:
        int16 [samples].
    """
    return effects_for_rate(sample_rate_hz).warp(clip, pitch=float(ratio(semitones)))
