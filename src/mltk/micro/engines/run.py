"""Run a ``.tflite`` on many samples, and say which engine produced the numbers.

The truth of an int8 model is what TensorFlow Lite Micro (TFLM) computes. :func:`run_batch` returns exactly these
numbers. TFLM itself computes small jobs. Exact batched kernels in NumPy compute larger jobs: they are 10 to 20 times
faster, and are checked against TFLM on a random part of the samples. If these kernels do not cover the model, TFLM runs
in as many processes as there are cores. If TFLM is not installed, LiteRT's reference kernels are the nearest
substitute, and the result says so::

    result = run_batch(Path("model.tflite").read_bytes(), samples)  # samples: (n, *input_shape[1:]), model's dtype
    result.outputs[0], result.engine_description
"""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mltk.errors import EvaluationError, MltkError, RuntimeFailure, UnsupportedModelError
from mltk.micro.engines.crash import crash_of, may_crash, try_first
from mltk.micro.engines.native_output import captured_stderr
from mltk.micro.engines.pool import Array, Job, LoadedModel, Pool
from mltk.micro.engines.process import UNTRUSTED_MEMORY_BYTES, WorkerProcess, Workers, explain_refusal, refusal_reason
from mltk.micro.engines.runtimes import have_tflm, make_runtime
from mltk.tflite.graph import Graph, GraphSource, graph_of
from mltk.workers.child import ChildEndedError

ENGINES = ("auto", "tflm", "exact-batched", "litert-reference", "litert-xnnpack")

# TFLM runs a few samples first, to learn whether it takes the model and how long a sample takes. If TFLM can compute
# the others within _SHORT_S, no other way is worth it.
_TRIAL = 2
_SHORT_S = 0.3
_VERIFY_AT_LEAST, _VERIFY_SHARE = 8, 0.005


@dataclass
class BatchResult:
    """Result of :func:`run_batch`.

    Attributes:
        outputs: One array for each model output, first axis = samples, in the model's dtypes.
        engine: One of ``ENGINES``, but not 'auto'.
        engine_description: Name and version of the engine.
        notes: What a reader of the numbers should know, for example why a substitute was used.
        n_processes: Number of processes that computed.
        seconds: Duration of the run in seconds.
        n_verified: Number of samples that TFLM computed too, with the same result.
    """

    outputs: list[Array]
    engine: str
    engine_description: str
    notes: list[str] = field(default_factory=list)
    n_processes: int = 1
    seconds: float = 0.0
    n_verified: int = 0


def run_batch(
    model: GraphSource,
    inputs: Array | Sequence[Array],
    *,
    engine: str = "auto",
    processes: int | None = None,
    reset_between_samples: bool = True,
    trusted: bool = True,
    children: Workers | None = None,
    timeout_s: float = 60.0,
    progress: Callable[[int], None] | None = None,
    rng: np.random.Generator | None = None,
) -> BatchResult:
    """Compute a model on many samples. Each sample is computed alone, with batch dimension 1.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        inputs: One array, or one array for each model input, in the model's input dtype, shape
            (samples, *model_input_shape[1:]).
        engine: One of ``ENGINES``. 'auto' returns TFLM's numbers in the fastest way that is checked during the run
            itself. If TFLM is not installed or refuses the model, 'auto' uses LiteRT's reference kernels.
        processes: The most processes that compute at once; None is the number of CPUs that this process may use. Small
            jobs run in one process.
        reset_between_samples: Whether to forget the model's state (variables) after each sample. With False the samples
            are one stream, computed in order.
        trusted: Whether native code may run the model in this process. With False it runs in a child process with a
            memory limit, so a crash or a hang is an error; the outputs may then have 256 MiB.
        children: Child processes of earlier runs, for ``trusted=False``; None starts new ones.
        timeout_s: Seconds after which a child that does not answer is stopped.
        progress: Is called with the number of samples just computed.
        rng: Draws the samples that are checked against TFLM; None draws other samples in every run.

    Returns:
        The outputs, and which engine computed them.

    Raises:
        TfliteError: ``model`` is not a ``.tflite``.
        EvaluationError: The inputs do not fit the model.
        RuntimeFailure: The engine refused the model, crashed or did not answer in time.
    """
    if engine not in ENGINES:
        raise MltkError(f"No engine is called {engine!r}.", hint=f"Choose one of: {', '.join(ENGINES)}.")
    start = time.perf_counter()
    graph = graph_of(model)
    arrays = check_inputs(graph, [inputs] if isinstance(inputs, np.ndarray) else list(inputs))
    if graph.is_stateful and not reset_between_samples:
        processes = 1  # the order of samples is part of the computation
    notes: list[str] = []
    with contextlib.ExitStack() as stack:
        if trusted or children is None:
            children = stack.enter_context(Workers(memory_limit_bytes=None if trusted else UNTRUSTED_MEMORY_BYTES))
        job = Job(
            graph=graph,
            inputs=arrays,
            reset_between_samples=reset_between_samples,
            trusted=trusted,
            processes=available_cpus() if processes is None else max(1, processes),
            children=children,
            timeout_s=timeout_s,
            progress=progress,
        )
        result = _run(job, engine) if engine != "auto" else _run_auto(job, rng or np.random.default_rng(), notes)
    result.notes = notes + result.notes
    result.seconds = time.perf_counter() - start
    return result


