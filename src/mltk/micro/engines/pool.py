"""The samples of one model, computed in one process or spread over several.

A process that is free takes the next chunk of samples. So it does not matter that a child process needs a third of a
second to start, or that another program uses one of the cores.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from mltk.errors import RuntimeFailure
from mltk.micro.engines.process import TRUST_HINT, UNTRUSTED_ANSWER_BYTES, ChildRuntime, WorkerProcess, Workers
from mltk.tflite.graph import Graph

Array = np.ndarray[Any, np.dtype[Any]]  # NDArray[Any]; numpy.typing takes 10 ms to import
# What starting a child costs (interpreter, NumPy, engine), roughly. It must save twice this time.
SPAWN_S = 0.35
# A chunk takes about this long: short for balance and progress, long compared with what sending it costs.
CHUNK_S = 0.25
CHUNK_BYTES = 32 << 20
# A chunk that takes less than this is not worth sending.
_LEAST_CHUNK_S = 0.02


class LoadedModel(Protocol):
    """A model that is loaded into an engine, in this process or in a child."""

    engine: str
    description: str

    def run(self, inputs: Sequence[Array], progress: Callable[[int], None] | None = None) -> list[Array]:
        """Compute samples; ``progress`` is called with the number of samples just computed."""


@dataclass(frozen=True)
class Job:
    """A model, its samples, and how to run it.

    Attributes:
        graph: The model.
        inputs: One array for each model input, first axis = samples, checked against the model.
        reset_between_samples: Whether to forget the model's state after each sample.
        trusted: Whether native code may run the model in this process.
        processes: The most processes that compute at once, this one included.
        children: Where child processes come from, and where they go afterwards.
        timeout_s: Seconds after which a child that does not answer is stopped.
        progress: Is called with the number of samples just computed.
    """

    graph: Graph
    inputs: list[Array]
    reset_between_samples: bool
    trusted: bool
    processes: int
    children: Workers
    timeout_s: float
    progress: Callable[[int], None] | None

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.inputs[0])

    def part(self, chosen: slice | Array) -> Job:
        """Return the same job with the chosen samples only."""
        return replace(self, inputs=[x[chosen] for x in self.inputs])

    def load_in(self, worker: WorkerProcess, engine: str) -> ChildRuntime:
        """Load the model into an engine of a child."""
        return ChildRuntime(worker, self.graph.data, engine, reset_between_samples=self.reset_between_samples)


class Pool:
    """Computes the samples of a job; a context manager that returns or stops its child processes.

    One thread drives each child. The thread only waits for the pipe, so it does not hold Python's lock while this
    process computes too.

    Args:
        job: The job.
        runtime: The model, loaded in this process or in a child.

    Attributes:
        n_processes: Number of processes that computed.
    """

    def __init__(self, job: Job, runtime: LoadedModel) -> None:
        self.n_processes = 1
        self._job, self._runtime = job, runtime
        self._workers: list[WorkerProcess] = []
        self._next, self._lock = 0, threading.Lock()
        self._results: dict[int, list[Array]] = {}
        self._errors: list[BaseException] = []
        self._bytes_per_sample = max(1, sum(x[:1].nbytes for x in job.inputs))

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for worker in self._workers:
            if kind is None:
                self._job.children.give_back(worker)
            else:  # its thread may be about to send it another chunk
                worker.close()

    def compute(self) -> list[Array]:
        """Compute all samples.

        Returns:
            One array for each model output, first axis = samples.

        Raises:
            RuntimeFailure: The model failed, or its outputs are too large or of different shapes.
        """
        seconds_per_sample = self._compute_alone()
        if self._next < self._job.n:
            self._compute_together(seconds_per_sample)
        return _join([self._results[i] for i in sorted(self._results)])

    def _compute_alone(self) -> float:
        """Compute with the loaded model as long as more processes would not gain; return the seconds per sample."""
        job, start, most = self._job, time.perf_counter(), self._job.n
        while True:
            first = self._next
            self._next += max(1, min(job.n - first, first, most))  # 1, 1, 2, 4, 8, …
            self._results[first] = self._runtime.run([x[first : self._next] for x in job.inputs], job.progress)
            seconds_per_sample = (time.perf_counter() - start) / self._next
            if not job.trusted:
                _check_size(self._results[0], job.n)
                # A child must answer within the timeout.
                most = min(int(CHUNK_S / max(seconds_per_sample, 1e-9)), CHUNK_BYTES // self._bytes_per_sample)
            left_s = seconds_per_sample * (job.n - self._next)
            if self._next >= job.n or (job.processes > 1 and left_s * (1 - 1 / job.processes) > 2 * SPAWN_S):
                return seconds_per_sample

    def _compute_together(self, seconds_per_sample: float) -> None:
        """Compute what is left with the loaded model and with children."""
        job = self._job
        self.n_processes = max(1, min(job.processes, job.n - self._next))
        for _ in range(self.n_processes - 1):
            self._workers.append(job.children.take(job.timeout_s))
        threads = [threading.Thread(target=self._drive, args=(w,), daemon=True) for w in self._workers]
        for thread in threads:
            thread.start()
        self._compute_chunks(self._runtime, seconds_per_sample)
        for thread in threads:
            thread.join()
        if self._errors:
            raise self._errors[0]

    def _drive(self, worker: WorkerProcess) -> None:
        try:
            self._compute_chunks(self._job.load_in(worker, self._runtime.engine), None)
        except (RuntimeFailure, MemoryError) as e:
            with self._lock:
                self._errors.append(e)
                self._next = self._job.n + 1  # nothing is left to take
            for other in self._workers:
                other.kill()

    def _compute_chunks(self, runtime: LoadedModel, seconds_per_sample: float | None) -> None:
        """Take and compute chunks until none is left."""
        while (chunk := self._take(seconds_per_sample)) is not None:
            start = time.perf_counter()
            outputs = runtime.run([x[chunk] for x in self._job.inputs])
            n = chunk.stop - chunk.start
            seconds_per_sample = (time.perf_counter() - start) / n
            with self._lock:
                self._results[chunk.start] = outputs
                if self._job.progress is not None:
                    self._job.progress(n)

    def _take(self, seconds_per_sample: float | None) -> slice | None:
        with self._lock:
            left = self._job.n - self._next
            if left <= 0:
                return None
            per_second = 1 / CHUNK_S if seconds_per_sample is None else 1 / max(seconds_per_sample, 1e-9)
            fair = left // (2 * self.n_processes)  # smaller towards the end, so that all processes end together
            fair = max(1, fair, int(_LEAST_CHUNK_S * per_second))
            size = min(max(1, int(CHUNK_S * per_second)), fair, max(1, CHUNK_BYTES // self._bytes_per_sample), left)
            taken = slice(self._next, self._next + size)
            self._next += size
            return taken


def _check_size(first: list[Array], n: int) -> None:
    """Refuse outputs of ``n`` samples that would be too large, judged by the outputs of the first sample."""
    n_bytes = sum(y.nbytes for y in first) * n
    if n_bytes > UNTRUSTED_ANSWER_BYTES:
        raise RuntimeFailure(
            f"The outputs of {n} samples take {n_bytes:,} bytes, and {UNTRUSTED_ANSWER_BYTES:,} are allowed.",
            hint=TRUST_HINT,
        )


def _join(chunks: Sequence[list[Array]]) -> list[Array]:
    """Concatenate the outputs of all chunks."""
    try:
        return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]
    except ValueError as e:
        raise RuntimeFailure(f"The model's outputs change their shape from sample to sample: {e}") from e
