"""Batches that are made ahead, while training runs; each batch depends only on the epoch and its index.

So the batches do not depend on the number of threads, nor on the order of requests, and a resumed training gets the
same batches.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from itertools import count, islice
from typing import Any

from mltk.workers.script_loading import stop_if_loading_script


def number_of_workers(cores: float) -> int:
    """Return a number of workers.

    Args:
        cores: Number of workers, or a share of the processor's cores if below 1; a negative number is all cores.
    """
    available = os.cpu_count() or 1
    if isinstance(cores, float) and 0 < cores < 1:
        return max(1, round(cores * available))
    return available if cores < 0 else max(1, int(cores))


class EpochBatches:
    """Base of datasets whose batches are made by ``batch(epoch, index)``, in any order.

    It is a sequence (``x[i]`` is a batch of the current epoch) and an iterator (``for batch in x`` is one epoch; the
    next loop is the next epoch). Threads make the next batches ahead.

    Args:
        samples: Number of samples.
        batch_size: Samples in a batch; the last batch of an epoch may be smaller.
        workers: Threads that make batches.
        max_batches_pending: Batches that are made ahead.
    """

    def __init__(self, samples: int, batch_size: int, *, workers: int = 1, max_batches_pending: int = 4) -> None:
        stop_if_loading_script()
        self.n = self.samples = samples
        self.batch_size = batch_size
        self.epoch = 0
        self._workers = workers
        self._pending = max(1, max_batches_pending)
        self._ahead: dict[tuple[int, int], Future[Any]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._endless: Iterator[Any] | None = None
        self._given = 0
        self._shutdowns = 0

    def batch(self, epoch: int, index: int) -> Any:
        """Return batch ``index`` of an epoch: ``x``, or ``(x, y)``."""
        raise NotImplementedError

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return -(-self.samples // self.batch_size)

    @property
    def num_batches(self) -> int:
        """Number of batches of an epoch, under Keras' name."""
        return len(self)

    def stream(self, first_batch: int = 0, n_batches: int | None = None) -> Iterator[Any]:
        """Yield batches of one epoch after the other, made ahead.

        Args:
            first_batch: Number of batches to skip, counted over all epochs.
            n_batches: Number of batches to yield; None is endless.
        """
        steps = len(self)
        numbers: Iterator[int] = count(first_batch) if steps else iter(())
        if n_batches is not None:
            numbers = islice(numbers, n_batches)
        waiting: deque[Future[Any]] = deque()
        shutdowns = self._shutdowns
        with ThreadPoolExecutor(self._workers, thread_name_prefix="batches") as pool:
            try:
                for number in numbers:
                    if shutdowns != self._shutdowns:
                        return
                    waiting.append(pool.submit(self._batch_unless_shut_down, shutdowns, *divmod(number, steps)))
                    if len(waiting) > self._pending:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _batch_unless_shut_down(self, shutdowns: int, epoch: int, index: int) -> Any:
        """Make a batch, except if :meth:`shutdown` was called since: it must not restart what that stopped."""
        if shutdowns != self._shutdowns:
            raise CancelledError
        return self.batch(epoch, index)

    def __getitem__(self, index: int) -> Any:
        """Return a batch of the current epoch, and start to make the next batches."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"Batch {index} does not exist; there are {len(self)} batches.")
        index %= len(self)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="batches")
        wanted = [(self.epoch, i) for i in range(index, min(index + self._pending, len(self)))]
        for key in [key for key in self._ahead if key not in wanted]:
            self._ahead.pop(key).cancel()
        for key in wanted:
            if key not in self._ahead:
                self._ahead[key] = self._pool.submit(self._batch_unless_shut_down, self._shutdowns, *key)
        return self._ahead.pop(wanted[0]).result()

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        if self._endless is None:
            self._endless = self.stream(self.epoch * len(self))
        if self._given == len(self):
            self._given = 0
            self.epoch += 1
            raise StopIteration
        self._given += 1
        return next(self._endless)

    def on_epoch_end(self) -> None:
        """Continue with the next epoch."""
        self.epoch += 1

    def reset(self) -> None:
        """Start again with the first batch of the first epoch."""
        self.shutdown()
        self.epoch = 0

    def shutdown(self) -> None:
        """Stop the threads and all streams. The threads start again when a batch is requested."""
        self._shutdowns += 1
        if self._endless is not None:
            self._endless.close()  # type: ignore[attr-defined]
            self._endless = None
            self._given = 0
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
        self._ahead.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None, "_ahead": {}, "_endless": None}