def check_inputs(graph: Graph, inputs: Sequence[Array]) -> list[Array]:
    """Check samples against a model.

    Args:
        graph: The model.
        inputs: One array for each model input, first axis = samples; the batch dimension of 1 may be left out.

    Returns:
        The arrays with shape (samples, *model_input_shape).

    Raises:
        EvaluationError: An array does not fit the model.
    """
    tensors = graph.inputs
    if not tensors:
        raise EvaluationError("The model has no input, so there is nothing to run it on.")
    if len(inputs) != len(tensors):
        raise EvaluationError(f"The model has {len(tensors)} input(s), and {len(inputs)} array(s) were given.")
    checked = []
    for i, (array, tensor) in enumerate(zip(inputs, tensors, strict=True)):
        if tensor.dtype is None or array.dtype != tensor.dtype:
            raise EvaluationError(
                f"Input {i} ({tensor.name!r}) of the model is {tensor.type_name.lower()}, and the samples are "
                f"{array.dtype}.",
                hint="Quantize them first: round(value / scale) + zero_point of the input tensor.",
            )
        shape = tensor.shape
        fits = array.ndim > 0 and array.shape[1:] in (shape, shape[1:] if shape[:1] == (1,) else shape)
        if not fits:
            raise EvaluationError(
                f"Input {i} ({tensor.name!r}) of the model has shape {shape}, and the samples (first axis = samples) "
                f"{array.shape}."
            )
        checked.append(array.reshape(len(array), *shape))
    if len({len(array) for array in checked}) > 1:
        raise EvaluationError(f"The inputs have different numbers of samples: {[len(a) for a in checked]}.")
    return checked


