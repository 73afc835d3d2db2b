"""Child processes that run native engines, so that a model can't crash or hang this process."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from mltk.errors import RuntimeFailure, UnsupportedModelError
from mltk.workers.child import Child, RequestFailedError
from mltk.workers.wire import Array, Header, Message, TooLargeError

UNTRUSTED_MEMORY_BYTES = 4 << 30
# A damaged shape in an untrusted model must not fill this process's memory with outputs.
UNTRUSTED_ANSWER_BYTES = 256 << 20
TRUST_HINT = "Give fewer samples, or say that you trust the file: then there is no limit."


_FAILED_NODE = re.compile(r"Node (\S+) \(number (\d+)f?\) failed to (invoke|prepare)")
_SOURCE_LINE = re.compile(r"^\S+\.(?:cc|cpp|c|h):\d+:?\s*")


class WorkerProcess(Child):
    """A child process that runs native engines (:mod:`mltk.micro.engines.worker`), one model at a time.

    Args:
        timeout_s: Seconds that a request may take.
        memory_limit_bytes: For untrusted models: the most memory that the child may take. The child can't fill the
            disk either, and no reply may be larger than ``UNTRUSTED_ANSWER_BYTES``. None trusts the models.

    Raises:
        RuntimeFailure: The process can't be started.
    """

    def __init__(self, *, timeout_s: float = 60.0, memory_limit_bytes: int | None = None) -> None:
        super().__init__(
            "mltk.micro.engines.worker",
            [] if memory_limit_bytes is None else [str(memory_limit_bytes)],
            name="The native runtime",
            timeout_s=timeout_s,
            reply_limit_bytes=None if memory_limit_bytes is None else UNTRUSTED_ANSWER_BYTES,
        )
        self.n_models = 0

    def load(self, model: bytes, engine: str, *, reset_between_samples: bool = True) -> str:
        """Load a model; the child forgets the model that it had before.

        Args:
            model: Content of a ``.tflite``.
            engine: Name of the engine, for :func:`~mltk.micro.engines.runtimes.make_runtime`.
            reset_between_samples: Whether to forget the model's state after each sample.

        Returns:
            Name and version of the engine.

        Raises:
            UnsupportedModelError: The engine can't run this model. The child can be used again.
            RuntimeFailure: The child failed.
        """
        header = {"task": "load", "engine": engine, "reset_between_samples": reset_between_samples}
        self.n_models += 1
        self.clear_stderr()
        reply, _ = self.request(header, [np.frombuffer(model, np.uint8)])
        return str(reply["description"])

    def request(self, header: Header, arrays: Sequence[Array] = (), *, doing: str = "running this model") -> Message:
        """Send one request and wait for its reply; see :meth:`mltk.workers.child.Child.request`.

        Raises:
            UnsupportedModelError: The engine can't run this model. The child can be used again.
            ChildEndedError: The child crashed, or did not answer in time, or sent a malformed reply.
            RuntimeFailure: The request failed otherwise.
        """
        try:
            return super().request(header, arrays, doing=doing)
        except TooLargeError as e:
            raise RuntimeFailure(f"The model's outputs are too large. {e}", hint=TRUST_HINT) from e
        except RequestFailedError as e:
            if UnsupportedModelError.__name__ not in e.kinds:  # nobody knows what the child's memory holds now
                raise RuntimeFailure(e.message, hint=self.last_output() or e.hint) from e
            self.is_idle = True
            raise UnsupportedModelError(refusal_reason(e.message, self.stderr_text()), hint=e.hint) from e

    @property
    def is_reusable(self) -> bool:
        """Whether another model may be loaded: the child is alive, and its last request did not fail."""
        return self.is_idle and self.is_alive


def refusal_reason(message: str, stderr: str) -> str:
    """Add to a message what TFLM printed about the operator or tensor at which it stopped.

    Args:
        message: Message of TFLM's exception.
        stderr: What TFLM printed.

    Returns:
        The message that says the reason.
    """
    operator = re.search(r"Didn't find op for builtin opcode '(\w+)'", stderr) or re.search(
        r"Failed to get registration from op code (\w+)", stderr
    )
    if operator:
        return f"TensorFlow Lite Micro has no operator {operator[1]}, which this model needs."
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith("INFO:")]
    node = next((found for line in reversed(lines) if (found := _FAILED_NODE.search(line))), None)
    if node:
        said = [_SOURCE_LINE.sub("", line).strip() for line in lines if not _FAILED_NODE.search(line)]
        when = "running" if node[3] == "invoke" else "preparing"
        reason = f": {' '.join(said[-2:]).rstrip('.')}." if said else "."
        return f"TensorFlow Lite Micro refused operator {node[1]} (number {node[2]}) while {when} the model{reason}"
    return f"{message} Its last output was: {' '.join(lines[-3:])}" if lines else message


class Workers:
    """Children that are kept from one model to the next, since starting one takes a quarter of a second.

    A context manager that stops all of them.

    Args:
        memory_limit_bytes: As for :class:`WorkerProcess`.
        ready: Number of children to start now, so that they start while this process does something else.
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
        """Take a child, or start one. :meth:`give_back` takes it again.

        Args:
            timeout_s: Seconds that a request may take.
            fresh: Whether to start a child, so that it has loaded no model before.
        """
        while self._idle and not fresh:
            worker = self._idle.pop()
            if worker.is_reusable:
                worker.timeout_s = timeout_s
                return worker
            worker.close()
        return WorkerProcess(timeout_s=timeout_s, memory_limit_bytes=self._memory_limit_bytes)

    def give_back(self, worker: WorkerProcess) -> None:
        """Keep a child for the next model, or stop it if it can't be used again."""
        if worker.is_reusable:
            self._idle.append(worker)
        else:
            worker.close()

    @contextlib.contextmanager
    def lend(self, timeout_s: float, *, fresh: bool = False) -> Iterator[WorkerProcess]:
        """Take a child for a block; arguments as for :meth:`take`."""
        worker = self.take(timeout_s, fresh=fresh)
        try:
            yield worker
        finally:
            self.give_back(worker)


