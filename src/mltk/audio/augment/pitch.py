"""Pitch: a clip higher or lower at the same speed.

It is resampled, which changes both, by a 16-tap windowed sinc, and then stretched back by WSOLA (see speed.py). In C,
in ``mltk/native/resample.c``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.audio.augment._native import effects_for_rate
from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: tuple[float, float] | None) -> npt.NDArray[np.float64]:
    """[n] semitones, 0 changing nothing.

    As in MLTK 0.20, integers are semitones, whole ones, both ends included; floats are octaves, (-0.5, 0.5) being
    six semitones down to six up.
    """
    if span is None or not is_whole(span):
        octaves = uniform(rng, n, span, 0.0)
        return octaves * 12
    return np.floor(uniform(rng, n, (span[0], span[1] + 1)))


def is_whole(span: Range) -> bool:
    """Whether a range is given in semitones."""
    return all(isinstance(v, (int, np.integer)) for v in span)


def ratio(semitones: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The ratio of frequencies that semitones are."""
    return np.asarray(2.0 ** (np.asarray(semitones, np.float64) / 12))


def apply(clip: npt.NDArray[np.int16], sample_rate_hz: int, semitones: float) -> npt.NDArray[np.int16]:
    """int16 [samples]."""
    return effects_for_rate(sample_rate_hz).warp(clip, pitch=float(ratio(semitones)))
