"""Flash and RAM of each layer, and of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mltk.errors import MltkError, RuntimeFailure
from mltk.micro.memory.arena import ArenaUsage, estimate_arena, measure_arena
from mltk.micro.memory.planner import MemoryPlan
from mltk.tflite.graph import Graph

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

_PLANNED = "estimate of our planner"


def layer_flash(graph: Graph) -> list[int]:
    """Bytes of the constants of each operator of the main subgraph; shared ones count for the first that reads them."""
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
    """Bytes of the arena's head in use while each operator of the main subgraph runs."""
    in_use = plan.bytes_per_step
    steps: list[int] = []
    position = 1  # step 0 is the time before the first operator
    for _ in graph.main.operators:
        steps.append(position)
        position = _behind_calls(graph, plan.step_names, position + 1)
    return [in_use[step] if step < len(in_use) else 0 for step in steps]


def _behind_calls(graph: Graph, names: list[str], position: int) -> int:
    """The step behind the subgraphs that the operator before ``position`` runs."""
    while position < len(names) and names[position].startswith("(subgraph "):
        called = int(names[position].removeprefix("(subgraph ").removesuffix(")"))
        position += 1
        for _ in graph.subgraphs[called].operators:
            position = _behind_calls(graph, names, position + 1)
    return position


def arena_of(model: TfliteModel, graph: Graph, *, measure: bool) -> tuple[ArenaUsage, str]:
    """The arena and a note on where the figure is from.

    What training measured and stored in the ``.tflite`` is taken as it is; else with ``measure`` TensorFlow Lite Micro
    is asked (a second or less, in child processes), and without it our planner (a few per cent off).
    """
    stored = _stored_arena(model)
    estimate = replace(estimate_arena(graph), source=_PLANNED)
    if stored:
        return ArenaUsage(stored, estimate.head, stored - estimate.head, source="stored in the .tflite"), ""
    if not measure:
        return estimate, ""
    try:
        usage = measure_arena(model.flatbuffer_data)
    except RuntimeFailure as e:
        return estimate, f"The arena could not be measured: {e.message}"
    return usage, "TensorFlow Lite Micro is not installed here." if usage.is_estimate else ""


def _stored_arena(model: TfliteModel) -> int:
    from mltk.tflite.model_parameters import TfliteModelParameters

    try:
        parameters = TfliteModelParameters.load_from_tflite_model(model)
        return max(0, int(parameters.get("runtime_memory_size") or 0))
    except (MltkError, TypeError, ValueError):
        return 0
