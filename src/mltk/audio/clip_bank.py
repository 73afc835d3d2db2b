"""Decoded audio clips: each file is read, resampled and trimmed once, then stays in memory as int16.

One second of audio at 16 kHz takes 32 kB.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.augment import ends
from mltk.audio.augment.trim import trim_bounds
from mltk.audio.files import read_audio_int16
from mltk.audio.findings import Findings
from mltk.data.pipeline.bank import DEFAULT_MEMORY_LIMIT_BYTES, SampleBank


def root_mean_square(clip: npt.NDArray[np.int16]) -> float:
    """Return the level of a clip: the root mean square of int16 [samples], in steps of int16; 0 for an empty clip."""
    return float(np.sqrt(np.mean(np.square(clip, dtype=np.float32)))) if len(clip) else 0.0


class ClipBank(SampleBank):
    """Audio clips by index: int16 [samples].

    Args:
        paths: Path of each file; None for silence, a clip without samples.
        sample_rate_hz: Sample rate in Hz that the clips are resampled to.
        trim_threshold_db: Cut off both ends what is this many dB below the loudest part; 0 cuts nothing.
        max_unreadable: Largest share of unreadable files; see :class:`~mltk.data.pipeline.bank.SampleBank`.
        memory_limit_bytes: Most bytes of decoded audio in memory; the rest goes to a temporary file.
        with_ends: Measure the quiet ends of each clip, so that :meth:`cut` can cut them.
        findings: Receives what is wrong with the files.
    """

    kind = "audio"
    dtype = np.int16

    def __init__(
        self,
        paths: Sequence[str | None],
        sample_rate_hz: int,
        *,
        trim_threshold_db: float = 0,
        max_unreadable: float = 0.05,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT_BYTES,
        with_ends: bool = False,
        findings: Findings | None = None,
    ) -> None:
        super().__init__(paths, max_unreadable=max_unreadable, memory_limit_bytes=memory_limit_bytes)
        self.sample_rate_hz = sample_rate_hz
        self.trim_threshold_db = trim_threshold_db
        self._length = np.zeros(len(self), np.int32)
        self._level = np.zeros(len(self), np.float32)
        self._ends = np.zeros((len(self) if with_ends else 0, ends.LOWEST_DB + 1, 2), np.int32)
        self.findings = Findings() if findings is None else findings

    @classmethod
    def of(cls, clips: Sequence[npt.NDArray[np.int16]], sample_rate_hz: int, *, with_ends: bool = False) -> ClipBank:
        """Return a bank of clips that are already decoded.

        Args:
            clips: int16 [samples] for each clip.
            sample_rate_hz: Sample rate of the clips in Hz.
            with_ends: Measure the quiet ends of each clip.
        """
        bank = cls([None] * len(clips), sample_rate_hz, with_ends=with_ends)
        for i, clip in enumerate(clips):
            bank.put(i, np.ascontiguousarray(clip, np.int16))
        return bank

    def __reduce__(self) -> tuple[Any, ...]:
        make = partial(
            ClipBank,
            trim_threshold_db=self.trim_threshold_db,
            max_unreadable=self.max_unreadable,
            memory_limit_bytes=self.memory_limit_bytes,
            with_ends=len(self._ends) > 0,
            findings=self.findings,
        )
        return make, (self.paths, self.sample_rate_hz)

    def decode(self, path: str | None) -> npt.NDArray[np.int16]:
        """Read, resample and trim one file: int16 [samples]."""
        if path is None:
            return np.empty(0, np.int16)
        clip, _ = read_audio_int16(path, self.sample_rate_hz, self.findings)
        return trimmed(clip, self.trim_threshold_db)

    def measure(self, index: int, sample: npt.NDArray[np.int16]) -> None:
        """Store the length, the level and the quiet ends of a clip."""
        self._length[index], self._level[index] = len(sample), root_mean_square(sample)
        if len(self._ends):
            self._ends[index] = ends.table(sample, self.sample_rate_hz)

    def end_of_pass(self, last: bool) -> None:
        """Report what is wrong with the files, if all banks of the generator had their first pass, or at once."""
        self.findings.finished(self, wait=not last)

    def take_news(self) -> object:
        """Return what was found and is not reported yet."""
        return self.findings.hand_over()

    def add_news(self, news: object) -> None:
        """Add what a copy of this bank in another process found."""
        if isinstance(news, dict):
            self.findings.add_news(news)

    def lengths(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Return int32 [n]: the number of samples of each decoded clip."""
        return np.asarray(self._length[indices])

    def levels(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Return float32 [n]: the root mean square of each decoded clip, in steps of int16."""
        return np.asarray(self._level[indices])

    def cut(
        self, indices: npt.NDArray[np.int64], start_db: npt.NDArray[np.float64], stop_db: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
        """Cut the ends of decoded clips at a level. A bank without measured ends cuts nothing.

        Args:
            indices: int64 [n]: The clips.
            start_db: float64 [n]: Level where each clip starts, in dB below its loudest part.
            stop_db: float64 [n]: Level where each clip stops.

        Returns:
            uint64 [n] addresses of the first sample, and int32 [n] numbers of samples.
        """
        if not len(self._ends):
            return self.addresses(indices), self.lengths(indices)
        starts, stops = ends.cut(self._ends[indices], start_db, stop_db)
        return self.addresses(indices) + (2 * starts).astype(np.uint64), stops - starts


def trimmed(clip: npt.NDArray[np.int16], threshold_db: float) -> npt.NDArray[np.int16]:
    """Return the part of a clip between its quiet ends, as a view.

    Args:
        clip: int16 [samples].
        threshold_db: Cut off what is this many dB below the loudest part; 0 cuts nothing.
    """
    if not threshold_db or not len(clip):
        return clip
    start, stop = trim_bounds(clip, threshold_db)
    return clip[start:stop]
