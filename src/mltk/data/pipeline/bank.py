"""Decoded samples of a dataset: each file is decoded once and then stays in memory.

Samples beyond the memory limit are kept in a temporary file that is mapped into memory. The file vanishes with the
process. A medium whose files are much smaller than its samples decodes these samples again instead.
"""

from __future__ import annotations

import logging
import mmap
import os
import tempfile
import threading
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO, Any, ClassVar

import numpy as np
import numpy.typing as npt

from mltk.errors import DatasetError

BLOCK_BYTES = 1 << 23
MOST_PASSING = 256
DEFAULT_MEMORY_LIMIT_BYTES = 2 << 30
_UNREAD, _READY, _UNREADABLE = 0, 1, 2
logger = logging.getLogger("mltk")


class UnreadableFileError(DatasetError):
    """A sample's file cannot be decoded; the message names the file."""


class BlockStore:
    """Memory for arrays that never move: blocks of memory, then blocks of a temporary file.

    Args:
        dtype: Data type of the arrays.
        memory_limit_bytes: Most bytes in memory; the rest goes to a temporary file.
        kind: Kind of the samples, for the log message.
        spills: Whether there is a temporary file; otherwise nothing is kept beyond the limit.
    """

    def __init__(self, dtype: npt.DTypeLike, memory_limit_bytes: int, kind: str, spills: bool = True) -> None:
        self._dtype = np.dtype(dtype)
        self._left = memory_limit_bytes
        self._spills = spills
        self._kind = kind
        self._block: npt.NDArray[Any] = np.empty(0, dtype)
        self._used = 0
        self._file: IO[bytes] | None = None
        self._kept: list[npt.NDArray[Any]] = []

    def keep(self, sample: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Copy an array into the store and return the copy; None if the store is full."""
        if self._used + sample.size > len(self._block):
            block = self._new_block(max(BLOCK_BYTES // self._dtype.itemsize, sample.size))
            if block is None:
                return None
            self._block = block
            self._kept.append(self._block)
            self._used = 0
        place = self._block[self._used : self._used + sample.size].reshape(sample.shape)
        place[...] = sample
        self._used += sample.size
        return place

    def _new_block(self, n: int) -> npt.NDArray[Any] | None:
        n_bytes = n * self._dtype.itemsize
        if n_bytes <= self._left:
            self._left -= n_bytes
            return np.empty(n, self._dtype)
        if not self._spills:
            return None
        if self._file is None:
            logger.info("The %s data exceeds its memory limit; the rest is kept in a temporary file.", self._kind)
            self._file = tempfile.TemporaryFile(prefix="mltk-samples-")  # noqa: SIM115 - lives as long as the store
            weakref.finalize(self, self._file.close)
        start = -(-os.fstat(self._file.fileno()).st_size // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
        self._file.truncate(start + n_bytes)
        return np.memmap(self._file, self._dtype, "r+", start, (n,))


class SampleBank(ABC):
    """Samples by index, decoded on first use. Several threads may use a bank at the same time.

    A medium derives from this class and defines :attr:`kind`, :attr:`dtype` and :meth:`decode`. It must also define
    ``__reduce__`` so that a pickled bank is decoded again in the process that loads it.

    Args:
        paths: Path of each file; None for a sample without a file.
        max_unreadable: Largest share of unreadable files. Unreadable files are named in the log and skipped. One
            unreadable file is always allowed, except if the share is 0.
        memory_limit_bytes: Most bytes of decoded samples in memory; the rest goes to a temporary file.

    Attributes:
        errors: Index of each unreadable file → error message.
    """

    kind: ClassVar[str]
    """Kind of the files in messages, for example ``"audio"``."""
    dtype: npt.DTypeLike
    """Data type of the decoded samples."""
    spills: ClassVar[bool] = True
    """Whether samples beyond the memory limit are kept in a temporary file; otherwise they are decoded again."""

    def __init__(
        self,
        paths: Sequence[str | None],
        *,
        max_unreadable: float = 0.05,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT_BYTES,
    ) -> None:
        self.paths = list(paths)
        self.max_unreadable = max_unreadable
        self.memory_limit_bytes = memory_limit_bytes
        self.errors: dict[int, str] = {}
        self._n_files = sum(path is not None for path in self.paths)
        self._store = BlockStore(self.dtype, memory_limit_bytes, self.kind, self.spills)
        self._passing: dict[int, npt.NDArray[Any]] = {}  # decoded by `ensure`, not kept, and needed next
        self._samples: list[npt.NDArray[Any] | None] = [None] * len(self.paths)
        self._state = np.zeros(len(self.paths), np.uint8)
        self._address = np.zeros(len(self.paths), np.uint64)
        self._lock = threading.Lock()

    @abstractmethod
    def decode(self, path: str | None) -> npt.NDArray[Any]:
        """Decode one file.

        Args:
            path: Path of the file; None for a sample without a file.

        Raises:
            UnreadableFileError: The file cannot be decoded.
        """

    def measure(self, index: int, sample: npt.NDArray[Any]) -> None:  # noqa: B027 - there may be nothing to store
        """Store what the medium needs to know about a decoded sample; nothing by default.

        Two threads that decode the same file may both call this, with equal samples.
        """

    def end_of_pass(self, last: bool) -> None:  # noqa: B027 - there may be nothing to report
        """Report what is wrong with the files; called when all samples of an epoch were decoded.

        Args:
            last: Whether to report at once. Otherwise the report may wait for other banks of the same generator.
        """

    def take_news(self) -> object:
        """Return what is to be reported and was found since the last call, in a form that can be pickled."""
        return None

    def add_news(self, news: object) -> None:  # noqa: B027 - there may be nothing to report
        """Add what :meth:`take_news` returned in a worker process."""

    def __len__(self) -> int:
        return len(self.paths)

    def ensure(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Decode the samples that are not decoded yet.

        Returns:
            bool [n]: Whether each sample is readable.

        Raises:
            DatasetError: More files than allowed are unreadable.
        """
        for index in indices[self._state[indices] == _UNREAD]:
            self._decode(int(index))
        return np.asarray(self._state[indices] == _READY)

    def ensure_all(self, threads: int = 2) -> npt.NDArray[np.bool_]:
        """Decode all samples, in several threads.

        Returns:
            bool [samples]: Whether each sample is readable.
        """
        parts = np.array_split(np.arange(len(self)), max(1, threads))
        with ThreadPoolExecutor(max(1, threads)) as pool:
            return np.concatenate([np.empty(0, bool), *pool.map(self.ensure, parts)])

    def put(self, index: int, sample: npt.NDArray[Any]) -> None:
        """Use ``sample`` for this index instead of a file. The array is not copied."""
        self.measure(index, sample)
        with self._lock:
            self._place(index, sample)

    def _decode(self, index: int) -> None:
        try:
            sample = self.decode(self.paths[index])
        except UnreadableFileError as error:
            self._report(index, error.message)
            return
        self.measure(index, sample)
        with self._lock:
            if self._state[index] == _UNREAD:  # otherwise another thread was faster
                kept = self._store.keep(sample)
                if kept is not None:
                    self._place(index, kept)
                else:
                    self._state[index] = _READY
                    if len(self._passing) < MOST_PASSING:
                        self._passing[index] = sample

    def _place(self, index: int, sample: npt.NDArray[Any]) -> None:
        self._samples[index] = sample
        self._address[index] = sample.ctypes.data if sample.size else 0
        self._state[index] = _READY

    def _report(self, index: int, message: str) -> None:
        """Log an unreadable file; raise DatasetError if there are too many."""
        with self._lock:
            if self._state[index] != _UNREAD:
                return
            self._state[index] = _UNREADABLE
            self.errors[index] = message
            unreadable = list(self.errors.values())
            allowed = max(1, self.max_unreadable * self._n_files) if self.max_unreadable else 0
            too_many = len(unreadable) > allowed or len(unreadable) == self._n_files
        if not too_many:
            logger.warning("Skipping %s", message)
        else:
            raise DatasetError(
                f"{len(unreadable)} of the {self._n_files} {self.kind} files can't be read, which is more than the "
                f"{self.max_unreadable:.1%} that may be skipped:\n  " + "\n  ".join(unreadable[:10]),
                hint="Repair or remove them, or raise max_unreadable of the data generator.",
            )

    def sample(self, index: int) -> npt.NDArray[Any]:
        """Return one decoded sample.

        Raises:
            DatasetError: The file is unreadable.
        """
        self.ensure(np.array([index]))
        sample = self._samples[index]
        if sample is not None:
            return sample
        if index in self.errors:
            raise DatasetError(self.errors[index])
        passing = self._passing.pop(index, None)
        return self.decode(self.paths[index]) if passing is None else passing

    def samples(self, indices: npt.NDArray[np.int64]) -> list[npt.NDArray[Any]]:
        """Return decoded samples.

        Raises:
            DatasetError: A file is unreadable.
        """
        found = [self._samples[i] for i in indices.tolist()]
        return [self.sample(i) if x is None else x for i, x in zip(indices.tolist(), found, strict=True)]

    def shapes(self, indices: npt.NDArray[np.int64]) -> list[tuple[int, ...]]:
        """Return the shape of each decoded sample."""
        return [sample.shape for sample in map(self._samples.__getitem__, indices) if sample is not None]

    def addresses(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.uint64]:
        """Return uint64 [n]: the address of each decoded sample, for C code; 0 for an empty sample."""
        return np.asarray(self._address[indices])
