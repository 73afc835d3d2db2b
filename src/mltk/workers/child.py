"""A child process that answers requests, seen from the parent::

    with Child("mltk.audio.speech.espeak_worker", [library, data], name="eSpeak NG", timeout_s=30) as child:
        reply, arrays = child.request({"task": "describe"}, doing="describing itself")

The module runs :func:`mltk.workers.child_main.serve`. This is not :mod:`multiprocessing`, for two reasons. Its spawn
imports the user's ``__main__`` again, and specification scripts train at module level without a guard. A fork of a
process that has loaded TensorFlow may hang.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from io import BufferedIOBase
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from mltk.errors import RuntimeFailure
from mltk.workers.wire import (
    Array,
    Header,
    Message,
    PipeClosedError,
    TooLargeError,
    WireError,
    read_message,
    write_message,
)

STDERR_TAIL_CHARACTERS = 2000
_STDERR_BYTES = 1 << 20
_END_S = 5.0  # a child that closed its pipe is gone within this time, however busy the machine is
# One core for each child: the parallelism is in the number of children.
_ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
)


class ChildEndedError(RuntimeFailure):
    """The child process has ended.

    Attributes:
        signal: The signal that ended the child; None if it did not crash.
        timed_out: Whether the child was stopped because it did not answer in time.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, signal: int | None = None, timed_out: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.signal, self.timed_out = signal, timed_out


class RequestFailedError(RuntimeFailure):
    """The child answered that it could not carry out a request.

    Attributes:
        kinds: Names of the error's class and of its base classes.
        traceback: Where the error was raised, as text; empty for an :class:`~mltk.errors.MltkError`.
    """

    def __init__(self, message: str, *, hint: str | None, kinds: Sequence[str], traceback: str) -> None:
        super().__init__(message, hint=hint)
        self.kinds, self.traceback = tuple(kinds), traceback


