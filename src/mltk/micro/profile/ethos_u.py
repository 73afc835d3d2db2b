"""Layers of a model on an Ethos-U: cycles of the NPU from Vela, of what it leaves to the CPU from our estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mltk.micro.profile.estimate import LayerEstimate
from mltk.micro.profile.layer_result import ProfilingLayerResult
from mltk.micro.profile.targets import Target, load_target
from mltk.micro.profile.vela import VelaResult, attribute, compile_with_vela

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

ON_CPU = "stays on the CPU"
# Operators without an output to know them by, as Vela and the .tflite name them.
_WITHOUT_OUTPUT = {"VariableWrite": "assign_variable", "CallOnce": "call_once"}
_UNLISTED = 0.05  # share of the total that may be missing from Vela's list without being worth a word


def compile_layers(
    model: TfliteModel,
    target: Target,
    layers: Sequence[ProfilingLayerResult],
    estimates: Sequence[LayerEstimate],
    clock_hz: float | None,
) -> tuple[str, int]:
    """Set the cycles and times of ``layers``; give a sentence on what Vela made of the model, and bytes of SRAM."""
    compiled = compile_with_vela(model.flatbuffer_data, target.vela)
    names = [[t.name for t in layer.tflite_layer.outputs if t is not None] for layer in layers]
    listed, cpu_made = attribute(compiled, {name for made in names for name in made})
    cpu_clock = load_target(target.coefficients_of).clock_hz if target.coefficients_of else target.clock_hz
    npu_clock = clock_hz or compiled.clock_hz
    for layer, estimate, made in zip(layers, estimates, names, strict=True):
        on_cpu = _is_on_cpu(compiled, cpu_made, layer, made)
        cycles = sum(listed.get(name, 0.0) for name in made)
        time = estimate.cycles / cpu_clock if on_cpu else cycles / npu_clock
        layer.update(
            cycles=round(time * npu_clock),
            cpu_cycles=round(estimate.cycles) if on_cpu else 0,
            accelerator_cycles=0 if on_cpu else round(cycles),
            time=time,
        )
        if on_cpu:
            layer.update(measured=False, error_msg=layer.error_msg or ON_CPU)
    missing = [
        layer
        for layer, made in zip(layers, names, strict=True)
        if layer.error_msg != ON_CPU and not any(name in listed for name in made)
    ]
    about = _about(compiled, layers) + _spread(compiled, layers, missing, npu_clock)
    return about, compiled.memory_bytes.get("sram", 0)


def _is_on_cpu(compiled: VelaResult, cpu_made: set[str], layer: ProfilingLayerResult, made: list[str]) -> bool:
    if any(name in cpu_made for name in made):
        return True
    return not made and layer.opcode_str in {_WITHOUT_OUTPUT.get(name) for name in compiled.cpu_operators}


def _spread(
    compiled: VelaResult,
    layers: Sequence[ProfilingLayerResult],
    missing: Sequence[ProfilingLayerResult],
    npu_clock: float,
) -> str:
    """Vela does not list every operator of a model with state: put the rest of its total down to the others."""
    rest = compiled.total_cycles - sum(layer.accelerator_cycles for layer in layers)
    if rest <= _UNLISTED * compiled.total_cycles or not missing:
        return ""
    weights = [layer.macs + sum(t.shape.flat_size for t in layer.tflite_layer.outputs) + 1 for layer in missing]
    for layer, weight in zip(missing, weights, strict=True):
        cycles = rest * weight / sum(weights)
        layer.update(cycles=round(cycles), accelerator_cycles=round(cycles), time=cycles / npu_clock, measured=False)
    return (
        f" Vela lists {len(layers) - len(missing)} of {len(layers)} operators; the rest of its total is spread over "
        "the others (~) by their MACs and outputs."
    )


def _about(compiled: VelaResult, layers: Sequence[ProfilingLayerResult]) -> str:
    stored = ", ".join(f"{n:,} bytes of {name.replace('_', ' ')}" for name, n in compiled.memory_bytes.items())
    text = f"Vela {compiled.version} compiled it: {stored}."
    fallbacks = [layer.opcode_str for layer in layers if layer.error_msg == ON_CPU]
    if not fallbacks and not compiled.cpu_operators:
        return f"{text} All operators run on the NPU."
    counts = {name: fallbacks.count(name) for name in fallbacks}
    named = ", ".join(f"{n} × {name}" for name, n in (counts or compiled.cpu_operators).items())
    return f"{text} On the CPU stay: {named}."
