"""Loudness: a clip louder or softer."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.ranges import Range, uniform


def draw(rng: np.random.Generator, n: int, span: Range | None) -> npt.NDArray[np.float64]:
    """[n] factors of the amplitude; 1 changes nothing."""
    return uniform(rng, n, span, 1.0)


def apply(clip: npt.NDArray[np.int16], factor: float) -> npt.NDArray[np.int16]:
    """int16 [samples], clipped where it gets too loud."""
    return np.clip(np.rint(clip.astype(np.float32) * np.float32(factor)), -32768, 32767).astype(np.int16)