class Child:
    """One child process; a context manager that stops it in any case.

    Whatever the child prints, on standard output or standard error, is kept for error messages. Any thread may call
    :meth:`kill`; the other methods are for one thread at a time.

    Args:
        module: Module to run, with an absolute name. It calls :func:`mltk.workers.child_main.serve`.
        arguments: Command line arguments of the module.
        name: Name of the child at the beginning of a sentence, for messages.
        timeout_s: Seconds that a request may take; None is no limit.
        reply_limit_bytes: The most bytes that the arrays of a reply may have; None is no limit.
        environment: Environment variables, besides those of this process.
        closing_s: Seconds that :meth:`close` waits for the child to end by itself.

    Raises:
        RuntimeFailure: The process can't be started.
    """

    def __init__(
        self,
        module: str,
        arguments: Sequence[str] = (),
        *,
        name: str,
        timeout_s: float | None = None,
        reply_limit_bytes: int | None = None,
        environment: Mapping[str, str] | None = None,
        closing_s: float = 0.0,
    ) -> None:
        self.name, self.timeout_s = name, timeout_s
        self.is_idle = True
        self._reply_limit_bytes, self._closing_s = reply_limit_bytes, closing_s
        self._timed_out = False
        # A file, not a pipe: nobody has to drain it, so the child can never block on a full one.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=child_environment() | dict(environment or {}),
                process_group=0 if os.name == "posix" else None,  # Ctrl-C reaches this process only
            )
        except OSError as e:
            self._stderr.close()
            raise RuntimeFailure(f"Can't start a process with {sys.executable!r}: {e}") from e
        self._stdin = cast(BinaryIO, self._process.stdin)
        self._stdout = cast(BufferedIOBase, self._process.stdout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Process ID of the child."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether the child has not ended yet."""
        return self._process.poll() is None

    def request(self, header: Header, arrays: Sequence[Array] = (), *, doing: str = "") -> Message:
        """Send one request and wait for its reply.

        Args:
            header: Plain JSON data.
            arrays: Arrays of any shape and of NumPy's built-in dtypes.
            doing: What the request does, for messages: "saying 'yes'".

        Returns:
            The reply's header and arrays.

        Raises:
            RequestFailedError: The child could not carry out the request.
            ChildEndedError: The child crashed, or did not answer in time, or sent a malformed reply. It is stopped.
            TooLargeError: The reply exceeds ``reply_limit_bytes``. The child is stopped.
        """
        if self._stderr.closed:
            raise ChildEndedError(f"{self.name} was stopped before.")
        self.is_idle = False
        reply, results = self._exchange(header, arrays, doing)
        if not reply["ok"]:
            raise RequestFailedError(
                reply["message"], hint=reply["hint"], kinds=reply["kinds"], traceback=reply["traceback"]
            )
        self.is_idle = True
        return reply, results

    def _exchange(self, header: Header, arrays: Sequence[Array], doing: str) -> Message:
        try:
            with self._stopped_after_timeout():
                write_message(self._stdin, header, arrays)
                reply, results = read_message(self._stdout, self._reply_limit_bytes)
            if not isinstance(reply.get("ok"), bool):
                raise WireError("The reply doesn't say whether the request succeeded.")
            return reply, results
        except TooLargeError:
            self.kill()
            raise
        except (WireError, OSError, ValueError, MemoryError) as e:  # ValueError: another thread closed the pipe
            raise self._ended(e, doing) from e

    @contextlib.contextmanager
    def _stopped_after_timeout(self) -> Iterator[None]:
        if self.timeout_s is None:
            yield
            return
        watch = threading.Timer(self.timeout_s, self._on_timeout)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()

    def _on_timeout(self) -> None:
        self._timed_out = True
        self.kill()

    def _ended(self, error: Exception, doing: str) -> ChildEndedError:
        """Wait until the child has ended, and say how that happened."""
        malformed = not isinstance(error, (PipeClosedError, OSError, ValueError))
        if malformed:
            self.kill()
        try:
            code = self._process.wait(_END_S)  # the pipe closes before the process ends
        except subprocess.TimeoutExpired:
            self.kill()
            code, malformed = self._process.wait(), True
        doing = f" while {doing}" if doing else ""
        signal = None
        if self._timed_out:
            what = f"{self.name} did not answer within {self.timeout_s:g} s{doing} and was stopped."
        elif malformed:
            what = f"{self.name} sent a malformed reply{doing} and was stopped."
        elif code < 0:
            signal, what = -code, f"{self.name} crashed{doing} (signal {-code})."
        else:
            what = f"{self.name} ended early{doing} (exit code {code})."
        return ChildEndedError(what, hint=self.last_output(), signal=signal, timed_out=self._timed_out)

    def stderr_text(self) -> str:
        """What the child has printed so far (the first MiB); empty once the child is closed."""
        try:
            # Reading must not move the file's offset, which the child shares.
            return os.pread(self._stderr.fileno(), _STDERR_BYTES, 0).decode(errors="replace")
        except (ValueError, OSError):  # another thread closed the file meanwhile
            return ""

    def clear_stderr(self) -> None:
        """Forget what the child has printed so far. The child must have answered its last request."""
        with contextlib.suppress(ValueError, OSError):  # closed: the next request reports it
            # Both processes share one file offset, and the child prints nothing between requests.
            os.lseek(self._stderr.fileno(), 0, os.SEEK_SET)
            os.ftruncate(self._stderr.fileno(), 0)

    def last_output(self) -> str | None:
        """The end of what the child has printed, as a hint for a message; None if there is nothing."""
        tail = self.stderr_text().strip()[-STDERR_TAIL_CHARACTERS:]
        return f"Its last output was:\n{tail}" if tail else None

    def kill(self) -> None:
        """Stop the child now. A request in progress fails."""
        if self.is_alive:
            self._process.kill()

    def close(self) -> None:
        """Stop the child and wait until it has ended."""
        if self.is_idle and self._closing_s:
            self._close_stdin()  # the child ends then
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._closing_s)
        self.kill()
        self._process.wait()
        self._close_stdin()
        self._stdout.close()
        self._stderr.close()

    def _close_stdin(self) -> None:
        with contextlib.suppress(OSError):  # it still holds a request that the child never read
            self._stdin.close()


def child_environment() -> dict[str, str]:
    """This process's environment, changed so that a child imports the same mltk and uses one core."""
    environment = dict(os.environ)
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment | dict.fromkeys(_ONE_THREAD, "1")
