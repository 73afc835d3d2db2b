"""Flash and RAM of each layer, and of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mltk.errors import MltkError, RuntimeFailure
from mltk.micro.memory.arena import ArenaUsage, estimate_arena, measure_arena
from mltk.micro.memory.planner import MemoryPlan, plan_memory
from mltk.tflite.graph import Graph
from mltk.tflite.model_parameters import stored_parameters
from mltk.tflite.structure import structure_hash

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_PLANNED = "estimate of our planner"
_MOST_OF_ESTIMATE = 2  # a stored figure may be at most this many estimates, if its model is not known
MEASURED_MODEL = "runtime_memory_model"
"""Parameter of a ``.tflite``: the structure that ``runtime_memory_size`` was measured with."""


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

    Without ``measure``, the size that training stored in the ``.tflite`` has precedence, if it was measured
    with a model of the same structure.

    Args:
        model: The model.
        measure: Otherwise let TensorFlow Lite Micro measure it in child processes, which takes a second or less. If
            False, our planner estimates it, a few per cent off.
    """
    graph = model.graph
    estimate = replace(estimate_arena(graph), source=_PLANNED)
    if measure:
        try:
            usage = measure_arena(graph)
        except RuntimeFailure as e:
            return estimate, f"The arena could not be measured: {e.message}"
        return usage, "TensorFlow Lite Micro is not installed here." if usage.is_estimate else ""
    stored, owner = _stored_arena(model)
    if not stored:
        return estimate, ""
    if owner:
        is_own = owner == structure_hash(graph)
    else:  # written by MLTK 0.20 or by an early openmltk: all that can be told is whether the figure is possible
        is_own = plan_memory(graph).lower_bound <= stored <= _MOST_OF_ESTIMATE * estimate.total
    if not is_own:
        return estimate, (
            f"The .tflite stores {stored:,} bytes of RAM. This figure belongs to another model, and is ignored. "
            "Measure with --measure-ram."
        )
    return ArenaUsage(stored, estimate.head, stored - estimate.head, source="stored in the .tflite"), ""


def _stored_arena(model: TfliteModel) -> tuple[int, str]:
    """Return the bytes that the parameters name, and the structure of the model that they were measured with."""
    try:
        parameters = stored_parameters(model)
        return max(0, int(parameters.get("runtime_memory_size") or 0)), str(parameters.get(MEASURED_MODEL) or "")
    except (MltkError, TypeError, ValueError):
        return 0, ""
