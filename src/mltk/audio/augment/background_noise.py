"""Background noise: a random piece of a recording, mixed in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.ranges import Range, uniform


def draw(
    rng: np.random.Generator, n: int, n_recordings: int, span: Range | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """([n] numbers of the recording, [n] factors of its amplitude, [n] places to start, shares of its length)."""
    chosen = rng.random(n)
    factors = uniform(rng, n, span if n_recordings else None, 0.0)
    return (chosen * max(1, n_recordings)).astype(np.int64), factors, rng.random(n)


def apply(
    clip: npt.NDArray[np.int16], recording: npt.NDArray[np.int16], factor: float, start: float = 0.0
) -> npt.NDArray[np.int16]:
    """The clip with the recording from share ``start`` of its length on, over and over; 1 is as loud as recorded."""
    first = int(start * len(recording))
    part = recording[(first + np.arange(len(clip))) % len(recording)].astype(np.float32)
    mixed = clip.astype(np.float32) + part * np.float32(factor)
    return np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
