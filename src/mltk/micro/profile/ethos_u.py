"""Layers of a model on an Ethos-U. Vela says what the NPU takes; our estimate covers what stays on the CPU."""

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
# Operators without an output that would identify them: name in Vela → name in the .tflite.
_WITHOUT_OUTPUT = {"VariableWrite": "assign_variable", "CallOnce": "call_once"}
_UNLISTED = 0.05  # share of the total that may be missing from Vela's list without a note


def compile_layers(
    model: TfliteModel,
    target: Target,
    layers: Sequence[ProfilingLayerResult],
    estimates: Sequence[LayerEstimate],
    clock_hz: float | None,
) -> tuple[str, int]:
    """Compile a model with Vela, and set the cycles and times of its layers.

    Args:
        model: The model.
        target: An Ethos-U.
        layers: The model's layers. Their figures are set.
        estimates: What each layer takes if it stays on the CPU.
        clock_hz: Clock rate of the NPU; by default Vela's.

    Returns:
        A sentence on what Vela did with the model, and the bytes of SRAM that it uses.
    """
    compiled = compile_with_vela(model.flatbuffer_data, target.vela)
    npu_clock = clock_hz or compiled.clock_hz
    cpu_clock = load_target(target.coefficients_of).clock_hz if target.coefficients_of else target.clock_hz
    made = [[t.name for t in layer.tflite_layer.outputs if t is not None] for layer in layers]
    npu_cycles, on_cpu = attribute(compiled, {name for names in made for name in names})
    unlisted = []
    for layer, estimate, names in zip(layers, estimates, made, strict=True):
        if _is_on_cpu(compiled, on_cpu, layer, names):
            _put_on_cpu(layer, estimate.cycles, estimate.cycles / cpu_clock, npu_clock)
        else:
            _put_on_npu(layer, sum(npu_cycles.get(name, 0.0) for name in names), npu_clock)
            if not any(name in npu_cycles for name in names):
                unlisted.append(layer)
    about = _about(compiled, layers) + _spread(compiled, layers, unlisted, npu_clock)
    return about, compiled.memory_bytes.get("sram", 0)


def _is_on_cpu(compiled: VelaResult, on_cpu: set[str], layer: ProfilingLayerResult, made: Sequence[str]) -> bool:
    if any(name in on_cpu for name in made):
        return True
    return not made and layer.opcode_str in {_WITHOUT_OUTPUT.get(name) for name in compiled.cpu_operators}


def _put_on_cpu(layer: ProfilingLayerResult, cpu_cycles: float, time: float, npu_clock: float) -> None:
    # The cycles of all layers are cycles of the NPU's clock.
    layer.update(cycles=round(time * npu_clock), cpu_cycles=round(cpu_cycles), accelerator_cycles=0, time=time)
    layer.update(measured=False, error_msg=layer.error_msg or ON_CPU)


def _put_on_npu(layer: ProfilingLayerResult, cycles: float, npu_clock: float) -> None:
    time = cycles / npu_clock
    layer.update(cycles=round(cycles), cpu_cycles=0, accelerator_cycles=round(cycles), time=time)


def _spread(
    compiled: VelaResult,
    layers: Sequence[ProfilingLayerResult],
    unlisted: Sequence[ProfilingLayerResult],
    npu_clock: float,
) -> str:
    """Spread the rest of Vela's total over the layers that it did not list, by MACs and outputs.

    Vela does not list every operator of a model with state.

    Returns:
        A sentence that says so; empty if nothing was spread.
    """
    rest = compiled.total_cycles - sum(layer.accelerator_cycles for layer in layers)
    if rest <= _UNLISTED * compiled.total_cycles or not unlisted:
        return ""
    weights = [layer.macs + _n_outputs(layer) + 1 for layer in unlisted]
    for layer, weight in zip(unlisted, weights, strict=True):
        _put_on_npu(layer, rest * weight / sum(weights), npu_clock)
        layer.update(measured=False)
    return (
        f" Vela lists {len(layers) - len(unlisted)} of {len(layers)} operators. The rest of its total is spread over "
        "the other operators (~) by their MACs and outputs."
    )


def _n_outputs(layer: ProfilingLayerResult) -> int:
    return sum(t.shape.flat_size for t in layer.tflite_layer.outputs if t is not None)


def _about(compiled: VelaResult, layers: Sequence[ProfilingLayerResult]) -> str:
    stored = ", ".join(f"{n:,} bytes of {name.replace('_', ' ')}" for name, n in compiled.memory_bytes.items())
    text = f"Vela {compiled.version} compiled it: {stored}."
    fallbacks = [layer.opcode_str for layer in layers if layer.error_msg == ON_CPU]
    if not fallbacks and not compiled.cpu_operators:
        return f"{text} All operators run on the NPU."
    counts = {name: fallbacks.count(name) for name in fallbacks}
    named = ", ".join(f"{n} × {name}" for name, n in (counts or compiled.cpu_operators).items())
    return f"{text} These stay on the CPU: {named}."
