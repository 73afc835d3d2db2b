"""Flash and RAM of each layer, and of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mltk.errors import MltkError, RuntimeFailure
from mltk.micro.memory.arena import ArenaUsage, estimate_arena, measure_arena
from mltk.micro.memory.planner import MemoryPlan
from mltk.tflite.graph import Graph
from mltk.tflite.model_parameters import stored_parameters

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_PLANNED = "estimate of our planner"


def layer_flash(graph: Graph) -> list[int]:
    """Return the bytes of the constants of each operator of the main subgraph.

    A shared constant counts for the first operator that reads it.
    """
    seen: set[int] = set()
    sizes = []
    for operator in graph.main.operators:
        total = 0
        for tensor in (graph.main.tensors[i] for i in operator.inputs if i >= 0):
            if tensor.data is not None and tensor.buffer not in seen:
                seen.add(tensor.buffer)
                total += tensor.data.nbytes
        sizes.append(total)
    return sizes


def layer_ram(graph: Graph, plan: MemoryPlan) -> list[int]:
    """Return the bytes of the arena's head that are in use while each operator of the main subgraph runs."""
    in_use = plan.bytes_per_step
    steps: list[int] = []
    position = 1  # step 0 is the time before the first operator
    for _ in graph.main.operators:
        steps.append(position)
        position = _behind_calls(graph, plan.step_names, position + 1)
    return [in_use[step] if step < len(in_use) else 0 for step in steps]


def _behind_calls(graph: Graph, names: list[str], position: int) -> int:
    """Return the step after the subgraphs that the operator before ``position`` runs."""
    while position < len(names) and names[position].startswith("(subgraph "):
        called = int(names[position].removeprefix("(subgraph ").removesuffix(")"))
        position += 1
        for _ in graph.subgraphs[called].operators:
            position = _behind_calls(graph, names, position + 1)
    return position


def arena_of(model: TfliteModel, *, measure: bool) -> tuple[ArenaUsage, str]:
    """Return the tensor arena of a model, and a note on where the figure comes from.

    Without ``measure``, the size that training measured and stored in the ``.tflite`` has precedence.

    Args:
        model: The model.
        measure: Otherwise let TensorFlow Lite Micro measure it in child processes, which takes a second or less. If
            False, our planner estimates it, a few per cent off.
    """
    graph = model.graph
    stored = _stored_arena(model)
    estimate = replace(estimate_arena(graph), source=_PLANNED)
    if stored and not measure:
        return ArenaUsage(stored, estimate.head, stored - estimate.head, source="stored in the .tflite"), ""
    if not measure:
        return estimate, ""
    try:
        usage = measure_arena(graph)
    except RuntimeFailure as e:
        return estimate, f"The arena could not be measured: {e.message}"
    return usage, "TensorFlow Lite Micro is not installed here." if usage.is_estimate else ""


def _stored_arena(model: TfliteModel) -> int:
    try:
        return max(0, int(stored_parameters(model).get("runtime_memory_size") or 0))
    except (MltkError, TypeError, ValueError):
        return 0
