"""Figures that were counted while the generated C code ran on an emulated core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltk.micro.profile.layer_result import ProfilingLayerResult
from mltk.micro.profile.units import format_bytes, format_time, format_units

ZERO_WAIT_STATES = "Counted cycles assume zero wait states: flash that is slower than the core costs time on top."


@dataclass(frozen=True)
class LayerCounts:
    """What the code of one layer took.

    Attributes:
        instructions: Executed instructions.
        cycles: The middle of the range of cycles; 0 if the core has no published timings.
    """

    instructions: int
    cycles: int


@dataclass(frozen=True)
class CountedFigures:
    """One inference of the generated C code on an emulated core.

    Attributes:
        core: Name of the core.
        title: Name of the core for people.
        compiler: The compiler and its flags.
        instructions: Executed instructions.
        cycles_low: Lowest number of cycles by the core's published timings, with zero wait states; 0 if there are none.
        cycles_high: The highest number.
        cycles_source: Where the timings come from; empty if there are none.
        code_bytes: Bytes of instructions: part → bytes. Parts: ``kernels``, ``model``, ``runtime``.
        constant_bytes: Bytes of constants in flash.
        ram_bytes: Static RAM: activations, inputs, outputs and state.
        stack_bytes: Most bytes of stack.
        n_samples: Number of samples whose outputs were compared.
        n_values: Number of output values that were compared.
        n_differing: Number of output values that differ.
        samples: Where the samples come from.
        reference: What computed the outputs to compare with.
        layers: Index of a layer → what its code took.
        clock_hz: Clock rate in Hz; None if it is not known.
    """

    core: str
    title: str
    compiler: str
    instructions: int
    cycles_low: int
    cycles_high: int
    cycles_source: str
    code_bytes: Mapping[str, int]
    constant_bytes: int
    ram_bytes: int
    stack_bytes: int
    n_samples: int
    n_values: int
    n_differing: int
    samples: str
    reference: str
    layers: Mapping[int, LayerCounts]
    clock_hz: float | None = None

    @property
    def cycles(self) -> int:
        """The middle of the range of cycles; 0 if the core has no published timings."""
        return (self.cycles_low + self.cycles_high) // 2

    @property
    def cycles_error(self) -> float:
        """Half the range of cycles, as a share of its middle."""
        return (self.cycles_high - self.cycles_low) / (self.cycles_high + self.cycles_low) if self.cycles else 0.0

    @property
    def time(self) -> float:
        """Seconds of one inference, from the middle of the range of cycles; 0 if they are not known."""
        return self.cycles / self.clock_hz if self.clock_hz else 0.0

    @property
    def flash_bytes(self) -> int:
        """Bytes of code and constants."""
        return sum(self.code_bytes.values()) + self.constant_bytes

    @property
    def total_ram_bytes(self) -> int:
        """Bytes of static RAM and stack."""
        return self.ram_bytes + self.stack_bytes

    def summary(self) -> dict[str, Any]:
        """Return the totals by key."""
        cycles = {
            "counted_cycles": self.cycles,
            "counted_cycles_low": self.cycles_low,
            "counted_cycles_high": self.cycles_high,
        }
        return {
            "counted_core": self.core,
            "counted_instructions": self.instructions,
            **(cycles if self.cycles else {}),
            **({"counted_time": self.time} if self.time else {}),
            "counted_flash_size": self.flash_bytes,
            "counted_code_size": sum(self.code_bytes.values()),
            "counted_ram_size": self.ram_bytes,
            "counted_stack_size": self.stack_bytes,
            "counted_differing": self.n_differing,
        }

    def to_dict(self) -> dict[str, Any]:
        """Return all figures as plain data."""
        return {
            **self.summary(),
            "compiler": self.compiler,
            "cycles_source": self.cycles_source,
            "wait_states": 0,
            "clock_hz": self.clock_hz,
            "code_bytes": dict(self.code_bytes),
            "constant_bytes": self.constant_bytes,
            "n_samples": self.n_samples,
            "n_values": self.n_values,
            "samples": self.samples,
            "reference": self.reference,
        }

    def rows(self) -> list[tuple[str, str]]:
        """Return the totals as (title, text) for a terminal."""
        parts = ", ".join(f"{part} {n:,}" for part, n in self.code_bytes.items())
        same = f"{self.n_differing} of {self.n_values:,} values differ from {self.reference}"
        return [
            ("counted", f"the C code of mltk compile on an emulated {self.title}"),
            ("compiler", self.compiler),
            ("outputs", f"{self.n_samples} {self.samples} samples: {same}"),
            ("flash", f"{format_bytes(self.flash_bytes)}: {parts}, constants {self.constant_bytes:,}"),
            ("RAM", f"{format_bytes(self.ram_bytes)}, and {format_bytes(self.stack_bytes)} of stack"),
            ("executed", f"{self.instructions:,} instructions"),
            *self._time_rows(),
        ]

    def _time_rows(self) -> list[tuple[str, str]]:
        if not self.cycles:
            return [("cycles", f"unknown: there are no published timings for {self.title}")]
        low, middle, high = (format_units(n) for n in (self.cycles_low, self.cycles, self.cycles_high))
        rows = [("cycles", f"{middle} with zero wait states, from {low} to {high}")]
        if self.clock_hz:
            times = [format_time(n / self.clock_hz) for n in (self.cycles, self.cycles_low, self.cycles_high)]
            rows.append(("time", f"{times[0]}, from {times[1]} to {times[2]}, at {self.clock_hz / 1e6:g} MHz"))
        return rows

    def notes(self) -> list[str]:
        """Return what a reader should know about the figures."""
        if not self.cycles_source:
            return []
        return [f"{ZERO_WAIT_STATES} Source of the cycles: {self.cycles_source}."]

    def add_to(self, layers: Sequence[ProfilingLayerResult]) -> None:
        """Add the figures to the layers of a profile."""
        for layer in layers:
            counts = self.layers.get(layer.index, LayerCounts(0, 0))
            layer["counted_instructions"] = counts.instructions
            if self.cycles:
                layer["counted_cycles"] = counts.cycles
