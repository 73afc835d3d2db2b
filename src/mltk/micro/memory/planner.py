"""Where each tensor is in the arena and how long: TensorFlow Lite Micro's memory plan, computed from the file.

It follows TFLM's ``AllocationInfoBuilder`` (lifetimes) and ``GreedyMemoryPlanner`` (places). The largest buffer is
placed first, each into the first gap among the buffers that are alive at the same time. The size of the plan is the
*head* of the arena. Only the runtime knows the tail (structures of the interpreter, data of kernels, variables). See
:mod:`mltk.micro.memory.arena`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from mltk.tflite.graph import Graph, GraphSource, Operator, Subgraph, graph_of

ARENA_ALIGNMENT = 16  # MicroArenaBufferAlignment() of TFLM


@dataclass
class Buffer:
    """A part of the arena that holds one tensor for some steps.

    Steps count the operators from 1 on, in the order in which they run. Step 0 is the time before, when the inputs are
    filled.

    Attributes:
        size: Size in bytes.
        first: First step that needs the buffer.
        last: Last step that needs the buffer.
        offset: Position in the arena; -1 until the buffer is placed.
        tensor: Index of the tensor; -1 for a scratch buffer of a kernel.
        subgraph: Index of the subgraph.
        name: Name of the tensor.
    """

    size: int
    first: int
    last: int
    offset: int = -1
    tensor: int = -1
    subgraph: int = 0
    name: str = ""

    @property
    def end(self) -> int:
        """Position behind the last byte of the buffer."""
        return self.offset + self.size


@dataclass
class MemoryPlan:
    """Placed buffers in the order of the file, and the sizes that follow from them."""

    buffers: list[Buffer]
    step_names: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of the arena that the plan needs."""
        return max((b.end for b in self.buffers), default=0)

    @property
    def lower_bound(self) -> int:
        """Bytes that are alive at the fullest step. No placement of these lifetimes needs less."""
        return max(self.bytes_per_step, default=0)

    @property
    def n_steps(self) -> int:
        """Number of steps, with step 0."""
        return max([len(self.step_names), *(b.last + 1 for b in self.buffers)])

    @property
    def bytes_per_step(self) -> list[int]:
        """Bytes that are alive at each step."""
        return [sum(b.size for b in self.buffers if b.first <= t <= b.last) for t in range(self.n_steps)]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data, enough to draw the plan as rectangles (steps × addresses)."""
        return {
            "size": self.size,
            "lower_bound": self.lower_bound,
            "alignment": ARENA_ALIGNMENT,
            "steps": list(self.step_names),
            "bytes_per_step": self.bytes_per_step,
            "buffers": [{**vars(b)} for b in self.buffers],
        }

    def to_text(self, width: int = 100) -> str:
        """Return the plan as text: place and lifetime of each buffer, then the arena step by step."""
        return "\n".join([*self._table(), "", *self.layout(width)])

    def _table(self) -> Iterator[str]:
        yield f"{'':2} {'buffer':40.40} {'bytes':>9} {'from':>9} {'to':>9}  steps"
        for symbol, b in zip(_symbols(), self.buffers, strict=False):
            yield f"{symbol:2} {b.name:40.40} {b.size:9,} {b.offset:9,} {b.end:9,}  {b.first}–{b.last}"

    def layout(self, width: int = 100) -> list[str]:
        """Return one line for each step. A letter marks a buffer, a dot is free. The arena starts at the left."""
        names = [*self.step_names, *[""] * (self.n_steps - len(self.step_names))]
        label = min(24, max((len(n) for n in names), default=0)) + 5
        columns, size = max(16, width - label - 12), max(1, self.size)
        lines = []
        for step, name in enumerate(names):
            row = ["."] * columns
            for symbol, b in zip(_symbols(), self.buffers, strict=False):
                if b.size and b.first <= step <= b.last:
                    start = b.offset * columns // size
                    stop = max(start + 1, -(-b.end * columns // size))
                    row[start:stop] = symbol * (stop - start)
            used = self.bytes_per_step[step]
            lines.append(f"{step:3} {name[: label - 5]:{label - 5}} {''.join(row[:columns])} {used:10,}")
        return lines


def _symbols() -> Iterator[str]:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    while True:
        yield from alphabet


def plan_memory(model: GraphSource) -> MemoryPlan:
    """Plan the arena of a model as TFLM does, with the scratch buffers of its reference kernels.

    Args:
        model: The bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`.
    """
    graph = graph_of(model)
    buffers = [b for b in _lifetimes(graph) if b.first >= 0 and b.size > 0]
    place_greedily(buffers)
    steps = ["(inputs)", *_step_names(graph)]
    return MemoryPlan(buffers, steps)


def place_greedily(buffers: Sequence[Buffer]) -> None:
    """Place every buffer that has no offset, as TFLM's ``GreedyMemoryPlanner`` does.

    Sizes are first rounded up to the alignment. The largest buffer is placed first. Of buffers of equal size, the last
    one in the list is first. Each gets the lowest gap between the placed buffers that are alive at an overlapping time.
    """
    for buffer in buffers:
        buffer.size = _align(buffer.size)
    placed = [b for b in buffers if b.offset >= 0]
    for buffer in sorted((b for b in reversed(buffers) if b.offset < 0), key=lambda b: -b.size):
        offset = 0
        for other in sorted(placed, key=lambda b: b.offset):
            if other.last < buffer.first or other.first > buffer.last:
                continue
            if other.offset - offset >= buffer.size:
                break
            offset = max(offset, other.end)
        buffer.offset = offset
        placed.append(buffer)


def _align(size: int) -> int:
    return -(-size // ARENA_ALIGNMENT) * ARENA_ALIGNMENT


def _called(graph: Graph, op: Operator) -> list[int]:
    """Return the subgraphs that a control-flow operator runs, in the order in which TFLM plans them."""
    fields = {
        "IF": ("thenSubgraphIndex", "elseSubgraphIndex"),
        "WHILE": ("condSubgraphIndex", "bodySubgraphIndex"),
        "CALL_ONCE": ("initSubgraphIndex",),
    }
    called = [getattr(op.options, name, -1) for name in fields.get(op.name, ())]
    return [i for i in called if 0 < i < len(graph.subgraphs)]


def _step_names(graph: Graph, subgraph: int = 0, depth: int = 0) -> Iterator[str]:
    for op in graph.subgraphs[subgraph].operators:
        yield op.name
        if depth < len(graph.subgraphs):  # a damaged model may call itself
            for index in _called(graph, op):
                yield f"(subgraph {index})"
                yield from _step_names(graph, index, depth + 1)


class _Lifetimes:
    """Finds for each tensor the first and the last step that needs it."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.step = 0
        self.depth = 0
        self.scratch: list[Buffer] = []
        self.kept_elsewhere: set[tuple[int, int]] = set()
        self.buffers = [
            [Buffer(t.nbytes, -1, -1, tensor=t.index, subgraph=g.index, name=t.name) for t in g.tensors]
            for g in graph.subgraphs
        ]

    def mark(self, subgraph: Subgraph) -> None:
        """Mark the tensors of a subgraph, and of the subgraphs that it runs."""
        self.depth += 1
        for index in (*subgraph.inputs, *subgraph.outputs):
            self._use(subgraph, index, created=True)
        for op in subgraph.operators:
            self.step += 1
            start = self.step
            for index in op.outputs:
                self._use(subgraph, index, created=True)
            if op.name == "VAR_HANDLE":  # the identifier of a resource is in the kernel's own data
                self.kept_elsewhere.update((subgraph.index, index) for index in op.outputs)
            if self.depth <= len(self.graph.subgraphs):
                for called in _called(self.graph, op):
                    self.step += 1
                    self.mark(self.graph.subgraphs[called])
            for index in (*op.inputs, *op.outputs):
                self._use(subgraph, index)
            self.scratch += [
                Buffer(size, start, self.step, subgraph=subgraph.index, name=f"scratch of {op.name} {op.index}")
                for size in scratch_bytes(subgraph, op)
            ]
        for index in subgraph.outputs:
            self._use(subgraph, index)
        self.depth -= 1

    def _use(self, subgraph: Subgraph, index: int, *, created: bool = False) -> None:
        if index < 0:  # an optional input that was left out
            return
        tensor = subgraph.tensors[index]
        if tensor.data is not None or tensor.is_variable:  # in flash, or in the arena's tail
            return
        buffer = self.buffers[subgraph.index][index]
        if created:
            buffer.first = self.step
        buffer.last = max(buffer.last, self.step)


def _lifetimes(graph: Graph) -> list[Buffer]:
    lifetimes = _Lifetimes(graph)
    lifetimes.mark(graph.main)
    tensors = [b for per_subgraph in lifetimes.buffers for b in per_subgraph]
    return [b for b in tensors if (b.subgraph, b.tensor) not in lifetimes.kept_elsewhere] + lifetimes.scratch


def scratch_bytes(subgraph: Subgraph, op: Operator) -> list[int]:
    """Return the sizes in bytes of the scratch buffers that TFLM's reference kernel of ``op`` requests."""
    inputs = [subgraph.tensors[i] for i in op.inputs if i >= 0]
    outputs = [subgraph.tensors[i] for i in op.outputs if i >= 0]
    if op.name in ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN") and len(inputs) == 2 and outputs:
        index_and_axes = [4 * len(inputs[0].shape), 4 * inputs[1].size]
        sums = op.name in ("MEAN", "SUM") and inputs[0].type_name in ("INT8", "UINT8", "INT16")
        return [*index_and_axes, outputs[0].size * 4] if sums else index_and_axes
    if op.name == "TRANSPOSE_CONV" and outputs and inputs:
        wide = {"INT8": 4, "INT16": 8}.get(inputs[-1].type_name, 0)
        return [outputs[0].size * wide] if wide else []
    if op.name == "MIRROR_PAD" and inputs:
        return [4 * len(inputs[0].shape)] * 2  # strides of the input and the output
    return []
