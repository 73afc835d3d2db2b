"""Limits on what a model may need. If it needs more, the error names the limits and the most expensive layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mltk.errors import MltkError
from mltk.micro.profile.counted import ZERO_WAIT_STATES
from mltk.micro.profile.figures import ModelFigures
from mltk.micro.profile.layer_result import ProfilingLayerResult
from mltk.micro.profile.units import format_bytes, format_time

_N_WORST = 3
_N_LISTED = 8
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

    If the generated C code ran on an emulated core, the limits are on what was counted there: code and constants,
    static RAM and stack, and the time of the counted cycles. Otherwise they are on the estimates.

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
            A sentence for each figure that is below its limit by less than its error bar, or that has no error bar.

        Raises:
            OverBudget: The model exceeds a limit, or a limited figure is not known. The message names these limits.
        """
        over, near = [], []
        is_unknown = False
        for item in self._items(results):
            limit, show = item.limit, item.show
            if limit is None:
                continue
            if doubts := (_counted_doubts if results.counted else _doubts)(item.name, results):
                is_unknown = True
                over.append("\n".join([f"{item.name}: unknown, of at most {show(limit)}.", *doubts]))
            elif item.found > limit:
                worst = "\n".join(f"  {line}" for line in _worst(results, item))
                over.append(f"{item.name}: {show(item.found)} of at most {show(limit)}. Most of it:\n{worst}")
            elif item.found * (1 + item.error) > limit:
                near.append(
                    f"{item.name}: {show(item.found)} is within the error bar (± {item.error:.0%}) of {show(limit)}."
                )
            elif item.name == "latency" and results.counted is None and results.time_error is None:
                near.append(f"latency: {show(item.found)} is an estimate without an error bar.")
            if item.name == "latency" and results.counted is not None:
                near.append(f"latency: {ZERO_WAIT_STATES}")
        if over and is_unknown:
            raise OverBudget(f"What {results.name} needs is not known, so it keeps no limit.", hint="\n".join(over))
        if over:
            message = f"{results.name} needs more than it may on {results.platform or 'this target'}."
            raise OverBudget(message, hint="\n".join(over))
        return near

    def _items(self, results: ModelFigures) -> list[_Limit]:
        counted = results.counted
        if counted is not None:
            latency = _Limit(
                "latency",
                counted.time,
                self.max_latency_s,
                format_time,
                lambda layer: layer["counted_cycles"] / (counted.clock_hz or 1),
                counted.cycles_error,
            )
            ram, flash = counted.total_ram_bytes, counted.flash_bytes
            return [
                _Limit("RAM", ram, self.max_ram, format_bytes, lambda layer: layer.ram, 0.0),
                _Limit("flash", flash, self.max_flash, format_bytes, lambda layer: layer.flash, 0.0),
                latency,
            ]
        ram, flash, time = results.runtime_memory_bytes, results.flatbuffer_size, results.time
        ram_error = _RAM_ERROR if results.ram_is_estimate else 0.0
        return [
            _Limit("RAM", ram, self.max_ram, format_bytes, lambda layer: layer.ram, ram_error),
            _Limit("flash", flash, self.max_flash, format_bytes, lambda layer: layer.flash, 0.0),
            _Limit(
                "latency", time, self.max_latency_s, format_time, lambda layer: layer.time, results.time_error or 0.0
            ),
        ]


def _counted_doubts(name: str, results: ModelFigures) -> list[str]:
    """Return why a counted figure is not known; an empty list if it is."""
    counted = results.counted
    if name != "latency" or counted is None:
        return []
    if not counted.cycles:
        return [f"There are no published timings for {counted.title}."]
    return [] if counted.clock_hz else ["The clock rate is not known. Give it with --clock."]


def _doubts(name: str, results: ModelFigures) -> list[str]:
    """Return why a figure is not known, so that it keeps no limit; an empty list if it is known."""
    unknown = [f"  layer {index}: {why}" for index, why in results.unknown_layers.items()]
    if name == "RAM":
        return [] if results.ram_is_known else ["Not counted:", *_few(unknown)]
    if name != "latency":
        return []
    if results.target is None:
        return ["No target was chosen."]
    if unknown:
        return ["Not counted:", *_few(unknown)]
    # The time of a layer that an NPU runs is Vela's. Everything else of an unmeasured kind is a guess.
    on_npu = {x.index for x in results.layers if results.target.vela and x.is_accelerated}
    guessed = [f"  layer {i}: {kind}" for i, kind in results.unmeasured_kinds.items() if i not in on_npu]
    return ["No kernel of this kind was measured:", *_few(guessed)] if guessed else []


def _few(lines: list[str]) -> list[str]:
    more = len(lines) - _N_LISTED
    return [*lines[:_N_LISTED], *([f"  and {more} more"] if more > 0 else [])]


def _worst(results: ModelFigures, item: _Limit) -> list[str]:
    worst = sorted(results.layers, key=item.of_layer, reverse=True)[:_N_WORST]
    return [f"layer {x.index}, {x.opcode_str} → {x.output_shape_str}: {item.show(item.of_layer(x))}" for x in worst]
