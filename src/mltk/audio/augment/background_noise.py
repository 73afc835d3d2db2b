"""Background noise: a random piece of a recording, mixed into a clip."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.ranges import Range, uniform


def draw(
    rng: np.random.Generator, n: int, n_recordings: int, span: Range | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Draw a piece of a recording for each clip.

    Args:
        rng: Generator to draw from.
        n: Number of clips.
        n_recordings: Number of recordings to choose from.
        span: Range of the factors of the amplitude; None turns the effect off.

    Returns:
        [n] indices of the recordings, [n] factors of their amplitude (0 changes nothing), and [n] places to start, as
        shares of the recording's length.
    """
    chosen = rng.random(n)
    factors = uniform(rng, n, span if n_recordings else None, 0.0)
    return (chosen * max(1, n_recordings)).astype(np.int64), factors, rng.random(n)


def apply(
    clip: npt.NDArray[np.int16], recording: npt.NDArray[np.int16], factor: float, start: float = 0.0
) -> npt.NDArray[np.int16]:
    """Mix a recording into a clip. At its end, the recording starts again.

    Args:
        clip: int16 [samples].
        recording: int16 [any number of samples].
        factor: Factor of the recording's amplitude; 1 is as loud as recorded.
        start: Place in the recording to start at, as a share of its length.

    Returns:
        int16 [samples].
    """
    first = int(start * len(recording))
    part = recording[(first + np.arange(len(clip))) % len(recording)].astype(np.float32)
    mixed = clip.astype(np.float32) + part * np.float32(factor)
    return np.clip(np.rint(mixed), -32768, 32767).astype(np.int16)
