"""Processes that compute what would hold Python's lock: started from here, watched, and ended.

Not :mod:`multiprocessing`: its spawn imports the user's ``__main__`` again, and specification scripts train at
module level without a guard; and a fork of a process that has loaded TensorFlow may hang.
"""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import queue
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, cast

import mltk
from mltk.data.functions import pickling
from mltk.errors import MltkError, RuntimeFailure

_LENGTH = struct.Struct("<Q")
_STDERR_TAIL = 3000
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def write_frame(stream: BinaryIO, data: bytes) -> None:
    """Write bytes with their length before them."""
    stream.write(_LENGTH.pack(len(data)))
    stream.write(data)
    stream.flush()


def read_frame(stream: BinaryIO) -> bytes | None:
    """The bytes that :func:`write_frame` wrote; None at the end of the stream."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (n,) = _LENGTH.unpack(head)
    data = stream.read(n)
    return data if len(data) == n else None


class FunctionProcess:
    """A child that holds one callable and calls it with what it is sent, one call at a time.

    Args:
        function: pickled by :func:`mltk.data.functions.pickling.dumps`.
        env: more environment variables.
        disable_gpu: hide GPUs from it.
    """

    def __init__(self, function: bytes, env: Mapping[str, str] | None = None, disable_gpu: bool = True) -> None:
        self._function = function
        self.is_ready = False
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "mltk.data.functions.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=_environment(env or {}, disable_gpu),
            process_group=0 if os.name == "posix" else None,
        )
        self._stdin, self._stdout = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        self._started = threading.Event()
        self.refusal: MltkError | None = None
        threading.Thread(target=self._start, name="function process", daemon=True).start()

    def _start(self) -> None:
        """Send the function, wait until the child has it; importing what it needs may take seconds."""
        try:
            write_frame(self._stdin, self._function)
            self._answer()
            self.is_ready = True
        except MltkError as error:
            self.refusal = error
        except (OSError, ValueError):  # ended meanwhile
            self.refusal = RuntimeFailure("The worker process was ended.")
        self._started.set()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives for these arguments.

        Raises:
            RuntimeFailure: the child ended, or its function failed with other than an MltkError.
        """
        self._started.wait()
        if self.refusal is not None:
            raise self.refusal
        try:
            write_frame(self._stdin, pickle.dumps((args, kwargs), protocol=5))
        except OSError:
            raise self._failure() from None
        return self._answer()

    def _answer(self) -> Any:
        data = read_frame(self._stdout)
        if data is None:
            raise self._failure()
        ok, value = pickle.loads(data)
        if ok:
            return value
        raise value if isinstance(value, MltkError) else RuntimeFailure(str(value))

    def _failure(self) -> RuntimeFailure:
        self._process.kill()
        code = self._process.wait()
        try:
            tail = os.pread(self._stderr.fileno(), 1 << 20, 0).decode(errors="replace").strip()[-_STDERR_TAIL:]
        except (ValueError, OSError):
            tail = ""
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return RuntimeFailure(f"A worker process ended early ({how}).", hint=f"It said:\n{tail}" if tail else None)

    def close(self) -> None:
        """End the child."""
        self._process.kill()
        self._process.wait()
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(OSError):
                stream.close()
        self._stderr.close()


class FunctionProcesses:
    """Several processes with the same function; any number of threads may call it.

    While a process starts, its calls are made in this one, so that nothing waits.
    """

    def __init__(
        self, function: Callable, n: int, env: Mapping[str, str] | None = None, disable_gpu: bool = True
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
        with self._one() as process:
            if process.is_ready or process.refusal is not None:
                return process(*args, **kwargs)
            return self._function(*args, **kwargs)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.close()


def _environment(more: Mapping[str, str], disable_gpu: bool) -> dict[str, str]:
    environment = dict(os.environ)
    root = str(Path(mltk.__file__).resolve().parents[1])
    paths = [root, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    environment["MLTK_WORKER_PATH"] = os.pathsep.join(p for p in sys.path if p)
    environment["MLTK_WORKER_ARGUMENTS"] = json.dumps(sys.argv)
    environment.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    environment |= dict.fromkeys(_ONE_THREAD, "1")
    if disable_gpu:
        environment["CUDA_VISIBLE_DEVICES"] = "-1"
    return environment | dict(more)
