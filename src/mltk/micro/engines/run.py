"""Run a ``.tflite`` on many samples and say which engine produced the numbers.

The truth of an int8 model is what TensorFlow Lite Micro computes. :func:`run_batch` gives exactly that: by TFLM
itself for small jobs, else by our exact batched kernels (10 to 20 times quicker) checked against TFLM on a random
part of the samples, else by TFLM in as many processes as there are cores. Without TFLM's wheel it gives the nearest
stand-in, marked as such::

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
from mltk.micro.engines.pool import CHUNK_BYTES, CHUNK_S, Pool, Work
from mltk.micro.engines.process import (
    TRUST_HINT,
    UNTRUSTED_ANSWER_BYTES,
    UNTRUSTED_MEMORY_BYTES,
    ChildRuntime,
    WorkerProcess,
    Workers,
    explain_refusal,
)
from mltk.micro.engines.runtimes import Runtime, have_tflm, make_runtime
from mltk.tflite.graph import Graph, GraphSource, graph_of
from mltk.workers.child import ChildEndedError

ENGINES = ("auto", "tflm", "exact-batched", "litert-reference", "litert-xnnpack")

# What starting a worker costs (interpreter, NumPy, engine), roughly; below twice that it isn't worth it.
SPAWN_S = 0.35
# TFLM runs so many samples first, to learn whether it takes the model and how long it needs; what it then finishes
# within _SHORT_S is not worth another way.
_TRIAL = 2
_SHORT_S = 0.3
_VERIFY_AT_LEAST, _VERIFY_SHARE = 8, 0.005


@dataclass
class BatchResult:
    """What :func:`run_batch` computed.

    ``outputs``: one array per model output, first axis = samples, in the model's own dtypes.
    ``engine``: one of ``ENGINES`` but 'auto'; ``engine_description`` adds name and version.
    ``notes``: what a reader of the numbers should know, such as why a fallback was used.
    ``n_verified``: samples computed by TFLM too, and found equal.
    """

    outputs: list[np.ndarray]
    engine: str
    engine_description: str
    notes: list[str] = field(default_factory=list)
    n_processes: int = 1
    seconds: float = 0.0
    n_verified: int = 0


@dataclass(frozen=True)
class _Job:
    graph: Graph
    inputs: list[np.ndarray]
    processes: int
    reset_between_samples: bool
    trusted: bool
    children: Workers
    timeout_s: float
    progress: Callable[[int], None] | None
    rng: np.random.Generator

    @property
    def n(self) -> int:
        return len(self.inputs[0])


def run_batch(
    model: GraphSource,
    inputs: np.ndarray | Sequence[np.ndarray],
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
    """Compute ``model`` on every sample of ``inputs``.

    ``inputs``: one array, or one per model input, already in the model's input dtype, shape
    (samples, *model_input_shape[1:]); each sample is run alone, with batch dimension 1.
    ``engine``: 'auto' gives TensorFlow Lite Micro's numbers by the quickest way that is proven on the run itself
    (TFLM, or 'exact-batched' checked against it); where TFLM isn't installed or refuses, LiteRT's reference kernels.
    ``processes``: processes at most; default: the CPUs this process may use. Small jobs run in one.
    ``reset_between_samples``: forget state (variables) after each sample; False runs them in order as one stream.
    ``trusted``: False runs the model in a child process only, with a memory limit, so that a crash or a hang
    of a damaged model is an error here. It may then give 256 MiB of outputs.
    ``children``: where ``trusted`` is False, children of earlier runs to use again; by default this run's own.
    ``timeout_s``: seconds without an answer from a worker before it is ended.
    ``progress``: called with the number of samples just finished.
    ``rng``: draws the samples that are checked against TFLM; default: other ones in every run.

    Raises :class:`~mltk.errors.TfliteError` (not a .tflite), :class:`~mltk.errors.EvaluationError` (inputs that
    don't fit the model) and :class:`~mltk.errors.RuntimeFailure` (refused, crashed or timed out).
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
        job = _Job(
            graph,
            arrays,
            available_cpus() if processes is None else max(1, processes),
            reset_between_samples,
            trusted,
            children,
            timeout_s,
            progress,
            np.random.default_rng() if rng is None else rng,
        )
        result = _run_auto(job, notes) if engine == "auto" else _run(job, engine)
    result.notes = notes + result.notes
    result.seconds = time.perf_counter() - start
    return result


def check_inputs(graph: Graph, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
    """``inputs`` with a sample axis in front of each input's own shape, or an error that says what doesn't fit."""
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
    """CPUs that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _run_auto(job: _Job, notes: list[str]) -> BatchResult:
    if not have_tflm():
        return _run_without_tflm(job, notes)
    try:
        first = _run(_part(job, slice(0, _TRIAL)), "tflm")
        if job.n <= _TRIAL:
            return first
        quick = first.seconds / _TRIAL * job.n < _SHORT_S
        if quick or (exact := _run_exact(job, notes)) is None:
            return _run(job, "tflm")
        return exact
    except UnsupportedModelError as e:
        notes.append(f"{e.message} LiteRT's reference kernels computed it instead; the device may not run it.")
        try:
            return _run(job, "litert-reference")
        except UnsupportedModelError as second:
            raise RuntimeFailure(f"No engine here runs this model. {e.message}", hint=second.message) from second


def _run_without_tflm(job: _Job, notes: list[str]) -> BatchResult:
    """Our exact kernels, which round as TFLM does but can't be checked here, else LiteRT's reference kernels."""
    try:
        result = _run(job, "exact-batched")
        notes.append("TensorFlow Lite Micro is not installed here, so the exact kernels were not checked against it.")
    except UnsupportedModelError:
        result = _run(job, "litert-reference")
        notes.append(
            "TensorFlow Lite Micro is not installed here; LiteRT's reference kernels are the nearest stand-in "
            "and may round some operators differently."
        )
    return result


def _run_exact(job: _Job, notes: list[str]) -> BatchResult | None:
    """The exact kernels' results where they cover the model and agree with TFLM on a random part, else None."""
    try:
        result = _run(job, "exact-batched")
    except UnsupportedModelError as e:
        notes.append(f"{e.message} TensorFlow Lite Micro itself computed every sample.")
        return None
    n = min(job.n, max(_VERIFY_AT_LEAST, int(job.n * _VERIFY_SHARE)))
    chosen = np.sort(job.rng.choice(job.n, n, replace=False))
    expected = _run(replace(_part(job, chosen), progress=None), "tflm")
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


def _part(job: _Job, chosen: slice | np.ndarray) -> _Job:
    return replace(job, inputs=[x[chosen] for x in job.inputs])


def _run(job: _Job, engine: str) -> BatchResult:
    if not job.trusted:
        return _run_in_child(job, engine)
    start = time.perf_counter()
    try:
        runtime = make_runtime(engine, job.graph, reset_between_samples=job.reset_between_samples)
    except UnsupportedModelError as e:
        if engine == "exact-batched":  # ours, which says all there is to say
            raise
        raise explain_refusal(job.graph.data, engine, e) from e
    return _compute(job, runtime, start)


def _run_in_child(job: _Job, engine: str) -> BatchResult:
    start = time.perf_counter()
    seen = 0

    def progress(n: int) -> None:
        nonlocal seen
        seen += n
        if job.progress is not None:
            job.progress(n)

    def run(worker: WorkerProcess) -> BatchResult:
        runtime = ChildRuntime(worker, job.graph.data, engine, reset_between_samples=job.reset_between_samples)
        return _compute(replace(job, progress=progress), runtime, start)

    with job.children.lend(job.timeout_s) as worker:
        try:
            return run(worker)
        except ChildEndedError as e:
            if seen or e.timed_out or worker.n_models == 1:
                raise
    # What it had loaded before may have spoilt the child's memory: the model gets a new one of its own.
    with job.children.lend(job.timeout_s, fresh=True) as worker:
        return run(worker)


def _compute(job: _Job, runtime: Runtime | ChildRuntime, start: float) -> BatchResult:
    done: list[list[np.ndarray]] = []
    n_done, seconds_per_sample = _run_alone(job, runtime, done)
    n_processes = 1
    if n_done < job.n:
        work = Work(
            job.graph.data,
            runtime.engine,
            job.inputs,
            reset_between_samples=job.reset_between_samples,
            children=job.children,
            timeout_s=job.timeout_s,
            progress=job.progress,
        )
        with Pool(work, first=n_done) as pool:
            done += pool.run(job.processes, runtime, seconds_per_sample)
        n_processes = pool.n_processes
    seconds = time.perf_counter() - start
    return BatchResult(_join(done), runtime.engine, runtime.description, n_processes=n_processes, seconds=seconds)


def _join(chunks: Sequence[list[np.ndarray]]) -> list[np.ndarray]:
    """The outputs of chunks of samples, one after another."""
    try:
        return [np.concatenate(parts) for parts in zip(*chunks, strict=True)]
    except ValueError as e:
        raise RuntimeFailure(f"The model's outputs change their shape from sample to sample: {e}") from e


def _run_alone(job: _Job, runtime: Runtime | ChildRuntime, done: list[list[np.ndarray]]) -> tuple[int, float]:
    """Run by ``runtime`` alone as long as workers would not gain; samples done, and seconds for each."""
    start, n_done, most = time.perf_counter(), 0, job.n
    bytes_per_sample = max(1, sum(x[:1].nbytes for x in job.inputs))
    while True:
        step = 1 if n_done == 0 else max(1, min(job.n - n_done, n_done, most))
        done.append(runtime.run([x[n_done : n_done + step] for x in job.inputs], job.progress))
        n_done += step
        seconds_per_sample = (time.perf_counter() - start) / n_done
        if not job.trusted:
            _check_size(done[0], job.n)
            # A chunk has to be answered within the timeout.
            most = min(int(CHUNK_S / max(seconds_per_sample, 1e-9)), CHUNK_BYTES // bytes_per_sample)
        left_s = seconds_per_sample * (job.n - n_done)
        if n_done >= job.n or (job.processes > 1 and left_s * (1 - 1 / job.processes) > 2 * SPAWN_S):
            return n_done, seconds_per_sample


def _check_size(first: list[np.ndarray], n: int) -> None:
    """Refuse to hold the outputs of ``n`` samples where those of the ``first`` say that they are too large."""
    n_bytes = sum(y.nbytes for y in first) * n
    if n_bytes > UNTRUSTED_ANSWER_BYTES:
        raise RuntimeFailure(
            f"The outputs of {n} samples take {n_bytes:,} bytes, and {UNTRUSTED_ANSWER_BYTES:,} are allowed.",
            hint=TRUST_HINT,
        )
