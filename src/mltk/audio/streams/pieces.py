"""Recordings in two parts: what is chosen on one part is checked on the other.

Both parts must be like the whole, so they take turns every ten seconds. A cut is never within a keyword, or within the
time in which the keyword may be detected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Times: TypeAlias = npt.NDArray[np.int64]

LONGEST_PIECE_S = 10.0
"""A piece is not longer, unless keywords follow each other without a pause."""

FEWEST_PIECES = 40
"""Short audio has shorter pieces."""

ONE_OF = 4
"""The first part is one of this number of pieces, the second part is the others."""


@dataclass(frozen=True)
class Pieces:
    """A recording in pieces, some of which count.

    Attributes:
        edges_ms: int64 [pieces + 1]: Where the pieces begin, and the end of the last one.
        counts: bool [pieces]: Whether each piece counts.
    """

    edges_ms: Times
    counts: npt.NDArray[np.bool_]

    def contain(self, times_ms: Times) -> npt.NDArray[np.bool_]:
        """Return for each time whether it is in a piece that counts."""
        piece = np.searchsorted(self.edges_ms[1:-1], times_ms, side="right")
        return np.asarray(self.counts[piece], np.bool_)

    @property
    def seconds(self) -> float:
        """Length of the pieces that count, together."""
        return float(np.diff(self.edges_ms)[self.counts].sum()) / 1000

    def others(self) -> Pieces:
        """Return the same pieces, of which the others count."""
        return Pieces(self.edges_ms, ~self.counts)


def first_part(durations_s: Sequence[float], whole: Sequence[tuple[Times, Times]]) -> list[Pieces]:
    """Cut recordings into pieces, of which every fourth counts. The pieces of short recordings run on into the next.

    Args:
        durations_s: Length of each recording.
        whole: First and last times in ms of what is not cut, int64 [keywords] each, for each recording.

    Returns:
        The pieces of each recording.
    """
    piece_s = max(0.001, min(LONGEST_PIECE_S, sum(durations_s) / FEWEST_PIECES))
    found, before_s = [], 0.0
    for duration_s, (start_ms, until_ms) in zip(durations_s, whole, strict=True):
        first = int(before_s // piece_s)
        last = max(first + 1, math.ceil((before_s + duration_s) / piece_s))
        cuts = np.rint((np.arange(first + 1, last) * piece_s - before_s) * 1000).astype(np.int64)
        end = round(duration_s * 1000)
        edges = np.concatenate([[0], np.clip(_cuts_between(cuts, start_ms, until_ms), 0, end), [end]])
        found.append(Pieces(edges.astype(np.int64), np.arange(first, last) % ONE_OF == 0))
        before_s += duration_s
    return found


def _cuts_between(cuts_ms: Times, start_ms: Times, until_ms: Times) -> Times:
    """Return for each time the first time from then on that is not after a start and up to its end."""
    if not len(start_ms):
        return cuts_ms
    latest = np.maximum.accumulate(until_ms)
    alone = np.concatenate([[True], start_ms[1:] > latest[:-1]])  # all before it has ended
    starts, ends = start_ms[alone], latest[np.concatenate([alone[1:], [True]])]
    k = np.searchsorted(starts, cuts_ms, side="left") - 1
    return np.asarray(np.where((k >= 0) & (cuts_ms <= ends[k]), ends[k] + 1, cuts_ms), np.int64)
