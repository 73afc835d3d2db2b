"""Profile a ``.tflite`` for a target: the cost of every layer, estimated from its shapes or computed by Vela."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mltk.micro.border import wrong_borders
from mltk.micro.engines.operators import missing_operators
from mltk.micro.memory.arena import ArenaUsage
from mltk.micro.memory.planner import plan_memory
from mltk.micro.profile.estimate import LayerEstimate, estimate_layer
from mltk.micro.profile.features import shape_of
from mltk.micro.profile.kernel_kind import unmeasured_kind
from mltk.micro.profile.layer_result import ProfilingLayerResult
from mltk.micro.profile.memory import arena_of, layer_flash, layer_ram
from mltk.micro.profile.results import ProfilingModelResults
from mltk.micro.profile.targets import Target, load_target
from mltk.tflite.layers.counts import count_layer
from mltk.tflite.layers.uncounted import uncounted_layers

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

ROUGH_ERROR = 0.6  # of an operator that is estimated like another operator, or by its elements alone


def profile_tflite(
    model: TfliteModel,
    target: str | Target | None = None,
    *,
    clock_hz: float | None = None,
    active_power_w: float | None = None,
    measure_ram: bool = False,
) -> ProfilingModelResults:
    """Estimate what a model costs on a target.

    Args:
        model: The model. Its main subgraph is selected.
        target: A target or its name; None for memory and counts without cycles.
        clock_hz: Clock rate in Hz; by default the target's.
        active_power_w: Power of the device while it computes, in watts. The energy is this power times the time.
        measure_ram: Let TensorFlow Lite Micro measure the tensor arena (a second or less) instead of estimating it.

    Raises:
        MltkError: There is no such target.
        MissingDependencyError: The target is an Ethos-U, and Vela is not installed.
        RuntimeFailure: Vela cannot compile the model.
    """
    chosen = load_target(target) if isinstance(target, str) else target
    model.selected_model_subgraph = 0
    notes = wrong_borders(model)
    sram = 0
    unknown = uncounted_layers(model)
    layers = _layers(model, unknown)
    if chosen is not None:
        clock = clock_hz or chosen.clock_hz
        estimates = [_estimate(chosen, layer) for layer in layers]
        if chosen.vela:
            from mltk.micro.profile.ethos_u import compile_layers

            about, sram = compile_layers(model, chosen, layers, estimates, clock_hz)
            notes.append(about)
        else:
            _set_cycles(layers, estimates, clock)
        notes += _notes(chosen, layers)
    usage, why = arena_of(model, measure=measure_ram)
    if sram:
        usage, why = ArenaUsage(sram, sram, 0, source="SRAM, by Vela"), ""
    if why:
        notes.append(why)
    for index, reason in unknown.items():
        notes.append(f"Unknown: layer {index}: {reason}. MACs, operations and time are without it.")
    if active_power_w:
        for layer in layers:
            layer["energy"] = layer.time * active_power_w
    return ProfilingModelResults(
        model,
        accelerator=chosen.accelerator if chosen else None,
        platform=chosen.name if chosen else None,
        cpu_clock_rate=int(clock_hz or chosen.clock_hz) if chosen else 0,
        runtime_memory_bytes=usage.total,
        layers=layers,
        target=chosen,
        time_error=_time_error(chosen, layers) if chosen else None,
        ram_is_estimate=usage.is_estimate,
        ram_source=usage.source,
        ram_is_known=_is_ram_known(usage, unknown, compiled=bool(sram)),
        notes=notes,
    )


def _is_ram_known(usage: ArenaUsage, unknown: Mapping[int, str], *, compiled: bool) -> bool:
    """Return whether the RAM is known: all layers are counted, or TensorFlow Lite Micro ran the model.

    A model with an open dimension ran with 1 in its place.
    """
    return not unknown or not (usage.is_estimate or compiled or any("open" in why for why in unknown.values()))


def _layers(model: TfliteModel, unknown: Mapping[int, str]) -> list[ProfilingLayerResult]:
    graph = model.graph
    missing = set(missing_operators(graph))
    rows = zip(
        model.layers, graph.main.operators, layer_flash(graph), layer_ram(graph, plan_memory(graph)), strict=True
    )
    results = []
    for layer, operator, flash, ram in rows:
        count = count_layer(layer)
        problem = f"TensorFlow Lite Micro has no {operator.name}" if operator.name in missing else None
        result = ProfilingLayerResult(layer, count.ops, count.macs, error_msg=problem, flash=flash, ram=ram)
        if layer.index in unknown:
            result["unknown_cost"] = unknown[layer.index]
        if kind := unmeasured_kind(layer) or (f"{operator.name} without a kernel" if problem else ""):
            result["unmeasured"] = kind
        results.append(result)
    return results


def _estimate(target: Target, layer: ProfilingLayerResult) -> LayerEstimate:
    dtypes = {t.dtype_str for t in (*layer.tflite_layer.inputs[:1], *layer.tflite_layer.outputs[:1]) if t is not None}
    return estimate_layer(target, shape_of(layer.tflite_layer, layer.macs), accelerate=dtypes <= {"int8"})


def _set_cycles(layers: Sequence[ProfilingLayerResult], estimates: Sequence[LayerEstimate], clock_hz: float) -> None:
    for layer, estimate in zip(layers, estimates, strict=True):
        layer.update(
            cycles=round(estimate.cycles),
            cpu_cycles=round(estimate.cpu_cycles),
            accelerator_cycles=round(estimate.accelerator_cycles),
            time=estimate.cycles / clock_hz,
            measured=estimate.measured and not layer.get("unknown_cost") and not layer.get("unmeasured"),
        )


def _rough_share(layers: Sequence[ProfilingLayerResult]) -> float:
    """Return the share of the time in operators that no measurement supports."""
    time = sum(layer.time for layer in layers)
    return sum(layer.time for layer in layers if layer.get("measured") is False) / time if time else 0.0


def _time_error(target: Target, layers: Sequence[ProfilingLayerResult]) -> float | None:
    """Return the target's error bar, and a wider one for the share of the time that is a rule of thumb."""
    if target.model_error is None:
        return None
    rough = _rough_share(layers)
    return (1 - rough) * target.model_error + rough * max(ROUGH_ERROR, target.model_error)


def _notes(target: Target, layers: Sequence[ProfilingLayerResult]) -> list[str]:
    notes = []
    if target.model_error is not None:
        notes.append(f"Error bar of this target: ± {target.model_error:.0%}, {target.error_basis}.")
    elif target.error_basis:
        notes.append(f"No error bar: {target.error_basis}.")
    rough: dict[str, Any] = dict.fromkeys(layer.opcode_str for layer in layers if layer.get("measured") is False)
    if rough and not target.vela:
        notes.append(
            f"~ No measurement supports the estimate of {', '.join(rough)} on this core: "
            f"{_rough_share(layers):.0%} of the time, with an error bar of ± {ROUGH_ERROR:.0%}."
        )
    if kinds := dict.fromkeys(str(kind) for layer in layers if (kind := layer.get("unmeasured"))):
        notes.append(
            f"No kernel of this kind was measured: {'; '.join(kinds)}. The time is a guess, and keeps no limit."
        )
    return notes
