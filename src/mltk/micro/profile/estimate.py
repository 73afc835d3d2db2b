"""Estimate the cycles of a layer on a target: the layer's counts times the target's coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mltk.micro.profile.features import LayerShape, layer_features
from mltk.micro.profile.targets import Target


@dataclass(frozen=True)
class LayerEstimate:
    """Estimated clock cycles of a layer. CPU and accelerator may work at the same time.

    Attributes:
        cycles: From the layer's start to its end.
        cpu_cycles: Of the CPU.
        accelerator_cycles: Of the accelerator.
        measured: Measurements of the operator support the estimate. Otherwise it is a rule of thumb.
    """

    cycles: float
    cpu_cycles: float
    accelerator_cycles: float
    measured: bool


def estimate_layer(target: Target, shape: LayerShape, *, accelerate: bool = True) -> LayerEstimate:
    """Estimate one layer.

    Args:
        target: The device.
        shape: The shapes of the layer.
        accelerate: The accelerator may run the layer. False for a data type that it does not support.
    """
    counts = layer_features(shape)
    on_accelerator = accelerate and not shape.is_float and shape.operator in target.accelerator_cycles
    accelerator = weighted_sum(target.accelerator_cycles[shape.operator], counts) if on_accelerator else 0.0
    table = target.cpu_cycles
    own = table.get(shape.operator)
    if target.accelerator_cycles and not on_accelerator:  # the kernel that runs if the accelerator cannot
        own = table.get(f"{shape.operator}/reference", own)
    cpu = weighted_sum(table.get("*", {}) if own is None else own, counts)
    if shape.is_float:
        cpu *= target.float_factor
    longer, shorter = max(cpu, accelerator), min(cpu, accelerator)
    measured = own is not None and shape.operator not in target.rough and not shape.is_float
    return LayerEstimate(longer + target.overlap.get(shape.operator, 1.0) * shorter, cpu, accelerator, measured)


def weighted_sum(coefficients: Mapping[str, float], counts: Mapping[str, float]) -> float:
    """Return the sum over the counts that have a coefficient."""
    return sum(cycles * counts.get(name, 0.0) for name, cycles in coefficients.items())
