"""Figures of one layer in a profile. Properties and keys have the names of MLTK 0.20."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mltk.micro.profile.units import format_units

if TYPE_CHECKING:
    from mltk.tflite.layers.base import TfliteLayer

# Keys of a layer with their titles, in the order of the columns.
LAYER_LABELS = {
    "index": "Index",
    "opcode": "OpCode",
    "ops": "# Ops",
    "macs": "# MACs",
    "flash": "Flash (bytes)",
    "ram": "RAM (bytes)",
    "cycles": "Cycles",
    "accelerator_cycles": "Acc Cycles",
    "cpu_cycles": "CPU Cycles",
    "counted_instructions": "Counted Instructions",
    "counted_cycles": "Counted Cycles",
    "energy": "Energy (J)",
    "time": "Time (s)",
    "input_shape": "Input Shape",
    "output_shape": "Output Shape",
    "options": "Options",
    "supported": "Supported?",
    "error_msg": "Error Msg",
    "unknown_cost": "Unknown Cost",
    "unmeasured": "Unmeasured Kernel",
}
_DOUBTS = ("unknown_cost", "unmeasured")
_NOT_SHOWN = ("tflite_layer", "measured")


class ProfilingLayerResult(defaultdict[str, Any]):
    """Figures of one layer: a dictionary in which a figure that is not known is 0.

    Keys:
        flash: Bytes of the layer's constants.
        ram: Bytes of the tensor arena that are in use while the layer runs.
        cycles: Clock cycles from the layer's start to its end.
        cpu_cycles, accelerator_cycles: Clock cycles of each. Both may work at the same time.
        time: Seconds.
        counted_instructions: Instructions that the generated C code executed on an emulated core.
        counted_cycles: Cycles of these instructions, with zero wait states.
        energy: Joules.
        error_msg: Why the device or its accelerator cannot run the layer; None if it can.
        measured: Whether measurements of the layer's operator support the estimate.
        unknown_cost: Why the layer is not counted; missing if it is.
        unmeasured: The kind of kernel, if no kernel of this kind was measured; missing otherwise.
    """

    def __init__(
        self,
        tflite_layer: TfliteLayer,
        ops: int = 0,
        macs: int = 0,
        cpu_cycles: int = 0,
        accelerator_cycles: int = 0,
        time: float = 0.0,
        energy: float = 0.0,
        error_msg: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(int)
        self.update(
            tflite_layer=tflite_layer,
            ops=ops,
            macs=macs,
            cpu_cycles=cpu_cycles,
            accelerator_cycles=accelerator_cycles,
            time=time,
            energy=energy,
            error_msg=error_msg,
            **kwargs,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _layer_result, (dict(self),)

    @property
    def tflite_layer(self) -> TfliteLayer:
        """The layer of the ``.tflite``."""
        layer: TfliteLayer = self["tflite_layer"]
        return layer

    @property
    def is_accelerated(self) -> bool:
        """Whether the accelerator runs the layer."""
        return bool(self["accelerator_cycles"] > 0)

    @property
    def is_unsupported(self) -> bool:
        """Whether the device or its accelerator cannot run the layer."""
        return bool(self["error_msg"])

    @property
    def error_msg(self) -> str | None:
        """Why the layer cannot run; None if it can."""
        message: str | None = self["error_msg"]
        return message

    @property
    def index(self) -> int:
        """Position in the order of execution."""
        return self.tflite_layer.index

    @property
    def name(self) -> str:
        """``op<index>-<operator>``."""
        return self.tflite_layer.name

    @property
    def opcode(self) -> int:
        """Number of the schema's ``BuiltinOperator``."""
        return self.tflite_layer.opcode

    @property
    def opcode_str(self) -> str:
        """Name of the operator in lower case."""
        return self.tflite_layer.opcode_str

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return int(self["macs"])

    @property
    def ops(self) -> int:
        """Operations."""
        return int(self["ops"])

    @property
    def flash(self) -> int:
        """Bytes of the layer's constants."""
        return int(self["flash"])

    @property
    def ram(self) -> int:
        """Bytes of the tensor arena that are in use while the layer runs."""
        return int(self["ram"])

    @property
    def cycles(self) -> int:
        """Clock cycles from the layer's start to its end."""
        return int(self["cycles"])

    @property
    def accelerator_cycles(self) -> int:
        """Clock cycles of the accelerator."""
        return int(self["accelerator_cycles"])

    @property
    def cpu_cycles(self) -> int:
        """Clock cycles of the CPU."""
        return int(self["cpu_cycles"])

    @property
    def time(self) -> float:
        """Time in seconds."""
        return float(self["time"])

    @property
    def energy(self) -> float:
        """Energy in joules; 0 if it is not known."""
        return float(self["energy"])

    @property
    def options_str(self) -> str:
        """The operator's options."""
        return str(self.tflite_layer.options).strip()

    @property
    def input_shape_str(self) -> str:
        """Shapes of the inputs."""
        return ",".join(str(t.shape) if t is not None else "-" for t in self.tflite_layer.inputs)

    @property
    def input_dtype_str(self) -> str:
        """Types of the inputs."""
        return ",".join(t.dtype_str if t is not None else "-" for t in self.tflite_layer.inputs)

    @property
    def output_shape_str(self) -> str:
        """Shapes of the outputs."""
        return ",".join(str(t.shape) if t is not None else "-" for t in self.tflite_layer.outputs)

    @property
    def output_dtype_str(self) -> str:
        """Types of the outputs."""
        return ",".join(t.dtype_str if t is not None else "-" for t in self.tflite_layer.outputs)

    def get_summary(
        self,
        include_labels: bool = False,
        format_units: bool = False,
        excluded_columns: list[str] | None = None,
        full_summary: bool = False,
    ) -> dict[str, Any]:
        """Return the figures by key.

        Args:
            include_labels: Return (title, value) instead of the value.
            format_units: Return numbers as text with an SI prefix.
            excluded_columns: Keys to leave out.
            full_summary: Add the figures under keys that this package does not know.
        """
        values: dict[str, Any] = {
            "index": self.index,
            "opcode": self.opcode_str,
            **{key: self[key] for key in LAYER_LABELS if key in self and key != "error_msg"},
            "input_shape": self.input_shape_str,
            "output_shape": self.output_shape_str,
            "options": self.options_str,
            "supported": not self.is_unsupported,
            "error_msg": self.error_msg,
        }
        values |= {key: self[key] for key in _DOUBTS if self.get(key)}
        ordered = {key: values[key] for key in LAYER_LABELS if key in values}
        if full_summary:
            ordered |= {k: v for k, v in self.items() if k not in ordered and k not in _NOT_SHOWN}
        for key in excluded_columns or ():
            ordered.pop(key, None)
        if format_units:
            ordered = {k: v if k == "index" else formatted(v) for k, v in ordered.items()}
        return labelled(ordered, LAYER_LABELS) if include_labels else ordered


def _layer_result(values: dict[str, Any]) -> ProfilingLayerResult:
    return ProfilingLayerResult(**values)


def labelled(values: Mapping[str, Any], labels: Mapping[str, str]) -> dict[str, Any]:
    """Return key → (title, value)."""
    return {key: (labels.get(key, key), value) for key, value in values.items()}


def formatted(value: Any) -> Any:
    """Return a number as text with an SI prefix, and any other value as it is."""
    return format_units(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
