"""MLTK 0.20's memory plan: a list of buffers with a size, a lifetime and an offset.

:mod:`mltk.micro.memory.planner` makes the plan.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from mltk.micro.memory.planner import Buffer, MemoryPlan, place_greedily, plan_memory

if TYPE_CHECKING:
    from mltk.tflite import TfliteModel


class TfliteMicroMemoryPlanBufferTensor(NamedTuple):
    """A tensor in a buffer."""

    subgraph_id: int
    tensor_id: int
    name: str = ""


class TfliteMicroMemoryPlanBuffer:
    """A buffer in the arena.

    Args:
        size: Size in bytes.
        start: First step that uses the buffer.
        end: Last step that uses the buffer.
        offset: Place in the arena in bytes; -1 if it is not planned.
        tensors: Tensors in the buffer.
        subgraph_id: Subgraph of the tensor for which the buffer was made; -1 for scratch memory.
        tensor_id: Index of this tensor; -1 for scratch memory.
    """

    def __init__(
        self,
        size: int,
        start: int,
        end: int,
        offset: int = -1,
        tensors: list[TfliteMicroMemoryPlanBufferTensor] | None = None,
        subgraph_id: int = -1,
        tensor_id: int = -1,
    ) -> None:
        self.size, self.start, self.end, self.offset = int(size), int(start), int(end), int(offset)
        self.subgraph_id, self.tensor_id = subgraph_id, tensor_id
        self.tensors = list(tensors or [])

    @property
    def memory_usage_bytes(self) -> int:
        """End of the buffer in the arena in bytes; 0 if it is not planned."""
        return self.offset + self.size if self.offset >= 0 else 0

    @property
    def associated_tensors_str(self) -> str:
        """Names of the tensors in the buffer."""
        return ", ".join(t.name or f"tensor {t.tensor_id}" for t in self.tensors)

    @property
    def max_tensor(self) -> TfliteMicroMemoryPlanBufferTensor | None:
        """The tensor for which the buffer was made; None for scratch memory."""
        return self.tensors[0] if self.tensors else None

    def equals(
        self,
        buffer: TfliteMicroMemoryPlanBuffer | None = None,
        subgraph_id: int | None = None,
        tensor_id: int | None = None,
    ) -> bool:
        """Return whether this is the buffer of the same tensor."""
        if buffer is not None:
            subgraph_id, tensor_id = buffer.subgraph_id, buffer.tensor_id
        return (self.subgraph_id, self.tensor_id) == (subgraph_id, tensor_id)

    def to_dict(self) -> dict[str, int]:
        """Return the buffer as a dict, with the keys of MLTK 0.20."""
        names = ("size", "offset", "start", "end", "subgraph_id", "tensor_id")
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        return f"<buffer of {self.size} bytes at {self.offset}, steps {self.start} to {self.end}>"


class TfliteMicroMemoryPlan(list[TfliteMicroMemoryPlanBuffer]):
    """Planned buffers, and the size of the persistent memory in bytes."""

    def __init__(
        self,
        memory_type: str = "sram",
        tflite_model: TfliteModel | None = None,
        total_persistent_runtime_size: int | None = None,
        persistent_runtime_sizes: list[int] | None = None,
        temp_runtime_sizes: list[int] | None = None,
    ) -> None:
        super().__init__()
        self.memory_type = memory_type
        self.tflite_model = tflite_model
        self.total_persistent_runtime_size = int(total_persistent_runtime_size or 0)
        self.persistent_runtime_sizes = list(persistent_runtime_sizes or [])
        self.temp_runtime_sizes = list(temp_runtime_sizes or [])
        self._step_names: list[str] = []

    @staticmethod
    def create(memory_plan: Iterable[dict[str, Any]], **kwargs: Any) -> TfliteMicroMemoryPlan:
        """Make a plan from dicts with ``size``, ``start``, ``end``, ``offset``, ``subgraph_id`` and ``tensor_id``."""
        plan = TfliteMicroMemoryPlan(**kwargs)
        plan.extend(TfliteMicroMemoryPlanBuffer(**entry) for entry in memory_plan)
        return plan

    @staticmethod
    def from_model(tflite_model: TfliteModel, **kwargs: Any) -> TfliteMicroMemoryPlan:
        """Make the plan that TFLM makes for a model."""
        planned = plan_memory(tflite_model.graph)
        plan = TfliteMicroMemoryPlan(tflite_model=tflite_model, **kwargs)
        plan._step_names = planned.step_names
        for b in planned.buffers:
            tensors = [TfliteMicroMemoryPlanBufferTensor(b.subgraph, b.tensor, b.name)] if b.tensor >= 0 else []
            plan.append(TfliteMicroMemoryPlanBuffer(b.size, b.first, b.last, b.offset, tensors, b.subgraph, b.tensor))
        return plan

    def clone(self) -> TfliteMicroMemoryPlan:
        """Return a plan with copies of all buffers."""
        plan = TfliteMicroMemoryPlan.create(
            (b.to_dict() for b in self),
            memory_type=self.memory_type,
            tflite_model=self.tflite_model,
            total_persistent_runtime_size=self.total_persistent_runtime_size,
            persistent_runtime_sizes=self.persistent_runtime_sizes,
            temp_runtime_sizes=self.temp_runtime_sizes,
        )
        for theirs, ours in zip(plan, self, strict=True):
            theirs.tensors = list(ours.tensors)
        plan._step_names = list(self._step_names)
        return plan

    @property
    def max_time(self) -> int:
        """The last step."""
        return max((b.end for b in self), default=0)

    @property
    def n_valid_buffers(self) -> int:
        """Number of planned buffers."""
        return sum(b.offset >= 0 for b in self)

    @property
    def buffer_groups(self) -> list[list[TfliteMicroMemoryPlanBuffer]]:
        """The buffers in use at each step."""
        return [[b for b in self if b.start <= t <= b.end] for t in range(self.max_time + 1)]

    @property
    def buffer_memory_usage_bytes(self) -> int:
        """Size of the planned buffers in bytes."""
        return max((b.memory_usage_bytes for b in self), default=0)

    @property
    def temporary_memory_usage_bytes(self) -> int:
        """Size in bytes of the memory that only the preparation of the model needs."""
        return max(self.temp_runtime_sizes, default=0)

    @property
    def total_memory_usage_bytes(self) -> int:
        """Size of the planned buffers and of the persistent memory in bytes."""
        return self.buffer_memory_usage_bytes + self.total_persistent_runtime_size

    def _as_plan(self) -> MemoryPlan:
        buffers = [
            Buffer(b.size, b.start, b.end, b.offset, b.tensor_id, b.subgraph_id, b.associated_tensors_str)
            for b in self
            if b.offset >= 0
        ]
        return MemoryPlan(buffers, self._step_names)

    def get_layout_str(self, line_width: int = 80) -> str:
        """Return the arena at each step as text, with a letter for each buffer."""
        return "\n".join(self._as_plan().layout(line_width))

    def get_summary(self, include_layer_stats: bool = False) -> str:
        """Return the sizes as text; with ``include_layer_stats`` also the bytes in use at each step."""
        lines = [
            f"Memory type: {self.memory_type}",
            f"Buffers: {self.n_valid_buffers}",
            f"Buffer memory: {self.buffer_memory_usage_bytes:,} bytes",
            f"Persistent memory: {self.total_persistent_runtime_size:,} bytes",
            f"Total memory: {self.total_memory_usage_bytes:,} bytes",
        ]
        if include_layer_stats:
            lines += [f"  step {i}: {n:,} bytes" for i, n in enumerate(self._as_plan().bytes_per_step)]
        return "\n".join(lines)

    def to_string(self, line_width: int = 80) -> str:
        """Return the summary, the buffers and the layout as text."""
        return f"{self.get_summary()}\n\n{self._as_plan().to_text(line_width)}"

    def __str__(self) -> str:
        return self.to_string()


class TfliteMicroMemoryPlanner:
    """Places buffers like TFLM's greedy planner: the added buffers, or if there are none, those of a model."""

    def __init__(self, tflite_model: TfliteModel | None = None, memory_type: str = "sram") -> None:
        self.tflite_model, self.memory_type = tflite_model, memory_type
        self.buffers: list[TfliteMicroMemoryPlanBuffer] = []

    def add_buffer(self, buffer: TfliteMicroMemoryPlanBuffer) -> None:
        """Add a buffer. A buffer that has an offset keeps it."""
        self.buffers.append(buffer)

    def get_plan(self) -> TfliteMicroMemoryPlan:
        """Return the plan, and set the offsets of the added buffers."""
        if not self.buffers and self.tflite_model is not None:
            return TfliteMicroMemoryPlan.from_model(self.tflite_model, memory_type=self.memory_type)
        placed = [Buffer(b.size, b.start, b.end, b.offset) for b in self.buffers]
        place_greedily(placed)
        plan = TfliteMicroMemoryPlan(self.memory_type, self.tflite_model)
        for ours, theirs in zip(self.buffers, placed, strict=True):
            ours.offset = theirs.offset
            plan.append(ours)
        return plan
