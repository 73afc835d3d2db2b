"""Crashes of TensorFlow Lite Micro (TFLM): which models to try in a child process first, and which operator crashes."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Sequence

import numpy as np

from mltk.errors import RuntimeFailure, UnsupportedModelError
from mltk.micro.engines.process import ChildRuntime, WorkerProcess
from mltk.tflite.graph import Graph, Operator, Subgraph
from mltk.workers.child import ChildEndedError
from mltk.workers.wire import Array

# Operators that run in every test of the engines. A crash of TFLM's kernel is known, or needs impossible scales.
_USUAL = frozenset({
    "ADD", "ASSIGN_VARIABLE", "AVERAGE_POOL_2D", "CALL_ONCE", "CONCATENATION", "CONV_2D", "DEPTHWISE_CONV_2D",
    "DEQUANTIZE", "EXPAND_DIMS", "FULLY_CONNECTED", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "MAXIMUM", "MAX_POOL_2D",
    "MEAN", "MINIMUM", "MUL", "PACK", "PAD", "PADV2", "QUANTIZE", "READ_VARIABLE", "RELU", "RELU6", "RESHAPE", "SHAPE",
    "SOFTMAX", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "SUB", "TANH", "TRANSPOSE", "UNPACK", "VAR_HANDLE",
})  # fmt: skip
# TFLM aborts if a multiplier from one scale to another is too large: at 2¹⁹ in ADD and SUB of int8, at 2¹⁴ of int16.
_MOST_SCALING = 2.0**13
_STOPPED = {getattr(signal, name).value for name in ("SIGKILL", "SIGTERM", "SIGINT") if hasattr(signal, name)}
_SEARCH_TIMEOUT_S = 10.0
_KEPT = 64
_survived: dict[tuple[str, bytes], UnsupportedModelError | None] = {}


class TflmCrashError(UnsupportedModelError):
    """TensorFlow Lite Micro crashed on a model, in a child process."""


def may_crash(graph: Graph) -> bool:
    """Return whether a model is unusual: it should run in a child process first."""
    # It is kept with the graph, which never changes: an evaluation asks again for each batch.
    kept = vars(graph)
    if "_may_crash" not in kept:
        kept["_may_crash"] = any(
            op.name not in _USUAL or _scales_are_odd(g, op) for g in graph.subgraphs for op in g.operators
        )
    return bool(kept["_may_crash"])


def _scales_are_odd(graph: Subgraph, op: Operator) -> bool:
    ours, theirs = _scales(graph, op.inputs), _scales(graph, op.outputs)
    if any(not 0 < scale < np.inf for scale in (*ours, *theirs)):
        return True
    return bool(ours and theirs) and max(ours) > _MOST_SCALING * min(theirs)


def _scales(graph: Subgraph, indices: Sequence[int]) -> list[float]:
    tensors = [graph.tensors[i] for i in indices if i >= 0]
    return [float(t.scale.max()) for t in tensors if t.scale.size]


def try_first(
    worker: WorkerProcess, graph: Graph, inputs: Sequence[Array], engine: str, *, reset_between_samples: bool
) -> None:
    """Run the first sample in a child, unless this model already ran in one.

    Args:
        worker: The child.
        graph: The model.
        inputs: One array for each model input, first axis = samples.
        engine: Name of the engine.
        reset_between_samples: Whether to forget the model's state after each sample.

    Raises:
        UnsupportedModelError: The engine refuses the model, or crashes.
        RuntimeFailure: The child failed otherwise.
    """
    key = engine, hashlib.sha256(graph.data).digest()
    if key not in _survived:
        found: UnsupportedModelError | None = None
        try:
            runtime = ChildRuntime(worker, graph.data, engine, reset_between_samples=reset_between_samples)
            runtime.run([x[:1] for x in inputs])
        except UnsupportedModelError as e:
            found = e
        except ChildEndedError as e:
            if engine == "tflm":
                found = crash_of(graph, e, inputs)
            elif e.signal is None or e.signal in _STOPPED:
                raise
            else:
                found = UnsupportedModelError(f"LiteRT crashed on this model (signal {e.signal}).", hint=e.hint)
        while len(_survived) >= _KEPT:
            _survived.pop(next(iter(_survived)))
        _survived[key] = found
    error = _survived[key]
    if error is not None:
        raise type(error)(error.message, hint=error.hint)


def crash_of(
    graph: Graph,
    ended: ChildEndedError,
    inputs: Sequence[Array] | None = None,
    *,
    memory_limit_bytes: int | None = None,
) -> TflmCrashError:
    """Return the error for a child that TFLM crashed. It names the operator if the crash happens again.

    Args:
        graph: The model.
        ended: How the child ended.
        inputs: Samples; by default one of zeros.
        memory_limit_bytes: The most memory that a child may take; None trusts the model.

    Raises:
        ChildEndedError: ``ended``, if it was not a crash but a timeout or a stop from outside.
    """
    if ended.signal is None or ended.signal in _STOPPED:
        raise ended
    try:
        name = signal.Signals(ended.signal).name
    except ValueError:
        name = "unknown"
    op = _crashing_operator(graph, inputs, memory_limit_bytes)
    where = "this model" if op is None else f"operator {op.name} (number {op.index}) of this model"
    return TflmCrashError(f"TensorFlow Lite Micro crashed on {where} (signal {ended.signal}, {name}).", hint=ended.hint)


def _crashing_operator(graph: Graph, inputs: Sequence[Array] | None, memory_limit_bytes: int | None) -> Operator | None:
    """Return the operator with which the shortest crashing model ends. Each try needs a child process."""
    operators = graph.main.operators
    if len(operators) <= 1:
        return operators[0] if operators else None
    sample = [np.zeros((1, *t.shape), t.dtype) for t in graph.inputs] if inputs is None else [x[:1] for x in inputs]

    def crashes(n: int) -> bool:
        with WorkerProcess(timeout_s=_SEARCH_TIMEOUT_S, memory_limit_bytes=memory_limit_bytes) as worker:
            try:
                model = graph.first_operators(n).data
                ChildRuntime(worker, model, "tflm", reset_between_samples=True).run(sample)
            except ChildEndedError as e:
                if e.signal is None:
                    raise
                return True
            except UnsupportedModelError:
                return False
        return False

    runs, crashed = 0, len(operators)
    try:
        if not crashes(crashed):
            return None  # it is not the model alone
        while crashed - runs > 1:
            middle = (runs + crashed) // 2
            runs, crashed = (runs, middle) if crashes(middle) else (middle, crashed)
    except RuntimeFailure:
        return None
    return operators[crashed - 1]
