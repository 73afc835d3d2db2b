"""Speed: makes a clip faster or slower at the same pitch.

The method is WSOLA: Verhelst and Roelands, "An overlap-add technique based on waveform similarity (WSOLA) for high
quality time-scale modification of speech", ICASSP 1993. The C code is in ``mltk/native/stretch.c``.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.audio.augment._native import effects_for_rate
from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: Range | None) -> npt.NDArray[np.float64]:
    """Draw factors of the speed.

    Args:
        rng: Generator to draw from.
        n: Number of clips.
        span: Range of the factors; None turns the effect off.

    Returns:
        [n] factors: above 1 is faster, 1 changes nothing.
    """
    return uniform(rng, n, span, 1.0)


def apply(clip: npt.NDArray[np.int16], sample_rate_hz: int, factor: float) -> npt.NDArray[np.int16]:
    """Change the speed of a clip.

    Args:
        clip: int16 [samples].
        sample_rate_hz: Sample rate of the clip in Hz.
        factor: Factor of the speed.

    Returns:
        int16 [samples / factor].
    """
    return effects_for_rate(sample_rate_hz).warp(clip, speed=factor)
