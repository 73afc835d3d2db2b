"""``ProcessPool`` of MLTK 0.20: call a function in several processes."""

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

_LEAST_LIMIT = 4


def calculate_n_jobs(n_jobs: float = -1) -> int:
    """Compute a number of processes.

    Args:
        n_jobs: The number itself; or a fraction above 0.0 up to 1.0 of the cores, as a float; or -1 for all cores.

    Returns:
        The number, at least 1.
    """
    if isinstance(n_jobs, float) and 0 < n_jobs <= 1:
        return max(1, round(n_jobs * (os.cpu_count() or 1)))
    return number_of_workers(n_jobs)


class ProcessPoolBatch:
    """Calls whose results are awaited together.

    Args:
        size: Expected number of calls.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._futures: list[Future[Any]] = []

    def add(self, future: Future[Any]) -> None:
        """Add a call."""
        self._futures.append(future)

    def wait(self, timeout: float | None = None) -> list[Any]:
        """Wait for all calls.

        Args:
            timeout: Seconds to wait for each call; None is no limit.

        Returns:
            What the calls returned, in their order.
        """
        return [future.result(timeout) for future in self._futures]


class ProcessPool:
    """Calls a function in several processes.

    Args:
        entry_point: Function at the top level of a module or script.
        n_jobs: Number of processes; see :func:`calculate_n_jobs`. There are never more than twice the processor's
            cores, because each process may take hundreds of megabytes.
        name: Name of the pool, for messages.
        start: Whether to start the processes now; else the first call starts them.
        debug: Whether to call the function in this process instead.
        env: More environment variables for the processes.
        disable_gpu_in_subprocesses: Whether to hide GPUs from the processes.
        logger: For compatibility with MLTK 0.20; ignored.
    """

    def __init__(
        self,
        entry_point: Callable[..., Any],
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
        wanted, most = calculate_n_jobs(n_jobs), max(_LEAST_LIMIT, 2 * (os.cpu_count() or 1))
        self.name, self.n_jobs = name, min(wanted, most)
        if wanted > most:
            logging.getLogger("mltk").warning(
                "%s: %d processes are wanted, but this machine has %d cores; %d processes are used.",
                name,
                wanted,
                os.cpu_count() or 1,
                most,
            )
        self.detected_subprocess_error = False
        self._processes: FunctionProcesses | None = None
        self._threads: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()
        if start:
            self.start()

    @property
    def is_running(self) -> bool:
        """Whether the pool was started and not shut down."""
        return self._threads is not None

    def start(self) -> None:
        """Start the processes.

        Raises:
            RuntimeFailure: The function has no name by which another process can find it.
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
        """Return a batch for ``size`` calls."""
        return ProcessPoolBatch(size)

    def _call(self, args: Any, kwargs: Any, callback: Callable[[Any], object] | None) -> Any:
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
        pool_callback: Callable[[Any], object] | None = None,
        pool_batch: ProcessPoolBatch | None = None,
        **kwargs: Any,
    ) -> Any:
        """Call the function.

        Args:
            *args: Arguments of the function.
            pool_callback: Is called with the result. With a callback or a batch, this method does not wait.
            pool_batch: Batch to which the call is added.
            **kwargs: Keyword arguments of the function.

        Returns:
            What the function returns; or the batch, if this method does not wait.

        Raises:
            RuntimeFailure: The pool was shut down.
            MltkError: The function failed.
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
        """Wait for the calls in progress, then stop the processes."""
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
