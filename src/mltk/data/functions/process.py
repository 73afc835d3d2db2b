"""Processes that call a user's function, which would hold Python's lock in this process."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from mltk.data.functions import pickling
from mltk.errors import DatasetError, MltkError, RuntimeFailure
from mltk.workers.child import Child, RequestFailedError
from mltk.workers.wire import Array, Header


def to_arrays(value: Any) -> list[Array]:
    """Pickle a value for :mod:`mltk.workers.wire`.

    Returns:
        The pickle, uint8, then the bytes of each array in the value, uint8, which are not copied.
    """
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    return [np.frombuffer(pickled, np.uint8), *(np.frombuffer(buffer.raw(), np.uint8) for buffer in buffers)]


def from_arrays(arrays: Sequence[Array]) -> Any:
    """Return the value that :func:`to_arrays` pickled. Its arrays share the memory of ``arrays``."""
    return pickle.loads(arrays[0].data, buffers=arrays[1:])


class FunctionProcess:
    """A child process that holds one function and calls it, one call at a time.

    Args:
        function: The function, pickled by :func:`mltk.data.functions.pickling.dumps`.
        env: More environment variables for the child.
        disable_gpu: Whether to hide GPUs from the child.

    Raises:
        RuntimeFailure: The process can't be started.

    Attributes:
        is_ready: Whether the child has the function.
        refusal: Why the child does not have the function; None while it is ready or still starting.
    """

    def __init__(self, function: bytes, env: Mapping[str, str] | None = None, disable_gpu: bool = True) -> None:
        self._child = Child(
            "mltk.data.functions.worker", name="A worker process", environment=_environment(env, disable_gpu)
        )
        self.is_ready = False
        self.refusal: MltkError | None = None
        self._started = threading.Event()
        threading.Thread(target=self._load, args=(function,), name="function process", daemon=True).start()

    @property
    def pid(self) -> int:
        """Process ID of the child."""
        return self._child.pid

    def wait_until_started(self) -> None:
        """Wait until :attr:`is_ready` or :attr:`refusal` is set; what the function imports may take seconds."""
        self._started.wait()

    def _load(self, function: bytes) -> None:
        header = {"task": "load", "path": [str(p) for p in sys.path if p], "arguments": sys.argv}
        try:
            self._request(header, [np.frombuffer(function, np.uint8)])
            self.is_ready = True
        except MltkError as error:
            self.refusal = error
        self._started.set()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function in the child.

        Returns:
            What the function returns.

        Raises:
            DatasetError: The function raised a :class:`~mltk.errors.DatasetError`.
            MltkError: The function raised another :class:`~mltk.errors.MltkError`.
            RuntimeFailure: The child ended, or the function raised something else.
        """
        self._started.wait()
        if self.refusal is not None:
            raise self.refusal
        return from_arrays(self._request({"task": "call"}, to_arrays((args, kwargs))))

    def _request(self, header: Header, arrays: Sequence[Array]) -> Sequence[Array]:
        try:
            return self._child.request(header, arrays)[1]
        except RequestFailedError as e:
            if DatasetError.__name__ in e.kinds:
                raise DatasetError(e.message, hint=e.hint) from None
            if MltkError.__name__ in e.kinds:
                raise MltkError(e.message, hint=e.hint) from None
            raise RuntimeFailure(e.message, hint=e.traceback) from None

    def close(self) -> None:
        """Stop the child."""
        self._child.close()


class FunctionProcesses:
    """Several processes that hold the same function; any number of threads may call it.

    While a process starts, its calls are made in this process, so that nothing waits.

    Args:
        function: Function at the top level of a module or script.
        n: Number of processes.
        env: More environment variables for the processes.
        disable_gpu: Whether to hide GPUs from the processes.

    Raises:
        pickle.PicklingError: The function has no name by which another process can find it. AttributeError or
            TypeError say the same.
        RuntimeFailure: A process can't be started.
    """

    def __init__(
        self, function: Callable[..., Any], n: int, env: Mapping[str, str] | None = None, disable_gpu: bool = True
    ) -> None:
        self._function = function
        pickled = pickling.dumps(function)
        self._processes = [FunctionProcess(pickled, env, disable_gpu) for _ in range(n)]
        self._idle: queue.SimpleQueue[FunctionProcess] = queue.SimpleQueue()
        for process in self._processes:
            self._idle.put(process)

    @contextlib.contextmanager
    def _one(self) -> Iterator[FunctionProcess]:
        process = self._idle.get()
        try:
            yield process
        finally:
            self._idle.put(process)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function; raises as :meth:`FunctionProcess.__call__`."""
        with self._one() as process:
            if process.is_ready or process.refusal is not None:
                return process(*args, **kwargs)
            return self._function(*args, **kwargs)

    def close(self) -> None:
        """Stop the processes."""
        for process in self._processes:
            process.close()


def _environment(more: Mapping[str, str] | None, disable_gpu: bool) -> dict[str, str]:
    environment = {} if "TF_CPP_MIN_LOG_LEVEL" in os.environ else {"TF_CPP_MIN_LOG_LEVEL": "3"}
    if disable_gpu:
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    return environment | dict(more or {})
