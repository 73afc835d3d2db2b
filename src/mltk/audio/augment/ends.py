"""Ends: a clip that somebody else might have cut out, who heard less or more of a word's quiet ends.

Recordings of words are cut where they become louder than some level, by hand or by a detector of speech, and a hiss
or a breath at the ends is lost in one data set and kept in the other: the *s* of "six" is 20 to 40 dB below its vowel.
Here both ends are cut at levels that are drawn, relative to the loudest part, in frames of 20 ms that are 5 ms apart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.audio.augment.trim import power_between
from mltk.data.pipeline.ranges import Range, uniform

FRAME_MS, HOP_MS = 20, 5
LOWEST_DB = 60
"""Levels are whole decibels from 0, the loudest frame, to this far below it."""
Table = npt.NDArray[np.int32]


def draw(rng: np.random.Generator, n: int, span: Range | None) -> tuple[npt.NDArray[np.float64], ...]:
    """[n] levels of the beginnings and [n] of the ends, in dB below the loudest frame; 0 cuts nothing."""
    return uniform(rng, n, span, 0.0), uniform(rng, n, span, 0.0)


def table(clip: npt.NDArray[np.int16], sample_rate_hz: int) -> Table:
    """Where a clip begins and stops: int32 [LOWEST_DB + 1, 2], of each level; that of 0 dB is the whole clip.

    Args:
        clip: int16 [samples].
        sample_rate_hz: of the clip.
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
    # The first frame that is as loud as a limit is the first whose running maximum is.
    first = np.searchsorted(np.maximum.accumulate(power), limits)
    last = len(power) - 1 - np.searchsorted(np.maximum.accumulate(power[::-1]), limits)
    found[1:, 0] = starts[first]
    found[1:, 1] = np.minimum(starts[last] + frame, len(clip))
    return found


def cut(
    tables: Table, start_db: npt.NDArray[np.float64], stop_db: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """``(start, stop)`` in samples, [n] each, of clips with ``tables`` [n, LOWEST_DB + 1, 2]."""
    number = np.arange(len(tables))
    levels = [np.clip(np.rint(db), 0, LOWEST_DB).astype(int) for db in (start_db, stop_db)]
    return tables[number, levels[0], 0], tables[number, levels[1], 1]


def apply(clip: npt.NDArray[np.int16], sample_rate_hz: int, start_db: float, stop_db: float) -> npt.NDArray[np.int16]:
    """The clip from where it reaches ``start_db`` below its loudest frame to where it last does ``stop_db``; a view."""
    (start,), (stop,) = cut(table(clip, sample_rate_hz)[None], np.array([start_db]), np.array([stop_db]))
    return clip[start:stop]
