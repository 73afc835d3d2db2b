"""Samples spread over worker processes, besides the one that has the model loaded already.

Whoever is free takes the next chunk, so it doesn't matter that workers need a third of a second to start, or that
another program uses one of the cores.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mltk.errors import RuntimeFailure
from mltk.micro.engines.process import ChildRuntime, WorkerProcess, Workers
from mltk.micro.engines.runtimes import Runtime

# A chunk takes about this long: short for balance and progress, long against what sending it costs.
CHUNK_S = 0.25
CHUNK_BYTES = 32 << 20
# Nor is one worth sending that takes less than this.
_LEAST_CHUNK_S = 0.02


@dataclass(frozen=True)
class Work:
    """``inputs``: one array per model input, first axis = samples, all checked against the model.

    ``children``: where the workers come from, and go to afterwards.
    """

    model: bytes
    engine: str
    inputs: list[np.ndarray]
    reset_between_samples: bool
    children: Workers
    timeout_s: float
    progress: Callable[[int], None] | None

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.inputs[0])


class Pool:
    """Computes the samples of ``work`` from ``first`` on; a context manager that ends its workers whatever happens.

    One thread drives each worker; it only waits for the pipe, so the GIL is free for this process's own part.
    """

    def __init__(self, work: Work, first: int = 0) -> None:
        self.work = work
        self.n_processes = 0
        self._workers: list[WorkerProcess] = []
        self._next, self._lock = first, threading.Lock()
        self._results: dict[int, list[np.ndarray]] = {}
        self._errors: list[BaseException] = []
        self._bytes_per_sample = max(1, sum(x[:1].nbytes for x in work.inputs))

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for worker in self._workers:
            if kind is None:
                self.work.children.give_back(worker)
            else:  # its thread may be about to give it another chunk
                worker.close()

    def run(self, processes: int, runtime: Runtime | ChildRuntime, seconds_per_sample: float) -> list[list[np.ndarray]]:
        """Outputs of all chunks in order.

        ``processes``: that compute, counting that of ``runtime``: the model loaded already, here or in a child, which
        takes ``seconds_per_sample``.
        """
        self.n_processes = max(1, min(processes, self.work.n - self._next))
        for _ in range(self.n_processes - 1):
            self._workers.append(self.work.children.take(self.work.timeout_s))
        threads = [threading.Thread(target=self._drive, args=(w,), daemon=True) for w in self._workers]
        for thread in threads:
            thread.start()
        self._compute(lambda inputs: runtime.run(inputs), seconds_per_sample)
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]
        return [self._results[i] for i in sorted(self._results)]

    def _drive(self, worker: WorkerProcess) -> None:
        try:
            worker.load(self.work.model, self.work.engine, reset_between_samples=self.work.reset_between_samples)
            self._compute(lambda inputs: worker.request({"task": "run"}, inputs)[1], None)
        except (RuntimeFailure, MemoryError) as e:
            with self._lock:
                self._errors.append(e)
                self._next = self.work.n + 1  # nothing more to take
            for other in self._workers:
                other.kill()

    def _compute(self, run: Callable[[list[np.ndarray]], list[np.ndarray]], seconds_per_sample: float | None) -> None:
        """Take and compute chunks until none is left."""
        while (chunk := self._take(seconds_per_sample)) is not None:
            start = time.perf_counter()
            outputs = run([x[chunk] for x in self.work.inputs])
            n = chunk.stop - chunk.start
            seconds_per_sample = (time.perf_counter() - start) / n
            with self._lock:
                self._results[chunk.start] = outputs
                if self.work.progress is not None:
                    self.work.progress(n)

    def _take(self, seconds_per_sample: float | None) -> slice | None:
        with self._lock:
            left = self.work.n - self._next
            if left <= 0:
                return None
            per_second = 1 / CHUNK_S if seconds_per_sample is None else 1 / max(seconds_per_sample, 1e-9)
            fair = left // (2 * self.n_processes)  # towards the end smaller, so that all finish together
            fair = max(1, fair, int(_LEAST_CHUNK_S * per_second))
            size = min(max(1, int(CHUNK_S * per_second)), fair, max(1, CHUNK_BYTES // self._bytes_per_sample), left)
            taken = slice(self._next, self._next + size)
            self._next += size
            return taken
