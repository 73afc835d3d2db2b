"""Preflight: does the model fit? Names what is over its limit, by how much, and the layers to begin with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mltk.errors import MltkError
from mltk.micro.profile.units import format_bytes, format_time

if TYPE_CHECKING:
    from mltk.micro.profile.layer_result import ProfilingLayerResult
    from mltk.micro.profile.results import ProfilingModelResults

_N_WORST = 3


class OverBudget(MltkError):
    """The model needs more than it may; says of what, and which layers need most of it."""


@dataclass(frozen=True)
class Budget:
    """Limits; None is none. Sizes in bytes, ``max_latency_s`` in seconds for one inference."""

    max_ram: int | None = None
    max_flash: int | None = None
    max_latency_s: float | None = None

    def check(self, results: ProfilingModelResults) -> list[str]:
        """What is worth saying where all limits are kept: those within the error bar of an estimate.

        Raises:
            OverBudget: a limit is exceeded; names all that are.
        """
        over, near = [], []
        for name, found, limit, show, of_layer, error in self._items(results):
            if limit is None:
                continue
            if found > limit:
                worst = "\n".join(f"  {line}" for line in _worst(results, of_layer, show))
                over.append(f"{name}: {show(found)} of at most {show(limit)}. Most of it:\n{worst}")
            elif found * (1 + error) > limit:
                near.append(f"{name}: {show(found)} is within the error bar (± {error:.0%}) of {show(limit)}.")
        if over:
            message = f"{results.name} needs more than it may on {results.platform or 'this target'}."
            raise OverBudget(message, hint="\n".join(over))
        return near

    def _items(self, results: ProfilingModelResults) -> list[tuple]:
        ram_error = 0.1 if results.ram_is_estimate else 0.0
        latency = results.time_error or 0.0
        return [
            ("RAM", results.runtime_memory_bytes, self.max_ram, format_bytes, _ram, ram_error),
            ("flash", results.flatbuffer_size, self.max_flash, format_bytes, _flash, 0.0),
            ("latency", results.time, self.max_latency_s, format_time, _time, latency),
        ]


def _ram(layer: ProfilingLayerResult) -> float:
    return layer.ram


def _flash(layer: ProfilingLayerResult) -> float:
    return layer.flash


def _time(layer: ProfilingLayerResult) -> float:
    return layer.time


def _worst(
    results: ProfilingModelResults,
    of_layer: Callable[[ProfilingLayerResult], float],
    show: Callable[[float], str],
) -> list[str]:
    worst = sorted(results.layers, key=of_layer, reverse=True)[:_N_WORST]
    return [f"layer {x.index}, {x.opcode_str} → {x.output_shape_str}: {show(of_layer(x))}" for x in worst]
