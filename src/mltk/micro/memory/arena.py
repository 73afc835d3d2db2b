"""The tensor arena that a model needs, measured by TensorFlow Lite Micro itself.

``measure_arena(model).total`` is what the firmware has to reserve. It is the smallest arena, in steps of 16 bytes, in
which the model started and ran. TFLM's own report is not enough: while TFLM prepares a model, it needs memory that it
has freed again when it reports. Some models do not start in an arena of the reported size.

The host has 64-bit pointers, so a 32-bit device needs a little less. Kernels with their own scratch buffers (CMSIS-NN)
may need more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mltk.errors import RuntimeFailure
from mltk.micro.engines.crash import crash_of
from mltk.micro.engines.process import UNTRUSTED_MEMORY_BYTES, WorkerProcess
from mltk.micro.engines.runtimes import have_tflm, host_arena_bytes
from mltk.micro.memory.planner import ARENA_ALIGNMENT, plan_memory
from mltk.tflite.graph import GraphSource, Operator, Subgraph, graph_of
from mltk.workers.child import ChildEndedError

# TFLM's structures in the tail, 64-bit: fitted to tails measured on streaming and plain int8 models.
_TAIL_BASE, _TAIL_PER_TENSOR, _TAIL_PER_OPERATOR = 900, 24, 64
_TAIL_PER_KERNEL, _TAIL_PER_LIGHT_KERNEL, _TAIL_PER_CHANNEL = 96, 32, 8
_PER_CHANNEL = {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED"}
_LIGHT = {"VAR_HANDLE", "ASSIGN_VARIABLE", "READ_VARIABLE", "CALL_ONCE", "RESHAPE", "STRIDED_SLICE", "CONCATENATION"}
# What TFLM's planner needs for each tensor and each buffer while the model is prepared.
_PLANNING_PER_TENSOR, _PLANNING_PER_BUFFER = 48, 40


@dataclass(frozen=True)
class ArenaUsage:
    """Bytes of the tensor arena.

    Attributes:
        total: What to reserve: the smallest arena that worked, a multiple of 16.
        head: Activations and scratch buffers, as planned.
        tail: Structures of the interpreter, data of kernels, and variables. ``head + tail`` is in use when the model
            runs.
        categories: TFLM's name of a part of the tail → bytes.
        is_estimate: TFLM is not installed, so the figures are estimates of our planner.
        source: Where the figures come from.
    """

    total: int
    head: int
    tail: int
    categories: dict[str, int] = field(default_factory=dict)
    is_estimate: bool = False
    source: str = ""

    @property
    def startup(self) -> int:
        """Bytes that are needed only while the model is prepared."""
        return max(0, self.total - self.head - self.tail)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**vars(self), "startup": self.startup}


def measure_arena(model: GraphSource, *, timeout_s: float = 60.0) -> ArenaUsage:
    """Measure the tensor arena of a model.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
        timeout_s: Longest time in seconds that a child process may take for one arena size.

    Returns:
        The measurement. If TensorFlow Lite Micro is not installed, an estimate.

    Raises:
        RuntimeFailure: TFLM refuses the model or crashes.
    """
    graph = graph_of(model)
    if not have_tflm():
        return estimate_arena(graph)
    probe = _ArenaProbe(graph.data, timeout_s)
    with probe:
        try:
            report, description = probe.report(host_arena_bytes(graph))
        except ChildEndedError as e:
            raise crash_of(graph, e, memory_limit_bytes=UNTRUSTED_MEMORY_BYTES) from e
        head, tail = report.pop("head"), report.pop("tail")
        total = _smallest(probe, _align(head + tail))
    return ArenaUsage(total, head, tail, report, source=description)


def estimate_arena(model: GraphSource) -> ArenaUsage:
    """Estimate the arena: the head by our planner, the tail by a rule of thumb. The error is typically below 10 %."""
    graph = graph_of(model)
    plan = plan_memory(graph)
    head, tail = plan.size, _TAIL_BASE
    planning = _PLANNING_PER_BUFFER * len(plan.buffers)
    for subgraph in graph.subgraphs:
        planning += _PLANNING_PER_TENSOR * len(subgraph.tensors)
        tail += _TAIL_PER_TENSOR * len(subgraph.tensors) + _TAIL_PER_OPERATOR * len(subgraph.operators)
        tail += sum(t.nbytes for t in subgraph.tensors if t.is_variable)
        tail += sum(_kernel_bytes(subgraph, op) for op in subgraph.operators)
    return ArenaUsage(_align(max(head, planning) + tail), head, tail, is_estimate=True, source="own planner (estimate)")


def _kernel_bytes(subgraph: Subgraph, op: Operator) -> int:
    n_bytes = _TAIL_PER_LIGHT_KERNEL if op.name in _LIGHT else _TAIL_PER_KERNEL
    if op.name in _PER_CHANNEL and len(op.inputs) > 1 and op.inputs[1] >= 0:
        n_bytes += _TAIL_PER_CHANNEL * subgraph.tensors[op.inputs[1]].scale.size
    # Once for each resource, where it is initialized.
    if op.name == "ASSIGN_VARIABLE" and subgraph.index > 0 and len(op.inputs) > 1 and op.inputs[1] >= 0:
        n_bytes += subgraph.tensors[op.inputs[1]].nbytes
    return n_bytes


def _align(n: int) -> int:
    return -(-n // ARENA_ALIGNMENT) * ARENA_ALIGNMENT


def _smallest(probe: _ArenaProbe, used: int) -> int:
    """Return the smallest multiple of 16 from ``used`` on in which the model runs."""
    if probe.runs(used):
        return used  # less than what is in use at the end is not enough
    too_small, step = used, 128
    while not probe.runs(used + step):
        too_small, step = used + step, step * 2
        if step > 1 << 30:
            raise RuntimeFailure(f"The model runs in a large arena, but not in one of {used + step // 2:,} bytes.")
    enough = used + step
    while enough - too_small > ARENA_ALIGNMENT:
        middle = too_small + _align((enough - too_small) // 2)
        if middle >= enough:
            break
        if probe.runs(middle):
            enough = middle
        else:
            too_small = middle
    return enough


class _ArenaProbe:
    """Tries arena sizes in a child process. In an arena that is too small, the model fails or crashes the child."""

    def __init__(self, model: bytes, timeout_s: float) -> None:
        self._model = np.frombuffer(model, np.uint8)
        self._timeout_s = timeout_s
        self._worker: WorkerProcess | None = None

    def __enter__(self) -> _ArenaProbe:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _try(self, arena_bytes: int, *, report: bool) -> tuple[str, str]:
        if self._worker is None:
            self._worker = WorkerProcess(timeout_s=self._timeout_s, memory_limit_bytes=UNTRUSTED_MEMORY_BYTES)
        header = {"task": "measure_arena", "arena_bytes": arena_bytes, "print": report}
        reply, _ = self._worker.request(header, [self._model])
        return self._worker.stderr_text(), reply["description"]

    def runs(self, arena_bytes: int) -> bool:
        """Return whether the model starts and runs in an arena of ``arena_bytes``."""
        try:
            self._try(arena_bytes, report=False)
        except RuntimeFailure as e:
            if isinstance(e, ChildEndedError) and e.timed_out:
                raise  # do not wait again for each of twenty sizes
            if self._worker is not None and not self._worker.is_alive:
                self._end()
            return False
        return True

    def report(self, arena_bytes: int) -> tuple[dict[str, int], str]:
        """Return TFLM's own figures by name in bytes (head, tail, then its categories), and TFLM's description."""
        text, description = self._try(arena_bytes, report=True)
        found = dict(re.findall(r"Arena allocation (head|tail) (\d+) bytes", text))
        if set(found) != {"head", "tail"}:
            raise RuntimeFailure(f"TensorFlow Lite Micro did not report its allocations. It said:\n{text[-500:]}")
        categories = re.findall(r"'([^']+)' used (\d+) bytes", text)
        return {name: int(n) for name, n in [*found.items(), *categories]}, description
