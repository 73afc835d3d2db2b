"""MLTK 0.20's ``ProcessPool``: a function called in several processes."""

from __future__ import annotations

import logging
import os
import pickle
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from mltk.data.functions.process import FunctionProcesses
from mltk.data.pipeline.epochs import number_of_workers
from mltk.errors import MltkError, RuntimeFailure


def calculate_n_jobs(n_jobs: float = -1) -> int:
    """How many processes ``n_jobs`` means: a number, a share of the cores from 0 to 1, or -1 for all cores."""
    if isinstance(n_jobs, float) and 0 < n_jobs <= 1:
        return max(1, round(n_jobs * (os.cpu_count() or 1)))
    return number_of_workers(n_jobs)


class ProcessPoolBatch:
    """Calls whose results are waited for together."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._futures: list[Future[Any]] = []

    def add(self, future: Future[Any]) -> None:
        """Take in one more call."""
        self._futures.append(future)

    def wait(self, timeout: float | None = None) -> list[Any]:
        """What all calls gave, in their order."""
        return [future.result(timeout) for future in self._futures]


class ProcessPool:
    """Calls ``entry_point`` in ``n_jobs`` processes.

    Args:
        entry_point: a function at the top level of a module or script.
        n_jobs: see :func:`calculate_n_jobs`.
        name: for messages.
        start: start the processes now, not with the first call.
        debug: call the function in this process.
        env: more environment variables for the processes.
        disable_gpu_in_subprocesses: hide GPUs from them.
        logger: taken for 0.20's sake.
    """

    def __init__(
        self,
        entry_point: Callable,
        n_jobs: float = -1,
        name: str = "ProcessPool",
        start: bool = True,
        debug: bool = False,
        env: Mapping[str, str] | None = None,
        disable_gpu_in_subprocesses: bool = True,
        logger: logging.Logger | None = None,
    ) -> None:
        self._entry_point, self._debug, self._env = entry_point, debug, dict(env or {})
        self._disable_gpu = disable_gpu_in_subprocesses
        self.name, self.n_jobs = name, calculate_n_jobs(n_jobs)
        self.detected_subprocess_error = False
        self._processes: FunctionProcesses | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()
        if start:
            self.start()

    @property
    def is_running(self) -> bool:
        """Whether it was started and not shut down."""
        return self._threads is not None

    def start(self) -> None:
        """Start the processes.

        Raises:
            RuntimeFailure: the function is none that a process can find by name.
        """
        with self._starting:
            if self._threads is not None:
                return
            if not self._debug:
                try:
                    self._processes = FunctionProcesses(self._entry_point, self.n_jobs, self._env, self._disable_gpu)
                except (pickle.PicklingError, AttributeError, TypeError) as error:
                    raise RuntimeFailure(
                        f"{self.name}: the function can't be called in another process: {error}.",
                        hint="Define it at the top level of a module or of the script.",
                    ) from None
            self._threads = ThreadPoolExecutor(self.n_jobs, thread_name_prefix=self.name)

    def create_batch(self, size: int) -> ProcessPoolBatch:
        """Something to collect ``size`` calls in."""
        return ProcessPoolBatch(size)

    def _call(self, args: Any, kwargs: Any, callback: Callable | None) -> Any:
        function = self._processes if self._processes is not None else self._entry_point
        try:
            result = function(*args, **kwargs)
        except MltkError:
            self.detected_subprocess_error = True
            raise
        if callback is not None:
            callback(result)
        return result

    def process(
        self,
        *args: Any,
        pool_callback: Callable | None = None,
        pool_batch: ProcessPoolBatch | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call the function with these arguments.

        Args:
            pool_callback: called with what comes of it; then, or with ``pool_batch``, this doesn't wait.
            pool_batch: takes the call in.

        Returns:
            What the function gives; a batch if it isn't waited for.
        """
        self.start()
        threads = self._threads
        if threads is None:
            raise RuntimeFailure(f"{self.name} was shut down.")
        future = threads.submit(self._call, args, kwargs, pool_callback)
        if pool_callback is None and pool_batch is None:
            return future.result()
        batch = ProcessPoolBatch(1) if pool_batch is None else pool_batch
        batch.add(future)
        return batch

    def shutdown(self) -> None:
        """Finish what was begun and end the processes."""
        with self._starting:
            if self._threads is not None:
                self._threads.shutdown(wait=True)
                self._threads = None
            if self._processes is not None:
                self._processes.close()
                self._processes = None

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
