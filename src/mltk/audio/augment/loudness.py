"""Loudness: makes a clip louder or softer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: Range | None) -> npt.NDArray[np.float64]:
    """Draw factors of the amplitude.

    Args:
        rng: Generator to draw from.
        n: Number of clips.
        span: Range of the factors; None turns the effect off.

    Returns:
        [n] factors; 1 changes nothing.
    """
    return uniform(rng, n, span, 1.0)


def apply(clip: npt.NDArray[np.int16], factor: float) -> npt.NDArray[np.int16]:
    """Multiply a clip by a factor.

    Args:
        clip: int16 [samples].
        factor: Factor of the amplitude.

    Returns:
        int16 [samples], clipped where it is too loud.
    """
    louder = np.clip(np.rint(clip.astype(np.float32) * np.float32(factor)), -32768, 32767)
    return np.asarray(louder, np.int16)