class ChildRuntime:
    """A model that is loaded in a child; like a :class:`~mltk.micro.engines.runtimes.Runtime` in this process.

    Args:
        worker: The child.
        model: Content of a ``.tflite``.
        engine: Name of the engine.
        reset_between_samples: Whether to forget the model's state after each sample.

    Raises:
        UnsupportedModelError: The engine can't run this model.
        RuntimeFailure: The child failed.
    """

    def __init__(self, worker: WorkerProcess, model: bytes, engine: str, *, reset_between_samples: bool) -> None:
        self.engine, self._worker = engine, worker
        self.description = worker.load(model, engine, reset_between_samples=reset_between_samples)

    def run(self, inputs: Sequence[Array], progress: Callable[[int], None] | None = None) -> list[Array]:
        """Compute samples.

        Args:
            inputs: One array for each model input, first axis = samples.
            progress: Is called with the number of samples at the end.

        Returns:
            One array for each model output, first axis = samples.

        Raises:
            RuntimeFailure: The child failed.
        """
        outputs = self._worker.request({"task": "run"}, inputs)[1]
        if progress is not None and len(inputs[0]):
            progress(len(inputs[0]))
        return outputs


def explain_refusal(model: bytes, engine: str, error: UnsupportedModelError) -> UnsupportedModelError:
    """Find out why a native engine in this process refused a model.

    Native engines only print the reason, on standard error. A child tries the same model, since only a child's
    standard error can be read without taking it from the whole process.

    Args:
        model: Content of a ``.tflite``.
        engine: Name of the engine.
        error: The refusal, without its reason.

    Returns:
        The refusal with its reason, or ``error`` if the child learned nothing.
    """
    try:
        with WorkerProcess() as worker:
            worker.load(model, engine)
    except UnsupportedModelError as explained:
        return explained
    except RuntimeFailure:
        return error
    return error
