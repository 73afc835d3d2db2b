"""Decoded clips, kept: each file is read, resampled and trimmed once, then lies in memory as int16.

16 kHz speech takes 32 kB a second. What goes beyond the memory limit is kept in a file that is mapped into memory
and vanishes with the process.
"""

from __future__ import annotations

import logging
import mmap
import os
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.augment import ends
from mltk.audio.augment.trim import trim_bounds
from mltk.audio.files import AudioFileError, read_audio_int16
from mltk.errors import DatasetError

BLOCK_SAMPLES = 1 << 22
DEFAULT_MEMORY_LIMIT_BYTES = 2 << 30
_UNREAD, _READY, _UNREADABLE = 0, 1, 2
logger = logging.getLogger("mltk")


def root_mean_square(clip: npt.NDArray[np.int16]) -> float:
    """Level of int16 [samples], in steps of int16; 0 without samples."""
    return float(np.sqrt(np.mean(np.square(clip, dtype=np.float32)))) if len(clip) else 0.0


class _Store:
    """Where samples are kept: blocks of memory, then of a temporary file."""

    def __init__(self, memory_limit_bytes: int) -> None:
        self._left = memory_limit_bytes
        self._block = np.empty(0, np.int16)
        self._used = 0
        self._file: Any = None
        self._kept: list[npt.NDArray[np.int16]] = []

    def keep(self, clip: npt.NDArray[np.int16]) -> npt.NDArray[np.int16]:
        """A copy of the clip that stays where it is."""
        if self._used + len(clip) > len(self._block):
            self._block = self._new_block(max(BLOCK_SAMPLES, len(clip)))
            self._kept.append(self._block)
            self._used = 0
        place = self._block[self._used : self._used + len(clip)]
        place[:] = clip
        self._used += len(clip)
        return place

    def _new_block(self, n: int) -> npt.NDArray[np.int16]:
        if 2 * n <= self._left:
            self._left -= 2 * n
            return np.empty(n, np.int16)
        if self._file is None:
            logger.info("The audio is larger than its memory limit; the rest is kept in a temporary file.")
            self._file = tempfile.TemporaryFile(prefix="mltk-audio-")  # noqa: SIM115 - lives as long as the bank
        start = -(-os.fstat(self._file.fileno()).st_size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        self._file.truncate(start + 2 * n)
        return np.memmap(self._file, np.int16, "r+", start, (n,))


class ClipBank:
    """Clips by index, decoded when first asked for; any number of threads may ask.

    Args:
        paths: of the files; None is silence, a clip of no samples.
        sample_rate_hz: that the clips are resampled to.
        trim_threshold_db: cut off both ends what is this far below the loudest part; 0 cuts nothing.
        max_unreadable: share of the files that may be unreadable; these are named and passed over. One always may,
            unless it is 0.
        memory_limit_bytes: of decoded audio in memory; more goes into a temporary file.
        with_ends: keep where each clip becomes how loud, for :meth:`cut`.
    """

    def __init__(
        self,
        paths: Sequence[str | None],
        sample_rate_hz: int,
        *,
        trim_threshold_db: float = 0,
        max_unreadable: float = 0.05,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT_BYTES,
        with_ends: bool = False,
    ) -> None:
        self.paths = list(paths)
        self.sample_rate_hz = sample_rate_hz
        self.errors: dict[int, str] = {}
        self._trim_db = trim_threshold_db
        self._max_unreadable = max_unreadable
        self._memory_limit_bytes = memory_limit_bytes
        self._n_files = sum(path is not None for path in self.paths)
        self._store = _Store(memory_limit_bytes)
        self._clips: list[npt.NDArray[np.int16] | None] = [None] * len(self.paths)
        self._state = np.zeros(len(self.paths), np.uint8)
        self._address = np.zeros(len(self.paths), np.uint64)
        self._length = np.zeros(len(self.paths), np.int32)
        self._level = np.zeros(len(self.paths), np.float32)
        self._ends = np.zeros((len(self.paths) if with_ends else 0, ends.LOWEST_DB + 1, 2), np.int32)
        self._low_rates: set[int] = set()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.paths)

    def __reduce__(self) -> tuple[Any, ...]:
        limits = (self._max_unreadable, self._memory_limit_bytes)
        return _bank, (self.paths, self.sample_rate_hz, self._trim_db, *limits, len(self._ends) > 0)

    def ensure(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Decode what isn't yet; gives for each index whether it is readable.

        Raises:
            DatasetError: more files than allowed are unreadable.
        """
        for index in indices[self._state[indices] == _UNREAD]:
            self._decode(int(index))
        return self._state[indices] == _READY

    def ensure_all(self, threads: int = 2) -> npt.NDArray[np.bool_]:
        """Decode everything; gives for each clip whether it is readable."""
        parts = np.array_split(np.arange(len(self)), max(1, threads))
        with ThreadPoolExecutor(max(1, threads)) as pool:
            return np.concatenate([np.empty(0, bool), *pool.map(self.ensure, parts)])

    def _decode(self, index: int) -> None:
        path = self.paths[index]
        try:
            clip, rate = self._read(path)
        except AudioFileError as error:
            self._report(index, error.message)
            return
        if rate < self.sample_rate_hz:
            self._report_rate(str(path), rate)
        if self._trim_db and len(clip):
            start, stop = trim_bounds(clip, self._trim_db)
            clip = clip[start:stop]
        level = root_mean_square(clip)
        table = ends.table(clip, self.sample_rate_hz) if len(self._ends) else None
        with self._lock:
            if self._state[index] != _UNREAD:  # another thread was faster
                return
            kept = self._store.keep(clip)
            self._clips[index] = kept
            self._address[index] = kept.ctypes.data if len(kept) else 0
            self._length[index], self._level[index] = len(kept), level
            if table is not None:
                self._ends[index] = table
            self._state[index] = _READY

    def _read(self, path: str | None) -> tuple[npt.NDArray[np.int16], int]:
        return (
            (np.empty(0, np.int16), self.sample_rate_hz)
            if path is None
            else read_audio_int16(path, self.sample_rate_hz)
        )

    def _report_rate(self, path: str, rate: int) -> None:
        """Say once of each rate that there is nothing in the upper frequencies of such files."""
        with self._lock:
            if rate in self._low_rates:
                return
            self._low_rates.add(rate)
        logger.warning(
            "%s is of %d Hz, and maybe others too: resampled to %d Hz, it holds nothing above %d Hz.",
            path,
            rate,
            self.sample_rate_hz,
            rate // 2,
        )

    def _report(self, index: int, message: str) -> None:
        with self._lock:
            if self._state[index] != _UNREAD:
                return
            self._state[index] = _UNREADABLE
            self.errors[index] = message
            unreadable = list(self.errors.values())
        logger.warning("Skipping %s", message)
        allowed = max(1, self._max_unreadable * self._n_files) if self._max_unreadable else 0
        if len(unreadable) > allowed or len(unreadable) == self._n_files:
            raise DatasetError(
                f"{len(unreadable)} of the {self._n_files} audio files can't be read, which is more than the "
                f"{self._max_unreadable:.1%} that may be skipped:\n  " + "\n  ".join(unreadable[:10]),
                hint="Repair or remove them, or raise max_unreadable of the data generator.",
            )

    def clip(self, index: int) -> npt.NDArray[np.int16]:
        """One clip: int16 [samples]."""
        self.ensure(np.array([index]))
        clip = self._clips[index]
        if clip is None:
            raise DatasetError(self.errors[index])
        return clip

    def addresses(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        """Where the samples of decoded clips lie."""
        return self._address[indices]

    def lengths(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
        """Number of samples of decoded clips."""
        return self._length[indices]

    def cut(
        self, indices: npt.NDArray[np.int64], start_db: npt.NDArray[np.float64], stop_db: npt.NDArray[np.float64]
    ) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32]]:
        """Where the samples of decoded clips lie and how many they are, the ends cut off at these levels."""
        if not len(self._ends):
            return self._address[indices], self._length[indices]
        starts, stops = ends.cut(self._ends[indices], start_db, stop_db)
        return self._address[indices] + (2 * starts).astype(np.uint64), stops - starts

    def levels(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """Root mean square of decoded clips, in steps of int16."""
        return self._level[indices]


def _bank(
    paths: Sequence[str | None], rate_hz: int, trim_db: float, max_unreadable: float, limit: int, with_ends: bool
) -> ClipBank:
    """A bank anew, in another process."""
    return ClipBank(
        paths,
        rate_hz,
        trim_threshold_db=trim_db,
        max_unreadable=max_unreadable,
        memory_limit_bytes=limit,
        with_ends=with_ends,
    )
