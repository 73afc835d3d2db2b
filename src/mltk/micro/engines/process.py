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
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

import numpy as np

import mltk
from mltk.errors import RuntimeFailure, UnsupportedModelError
from mltk.workers.wire import TooLargeError, WireError, read_message, write_message

UNTRUSTED_MEMORY_BYTES = 4 << 30
# What a model that isn't trusted may give this process to hold in one run: a damaged shape must not fill its memory.
UNTRUSTED_ANSWER_BYTES = 256 << 20
STDERR_TAIL_CHARACTERS = 2000
_END_S = 5.0  # a child that closed its pipe is gone within this, however busy the machine
TRUST_HINT = "Give fewer samples, or say that you trust the file: then there is no limit."


class WorkerEndedError(RuntimeFailure):
    """The child is gone. ``signal``: what ended it, where it crashed; ``timed_out``: it was ended for not answering."""

    def __init__(
        self, message: str, *, hint: str | None = None, signal: int | None = None, timed_out: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.signal, self.timed_out = signal, timed_out


class WorkerProcess:
    """One ``mltk.micro.engines.worker`` child; a context manager that ends it whatever happens.

    A crash, a hang past ``timeout_s`` and an error inside the child all become
    :class:`~mltk.errors.RuntimeFailure` with the tail of what the child wrote to standard error. With
    ``memory_limit_bytes`` the child is for what isn't trusted: it can't take more memory than that, nor fill the disk,
    and no answer of it may be larger than ``UNTRUSTED_ANSWER_BYTES``.
    """

    def __init__(self, *, timeout_s: float = 60.0, memory_limit_bytes: int | None = None) -> None:
        self.timeout_s = timeout_s
        self.n_models = 0
        self._answer_limit_bytes = None if memory_limit_bytes is None else UNTRUSTED_ANSWER_BYTES
        self._is_idle = True
        self._timed_out = False
        # A file, not a pipe: nobody has to drain it, so the child can never block on a full one.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        command = [sys.executable, "-P", "-m", "mltk.micro.engines.worker"]
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

    def load(self, model: bytes, engine: str, *, reset_between_samples: bool = True) -> str:
        """Have the child load ``model`` in the place of what it had; gives the engine's description."""
        header = {"task": "load", "engine": engine, "reset_between_samples": reset_between_samples}
        self.n_models += 1
        with contextlib.suppress(ValueError, OSError):  # closed: request() says so
            # Both processes share one file offset, and the child is silent until it is asked something.
            os.lseek(self._stderr.fileno(), 0, os.SEEK_SET)
            os.ftruncate(self._stderr.fileno(), 0)
        reply, _ = self.request(header, [np.frombuffer(model, np.uint8)])
        return str(reply["description"])

    def request(
        self, header: dict[str, Any], arrays: Sequence[np.ndarray] = ()
    ) -> tuple[dict[str, Any], list[np.ndarray]]:
        """Send one request and wait for its answer."""
        if self._stderr.closed:
            raise RuntimeFailure("The worker process was ended.")
        self._is_idle = False
        reply, results = self._exchange(header, arrays)
        refused = not reply["ok"] and reply["unsupported"]
        self._is_idle = reply["ok"] or refused  # after another error, nobody knows what the child's memory holds
        if refused:
            raise UnsupportedModelError(refusal_reason(reply["message"], self.stderr_text()), hint=reply["hint"])
        if not reply["ok"]:
            raise RuntimeFailure(reply["message"], hint=self._explain(reply["hint"]))
        return reply, results

    def _exchange(self, header: dict[str, Any], arrays: Sequence[np.ndarray]) -> tuple[dict[str, Any], list[Any]]:
        watch = threading.Timer(self.timeout_s, self._on_timeout)
        watch.daemon = True
        watch.start()
        try:
            write_message(self._stdin, header, arrays)
            return read_message(self._stdout, self._answer_limit_bytes)
        except TooLargeError as e:
            self.kill()
            raise RuntimeFailure(f"The model's outputs are too large: {e}.", hint=TRUST_HINT) from e
        except (WireError, OSError, ValueError, TypeError, KeyError, MemoryError) as e:
            raise self._failure() from e
        finally:
            watch.cancel()

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

    @property
    def is_reusable(self) -> bool:
        """Whether another model may be loaded: it lives, owes no answer, and the last one was no failure."""
        return self._is_idle and self.is_alive

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

    def _failure(self) -> WorkerEndedError:
        try:
            code = self._process.wait(_END_S)  # that the pipe closed is seen before the end itself
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._process.wait()
            if not self._timed_out:
                return WorkerEndedError("The native runtime's process answered with what is no answer, and was ended.")
        if self._timed_out:
            what = f"The native runtime did not answer within {self.timeout_s:g} s and was ended."
        elif code < 0:
            what = f"The native runtime crashed on this model (signal {-code})."
        else:
            what = f"The worker process of the native runtime ended early (exit code {code})."
        signal = -code if code < 0 and not self._timed_out else None
        return WorkerEndedError(what, hint=self._explain(None), signal=signal, timed_out=self._timed_out)

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


class Workers:
    """Children that are kept from one model to the next: starting one takes a quarter of a second.

    A context manager that ends them all. ``memory_limit_bytes`` as for :class:`WorkerProcess`. ``ready``: how many to
    start at once, so that they start while this process does something else.
    """

    def __init__(self, *, memory_limit_bytes: int | None = UNTRUSTED_MEMORY_BYTES, ready: int = 0) -> None:
        self._memory_limit_bytes = memory_limit_bytes
        self._idle: list[WorkerProcess] = []
        for _ in range(ready):
            self._idle.append(WorkerProcess(memory_limit_bytes=memory_limit_bytes))

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        while self._idle:
            self._idle.pop().close()

    def take(self, timeout_s: float, *, fresh: bool = False) -> WorkerProcess:
        """A child to be given back; with ``fresh`` one that has loaded nothing before."""
        while self._idle and not fresh:
            worker = self._idle.pop()
            if worker.is_reusable:
                worker.timeout_s = timeout_s
                return worker
            worker.close()
        return WorkerProcess(timeout_s=timeout_s, memory_limit_bytes=self._memory_limit_bytes)

    def give_back(self, worker: WorkerProcess) -> None:
        """Keep ``worker`` for the next model, or end it where it can't be used again."""
        if worker.is_reusable:
            self._idle.append(worker)
        else:
            worker.close()

    @contextlib.contextmanager
    def lend(self, timeout_s: float, *, fresh: bool = False) -> Iterator[WorkerProcess]:
        """:meth:`take` and :meth:`give_back` around a block."""
        worker = self.take(timeout_s, fresh=fresh)
        try:
            yield worker
        finally:
            self.give_back(worker)


class ChildRuntime:
    """A model loaded in a child: what a :class:`~mltk.micro.engines.runtimes.Runtime` is in this process."""

    def __init__(self, worker: WorkerProcess, model: bytes, engine: str, *, reset_between_samples: bool) -> None:
        self.engine, self._worker = engine, worker
        self.description = worker.load(model, engine, reset_between_samples=reset_between_samples)

    def run(self, inputs: Sequence[np.ndarray], progress: Callable[[int], None] | None = None) -> list[np.ndarray]:
        """Compute every sample of ``inputs``; ``progress`` is called with their number."""
        outputs = self._worker.request({"task": "run"}, inputs)[1]
        if progress is not None and len(inputs[0]):
            progress(len(inputs[0]))
        return outputs


def explain_refusal(model: bytes, engine: str, error: UnsupportedModelError) -> UnsupportedModelError:
    """``error`` with the engine's own reason, learned by having a child fail on the same model.

    Only a child's standard error can be read without taking that of the whole process away.
    """
    try:
        with WorkerProcess() as worker:
            worker.load(model, engine)
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
