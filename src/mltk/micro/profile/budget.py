"""Limits on what a model may need. If it needs more, the error names the limits and the most expensive layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mltk.errors import MltkError
from mltk.micro.profile.figures import ModelFigures
from mltk.micro.profile.layer_result import ProfilingLayerResult
from mltk.micro.profile.units import format_bytes, format_time

_N_WORST = 3
_RAM_ERROR = 0.1  # of the planner's estimate


class OverBudget(MltkError):
    """The model needs more than it may. The message says how much, and which layers need most of it."""


@dataclass(frozen=True)
class _Limit:
    """One limit, and what the model needs of it."""

    name: str
    found: float
    limit: float | None
    show: Callable[[float], str]
    of_layer: Callable[[ProfilingLayerResult], float]
    error: float  # error bar of `found`, as a share


@dataclass(frozen=True)
class Budget:
    """Limits on a model.

    Attributes:
        max_ram: Largest tensor arena in bytes; None for no limit.
        max_flash: Largest ``.tflite`` in bytes; None for no limit.
        max_latency_s: Longest time of one inference in seconds; None for no limit.
    """

    max_ram: int | None = None
    max_flash: int | None = None
    max_latency_s: float | None = None

    def check(self, results: ModelFigures) -> list[str]:
        """Check that a model keeps all limits.

        Returns:
            A sentence for each figure that is below its limit by less than its error bar.

        Raises:
            OverBudget: The model exceeds a limit. The message names all limits that it exceeds.
        """
        over, near = [], []
        unknown = [f"  layer {x.index}: {why}" for x in results.layers if (why := x.get("unknown_cost"))]
        for item in self._items(results):
            limit, show = item.limit, item.show
            if limit is None:
                continue
            if unknown and item.name != "flash":
                over.append("\n".join([f"{item.name}: unknown, of at most {show(limit)}. Not counted:", *unknown]))
            elif item.found > limit:
                worst = "\n".join(f"  {line}" for line in _worst(results, item))
                over.append(f"{item.name}: {show(item.found)} of at most {show(limit)}. Most of it:\n{worst}")
            elif item.found * (1 + item.error) > limit:
                near.append(
                    f"{item.name}: {show(item.found)} is within the error bar (± {item.error:.0%}) of {show(limit)}."
                )
        if over and unknown:
            raise OverBudget(f"What {results.name} needs is not known, so it keeps no limit.", hint="\n".join(over))
        if over:
            message = f"{results.name} needs more than it may on {results.platform or 'this target'}."
            raise OverBudget(message, hint="\n".join(over))
        return near

    def _items(self, results: ModelFigures) -> list[_Limit]:
        ram, flash, time = results.runtime_memory_bytes, results.flatbuffer_size, results.time
        ram_error = _RAM_ERROR if results.ram_is_estimate else 0.0
        return [
            _Limit("RAM", ram, self.max_ram, format_bytes, lambda layer: layer.ram, ram_error),
            _Limit("flash", flash, self.max_flash, format_bytes, lambda layer: layer.flash, 0.0),
            _Limit(
                "latency", time, self.max_latency_s, format_time, lambda layer: layer.time, results.time_error or 0.0
            ),
        ]


def _worst(results: ModelFigures, item: _Limit) -> list[str]:
    worst = sorted(results.layers, key=item.of_layer, reverse=True)[:_N_WORST]
    return [f"layer {x.index}, {x.opcode_str} → {x.output_shape_str}: {item.show(item.of_layer(x))}" for x in worst]