def available_cpus() -> int:
    """Return the number of CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run_auto(job: Job, rng: np.random.Generator, notes: list[str]) -> BatchResult:
    if not have_tflm():
        return _run_without_tflm(job, notes)
    try:
        first = _run(job.part(slice(0, _TRIAL)), "tflm")
        if job.n <= _TRIAL:
            return first
        is_short = first.seconds / _TRIAL * job.n < _SHORT_S
        if is_short or (exact := _run_exact(job, rng, notes)) is None:
            return _run(job, "tflm")
        return exact
    except UnsupportedModelError as e:
        notes.append(f"{e.message} LiteRT's reference kernels computed it instead; the device may not run it.")
        try:
            return _run(job, "litert-reference")
        except RuntimeFailure as second:
            raise RuntimeFailure(f"No engine here runs this model. {e.message}", hint=second.message) from second


def _run_without_tflm(job: Job, notes: list[str]) -> BatchResult:
    """Run the exact kernels, which round as TFLM does but can't be checked here; else LiteRT's reference kernels."""
    try:
        result = _run(job, "exact-batched")
        notes.append("TensorFlow Lite Micro is not installed here, so the exact kernels were not checked against it.")
    except UnsupportedModelError:
        result = _run(job, "litert-reference")
        notes.append(
            "TensorFlow Lite Micro is not installed here; LiteRT's reference kernels are the nearest substitute "
            "and may round some operators differently."
        )
    return result


def _run_exact(job: Job, rng: np.random.Generator, notes: list[str]) -> BatchResult | None:
    """Run the exact kernels; return None if they do not cover the model, or disagree with TFLM on a random part."""
    try:
        result = _run(job, "exact-batched")
    except UnsupportedModelError as e:
        notes.append(f"{e.message} TensorFlow Lite Micro itself computed every sample.")
        return None
    n = min(job.n, max(_VERIFY_AT_LEAST, int(job.n * _VERIFY_SHARE)))
    chosen = np.sort(rng.choice(job.n, n, replace=False))
    expected = _run(replace(job.part(chosen), progress=None), "tflm")
    wrong = np.zeros(n, bool)
    for ours, theirs in zip(result.outputs, expected.outputs, strict=True):
        same_shape = ours.shape[1:] == theirs.shape[1:]
        wrong |= (ours[chosen] != theirs).reshape(n, -1).any(axis=1) if same_shape else True
    if wrong.any():
        message = (
            f"The exact batched kernels disagreed with TensorFlow Lite Micro on {int(wrong.sum())} of {n} samples "
            "checked; TensorFlow Lite Micro itself computed every sample. Please report this model."
        )
        warnings.warn(message, RuntimeWarning, stacklevel=4)
        notes.append(message)
        return None
    result.n_verified = n
    result.engine_description += f"; {n} random samples equal to {expected.engine_description}"
    return result


def _run(job: Job, engine: str) -> BatchResult:
    start = time.perf_counter()
    result = _run_here(job, engine) if job.trusted else _run_in_child(job, engine)
    result.seconds = time.perf_counter() - start
    return result


def _run_here(job: Job, engine: str) -> BatchResult:
    if engine == "exact-batched":
        return _compute(job, make_runtime(engine, job.graph, reset_between_samples=job.reset_between_samples))
    if job.n and may_crash(job.graph) and (engine != "tflm" or have_tflm()):
        with job.children.lend(job.timeout_s) as worker:
            try_first(worker, job.graph, job.inputs, engine, reset_between_samples=job.reset_between_samples)
    with captured_stderr() as captured:
        try:
            # What a progress bar prints must reach the terminal.
            shown = job if job.progress is None else replace(job, progress=captured.showing(job.progress))
            return _compute(shown, make_runtime(engine, job.graph, reset_between_samples=job.reset_between_samples))
        except UnsupportedModelError as e:
            if text := captured.printed():
                raise UnsupportedModelError(refusal_reason(e.message, text), hint=e.hint) from e
            raise explain_refusal(job.graph.data, engine, e) from e
        except ChildEndedError as e:  # a child that computed a part of the samples
            raise _as_crash(job, engine, e) from e


def _run_in_child(job: Job, engine: str) -> BatchResult:
    n_done = 0

    def progress(n: int) -> None:
        nonlocal n_done
        n_done += n
        if job.progress is not None:
            job.progress(n)

    def run(worker: WorkerProcess) -> BatchResult:
        return _compute(replace(job, progress=progress), job.load_in(worker, engine))

    with job.children.lend(job.timeout_s) as worker:
        try:
            return run(worker)
        except ChildEndedError as e:
            if n_done or e.timed_out or worker.n_models == 1:
                raise _as_crash(job, engine, e) from e
    # An earlier model may have damaged the child's memory: try this model again in a new child.
    with job.children.lend(job.timeout_s, fresh=True) as worker:
        try:
            return run(worker)
        except ChildEndedError as e:
            raise _as_crash(job, engine, e) from e


def _as_crash(job: Job, engine: str, ended: ChildEndedError) -> RuntimeFailure:
    """Return the error that names the operator on which TFLM crashed; ``ended`` for other engines and other ends."""
    if engine != "tflm" or ended.timed_out:
        return ended
    try:
        return crash_of(job.graph, ended, job.inputs, memory_limit_bytes=UNTRUSTED_MEMORY_BYTES)
    except ChildEndedError as e:
        return e


def _compute(job: Job, runtime: LoadedModel) -> BatchResult:
    with Pool(job, runtime) as pool:
        outputs = pool.compute()
    return BatchResult(outputs, runtime.engine, runtime.description, n_processes=pool.n_processes)
