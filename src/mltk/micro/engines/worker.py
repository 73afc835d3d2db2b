"""The child process that runs a native engine: ``python -P -m mltk.micro.engines.worker``.

It answers requests on standard input with answers on standard output (:mod:`mltk.workers.wire`) until its input
closes. Whatever native code prints goes to standard error, which the parent keeps for its messages.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np

from mltk.errors import MltkError, UnsupportedModelError
from mltk.micro.engines.runtimes import Runtime, make_runtime
from mltk.workers.wire import WireError, read_message, write_message

Answer = tuple[dict[str, Any], list[np.ndarray]]

_STDERR_BYTES = 64 << 20  # what a model that has its kernels complain without end says beyond that is dropped


class Worker:
    """What the child knows between requests: the model it has loaded."""

    def __init__(self) -> None:
        self.runtime: Runtime | None = None

    def load(self, header: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
        """Load the model in ``arrays[0]`` (uint8) into the engine that ``header`` names."""
        self.runtime = None  # its memory counts, so the last model goes before this one comes
        self.runtime = make_runtime(
            header["engine"], arrays[0].tobytes(), reset_between_samples=header["reset_between_samples"]
        )
        return {"description": self.runtime.description}, []

    def run(self, header: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
        """Compute the samples in ``arrays``, one array per model input."""
        if self.runtime is None:
            raise MltkError("The worker was asked to run before a model was loaded.")
        return {}, self.runtime.run(arrays)

    def measure_arena(self, header: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
        """Load the model in ``arrays[0]`` into an arena of ``header['arena_bytes']``, run it once, print the use."""
        from mltk.micro.engines.runtimes import TflmRuntime

        runtime = TflmRuntime(arrays[0].tobytes(), arena_bytes=header["arena_bytes"])
        outputs = runtime.invoke([np.zeros(t.shape, t.dtype) for t in runtime.graph.inputs])
        if header.get("print", True):
            runtime.print_allocations()
        return {"description": runtime.description}, outputs

    def answer(self, header: dict[str, Any], arrays: list[np.ndarray]) -> Answer:
        """Carry out one request; what goes wrong becomes an answer too."""
        tasks: dict[str, Callable[[dict[str, Any], list[np.ndarray]], Answer]] = {
            "load": self.load,
            "run": self.run,
            "measure_arena": self.measure_arena,
        }
        try:
            reply, results = tasks[header["task"]](header, arrays)
        except MltkError as e:
            unsupported = isinstance(e, UnsupportedModelError)
            return {"ok": False, "unsupported": unsupported, "message": e.message, "hint": e.hint}, []
        except (MemoryError, RuntimeError, ValueError, TypeError, KeyError, IndexError) as e:
            return {"ok": False, "unsupported": False, "message": f"{type(e).__name__}: {e}", "hint": None}, []
        return {"ok": True, **reply}, results


def _private_stdout() -> BinaryIO:
    # Native code prints to file descriptor 1 when it likes: keep the pipe for ourselves and give it stderr.
    own = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(own, "wb")


def _limit(memory_bytes: int | None) -> None:
    try:
        import resource
    except ImportError:  # not on Windows
        return

    def set_limit(kind: int, n_bytes: int) -> None:
        hard = resource.getrlimit(kind)[1]  # which may be lower already, and can't be raised
        n_bytes = n_bytes if hard == resource.RLIM_INFINITY else min(n_bytes, hard)
        resource.setrlimit(kind, (n_bytes, n_bytes))

    set_limit(resource.RLIMIT_CORE, 0)  # a crash is expected: no gigabytes in the user's folder
    if memory_bytes is not None:
        set_limit(resource.RLIMIT_AS, memory_bytes)
        set_limit(resource.RLIMIT_FSIZE, _STDERR_BYTES)  # the only file that is written is the parent's for stderr


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it ends its workers
    output, worker = _private_stdout(), Worker()
    _limit(int(sys.argv[1]) if len(sys.argv) > 1 else None)
    while True:
        try:
            header, arrays = read_message(sys.stdin.buffer)
        except WireError:
            return
        reply, results = worker.answer(header, arrays)
        try:
            write_message(output, reply, results)
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main()
