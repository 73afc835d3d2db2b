"""Ends: a clip as another person or detector might have cut it, with more or less of a word's quiet ends.

Recordings of words are cut where they become louder than some level, by hand or by a speech detector. So a hiss or a
breath at the ends is missing in one dataset and present in another: the *s* of "six" is 20 to 40 dB below its vowel.
Here both ends are cut at random levels relative to the loudest part, measured in frames of 20 ms that are 5 ms apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.audio.augment.trim import power_between
from mltk.data.pipeline.ranges import Range, uniform

FRAME_MS, HOP_MS = 20, 5
LOWEST_DB = 60
"""Levels are whole decibels from 0 (the loudest frame) to this many dB below it."""
Table = npt.NDArray[np.int32]


def draw(rng: np.random.Generator, n: int, span: Range | None) -> tuple[npt.NDArray[np.float64], ...]:
    """Draw the levels where clips start and stop.

    Args:
        rng: Generator to draw from.
        n: Number of clips.
        span: Range of the levels, in dB below the loudest frame; None turns the effect off.

    Returns:
        [n] levels of the starts and [n] levels of the stops; 0 cuts nothing.
    """
    return uniform(rng, n, span, 0.0), uniform(rng, n, span, 0.0)


def table(clip: npt.NDArray[np.int16], sample_rate_hz: int) -> Table:
    """Find where a clip starts and stops at each level.

    Args:
        clip: int16 [samples].
        sample_rate_hz: Sample rate of the clip in Hz.

    Returns:
        int32 [LOWEST_DB + 1, 2]: First sample and end, for each level in dB. Level 0 is the whole clip.
    """
    frame, hop = max(1, sample_rate_hz * FRAME_MS // 1000), max(1, sample_rate_hz * HOP_MS // 1000)
    found = np.tile(np.array([0, len(clip)], np.int32), (LOWEST_DB + 1, 1))
    if len(clip) <= frame:
        return found
    starts = np.arange(0, len(clip) - frame + hop, hop)
    power = power_between(clip, starts, starts + frame)
    if power.max() <= 0:
        return found
    limits = power.max() * 10 ** (-np.arange(1, LOWEST_DB + 1) / 10)
    # The first frame that is as loud as a limit is the first frame whose running maximum is.
    first = np.searchsorted(np.maximum.accumulate(power), limits)
    last = len(power) - 1 - np.searchsorted(np.maximum.accumulate(power[::-1]), limits)
    found[1:, 0] = starts[first]
    found[1:, 1] = np.minimum(starts[last] + frame, len(clip))
    return found


def cut(
    tables: Table, start_db: npt.NDArray[np.float64], stop_db: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Look up where clips start and stop.

    Args:
        tables: int32 [n, LOWEST_DB + 1, 2]: Result of :func:`table` for each clip.
        start_db: [n] levels where the clips start, in dB below the loudest frame.
        stop_db: [n] levels where the clips stop.

    Returns:
        int32 [n] first samples and int32 [n] ends.
    """
    number = np.arange(len(tables))
    levels = [np.clip(np.rint(db), 0, LOWEST_DB).astype(int) for db in (start_db, stop_db)]
    return tables[number, levels[0], 0], tables[number, levels[1], 1]


def apply(clip: npt.NDArray[np.int16], sample_rate_hz: int, start_db: float, stop_db: float) -> npt.NDArray[np.int16]:
    """Cut the quiet ends off a clip.

    Args:
        clip: int16 [samples].
        sample_rate_hz: Sample rate of the clip in Hz.
        start_db: The clip starts where it first reaches this level, in dB below its loudest frame; 0 cuts nothing.
        stop_db: The clip stops where it last reaches this level.

    Returns:
        The part between, as a view.
    """
    (start,), (stop,) = cut(table(clip, sample_rate_hz)[None], np.array([start_db]), np.array([stop_db]))
    return clip[start:stop]
