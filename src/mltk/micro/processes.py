"""Child processes for native engines: started, watched and ended from here.

Not :mod:`multiprocessing`: its spawn imports the user's ``__main__`` again, and specification scripts train at
module level without a guard; and a fork of a process that has loaded TensorFlow may hang.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

import numpy as np

import mltk
from mltk.errors import RuntimeFailure
from mltk.micro.runtimes import UnsupportedModelError
from mltk.micro.wire import WireError, read_message, write_message

UNTRUSTED_MEMORY_BYTES = 4 << 30
STDERR_TAIL_CHARACTERS = 2000


class WorkerProcess:
    """One ``mltk.micro.worker`` child; a context manager that ends it whatever happens.

    A crash, a hang past ``timeout_s`` and an error inside the child all become
    :class:`~mltk.errors.RuntimeFailure` with the tail of what the child wrote to standard error.
    """

    def __init__(self, *, timeout_s: float = 60.0, memory_limit_bytes: int | None = None) -> None:
        self._timeout_s = timeout_s
        self._timed_out = False
        # A file, not a pipe: nobody has to drain it, so the child can never block on a full one.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        command = [sys.executable, "-P", "-m", "mltk.micro.worker"]
        if memory_limit_bytes is not None:
            command.append(str(memory_limit_bytes))
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=_worker_environment(),
                process_group=0 if os.name == "posix" else None,
            )
        except OSError as e:
            self._stderr.close()
            raise RuntimeFailure(f"Can't start a worker process with {sys.executable!r}: {e}") from e
        self._stdin, self._stdout = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def request(
        self, header: dict[str, Any], arrays: Sequence[np.ndarray] = ()
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send one request and wait for its answer."""
        if self._stderr.closed:
            raise RuntimeFailure("The worker process was ended.")
        watch = threading.Timer(self._timeout_s, self._on_timeout)
        watch.daemon = True
        watch.start()
        try:
            write_message(self._stdin, header, arrays)
            reply, results = read_message(self._stdout)
        except (WireError, OSError, ValueError) as e:
            raise self._failure() from e
        finally:
            watch.cancel()
        if not reply["ok"]:
            if reply["unsupported"]:
                raise UnsupportedModelError(refusal_reason(reply["message"], self.stderr_text()), hint=reply["hint"])
            raise RuntimeFailure(reply["message"], hint=self._explain(reply["hint"]))
        return reply, results

    def stderr_text(self) -> str:
        """Everything that the child wrote to standard error so far; nothing once it was closed."""
        try:
            # pread leaves alone the file offset, which the child shares.
            return os.pread(self._stderr.fileno(), 1 << 20, 0).decode(errors="replace")
        except (ValueError, OSError):  # closed meanwhile, by the thread that ends all workers
            return ""

    @property
    def is_alive(self) -> bool:
        """False once the child has ended, by itself or from here."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End the child now; a request under way fails."""
        if self._process.poll() is None:
            self._process.kill()

    def close(self) -> None:
        """End the child and wait until it is gone."""
        self.kill()
        self._process.wait()
        for stream in (self._stdin, self._stdout):
            with contextlib.suppress(BrokenPipeError):  # a request that the child never read
                stream.close()
        self._stderr.close()

    def _on_timeout(self) -> None:
        self._timed_out = True
        self.kill()

    def _failure(self) -> RuntimeFailure:
        self.kill()
        code = self._process.wait()
        if self._timed_out:
            what = f"The native runtime did not answer within {self._timeout_s:g} s and was ended."
        elif code < 0:
            what = f"The native runtime crashed on this model (signal {-code})."
        else:
            what = f"The worker process of the native runtime ended early (exit code {code})."
        return RuntimeFailure(what, hint=self._explain(None))

    def _explain(self, hint: str | None) -> str | None:
        tail = self.stderr_text().strip()[-STDERR_TAIL_CHARACTERS:]
        return f"It said:\n{tail}" if tail else hint


def refusal_reason(message: str, stderr: str) -> str:
    """``message`` with what TFLM printed to standard error about the operator or tensor that it stopped at."""
    operator = re.search(r"Didn't find op for builtin opcode '(\w+)'", stderr) or re.search(
        r"Failed to get registration from op code (\w+)", stderr
    )
    if operator:
        return f"TensorFlow Lite Micro has no operator {operator[1]}, which this model needs."
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith("INFO:")]
    return f"{message} It said: {' '.join(lines[-3:])}" if lines else message


def explain_refusal(model: bytes, engine: str, error: UnsupportedModelError) -> UnsupportedModelError:
    """``error`` with the engine's own reason, learned by having a child fail on the same model.

    Only a child's standard error can be read without taking that of the whole process away.
    """
    header = {"task": "load", "engine": engine, "reset_between_samples": True}
    try:
        with WorkerProcess() as worker:
            worker.request(header, [np.frombuffer(model, np.uint8)])
    except UnsupportedModelError as explained:
        return explained
    except RuntimeFailure:
        return error
    return error


def _worker_environment() -> dict[str, str]:
    environment = dict(os.environ)
    root = str(Path(mltk.__file__).resolve().parents[1])
    paths = [root, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    # One core a worker: the parallelism is in the number of workers.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        environment[name] = "1"
    return environment
