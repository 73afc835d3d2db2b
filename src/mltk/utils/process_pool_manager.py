"""``ProcessPoolManager`` of MLTK 0.20: call functions in several processes and wait for all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as FuturesTimeout
from typing import Any

from mltk.utils.process_pool import ProcessPool, ProcessPoolBatch


class ProcessPoolManager:
    """Calls functions in several processes.

    Args:
        callback: Called with the result of each call.
        cores: Number of processes; a fraction of the cores as a float; or -1 for all cores.
        pool: For compatibility with MLTK 0.20; ignored.
        debug: Whether to call the functions in this process instead.
        logger: For compatibility with MLTK 0.20; ignored.
        env: More environment variables for the processes.
    """

    def __init__(
        self,
        callback: Callable[[Any], object] | None = None,
        cores: float = -1,
        pool: object = None,
        debug: bool = False,
        logger: logging.Logger | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._callback, self._cores, self._debug, self._env = callback, cores, debug, env
        self._pools: dict[Callable[..., Any], ProcessPool] = {}
        self._batch = ProcessPoolBatch(0)

    def process(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Start a call and do not wait for it.

        Args:
            func: Function at the top level of a module or script.
            args: Arguments of the function.
            kwargs: Keyword arguments of the function.
        """
        if func not in self._pools:
            self._pools[func] = ProcessPool(func, self._cores, debug=self._debug, env=self._env)
        self._pools[func].process(*args, pool_callback=self._callback, pool_batch=self._batch, **kwargs)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for all calls.

        Args:
            timeout: Seconds to wait for each call; None is no limit.

        Returns:
            Whether all calls ended in time.

        Raises:
            MltkError: A function failed.
        """
        try:
            self._batch.wait(timeout)
        except FuturesTimeout:
            return False
        self._batch = ProcessPoolBatch(0)
        return True

    def reset(self) -> None:
        """Forget the calls so far. Their results still go to the callback."""
        self._batch = ProcessPoolBatch(0)

    def close(self) -> None:
        """Wait for the calls in progress, then stop the processes."""
        for pool in self._pools.values():
            pool.shutdown()
        self._pools = {}

    @staticmethod
    def set_logger(logger: logging.Logger) -> None:
        """For compatibility with MLTK 0.20; ignored."""
