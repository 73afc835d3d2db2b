"""One layer's row of a profile; names of properties and keys are MLTK 0.20's."""

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
    "energy": "Energy (J)",
    "time": "Time (s)",
    "input_shape": "Input Shape",
    "output_shape": "Output Shape",
    "options": "Options",
    "supported": "Supported?",
    "error_msg": "Error Msg",
}
_NOT_SHOWN = ("tflite_layer", "measured")


class ProfilingLayerResult(defaultdict):
    """One layer's figures: a dictionary, in which what is not known is 0.

    ``flash``: bytes of its constants. ``ram``: bytes of the arena in use while it runs. ``cycles``: clock cycles from
    its start to its end; ``cpu_cycles`` and ``accelerator_cycles`` may pass at the same time. ``time``: seconds;
    ``energy``: joules. ``error_msg``: why the device or its accelerator can't run it. ``measured``: whether
    measurements of its operator stand behind the estimate.
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
        return self["tflite_layer"]

    @property
    def is_accelerated(self) -> bool:
        """Whether the accelerator works on it."""
        return self["accelerator_cycles"] > 0

    @property
    def is_unsupported(self) -> bool:
        """Whether the device or its accelerator can't run it."""
        return bool(self["error_msg"])

    @property
    def error_msg(self) -> str | None:
        """Why it can't be run; None where it can."""
        return self["error_msg"]

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
        return self["macs"]

    @property
    def ops(self) -> int:
        """Operations."""
        return self["ops"]

    @property
    def flash(self) -> int:
        """Bytes of its constants."""
        return self["flash"]

    @property
    def ram(self) -> int:
        """Bytes of the arena in use while it runs."""
        return self["ram"]

    @property
    def cycles(self) -> int:
        """Clock cycles from its start to its end."""
        return self["cycles"]

    @property
    def accelerator_cycles(self) -> int:
        """Clock cycles of the accelerator."""
        return self["accelerator_cycles"]

    @property
    def cpu_cycles(self) -> int:
        """Clock cycles of the CPU."""
        return self["cpu_cycles"]

    @property
    def time(self) -> float:
        """Seconds."""
        return self["time"]

    @property
    def energy(self) -> float:
        """Joules; 0 where not known."""
        return self["energy"]

    @property
    def options_str(self) -> str:
        """The operator's options."""
        return str(self.tflite_layer.options).strip()

    @property
    def input_shape_str(self) -> str:
        """Shapes of its inputs."""
        return ",".join(str(t.shape) if t is not None else "-" for t in self.tflite_layer.inputs)

    @property
    def input_dtype_str(self) -> str:
        """Types of its inputs."""
        return ",".join(t.dtype_str if t is not None else "-" for t in self.tflite_layer.inputs)

    @property
    def output_shape_str(self) -> str:
        """Shapes of its outputs."""
        return ",".join(str(t.shape) if t is not None else "-" for t in self.tflite_layer.outputs)

    @property
    def output_dtype_str(self) -> str:
        """Types of its outputs."""
        return ",".join(t.dtype_str if t is not None else "-" for t in self.tflite_layer.outputs)

    def get_summary(
        self,
        include_labels: bool = False,
        format_units: bool = False,
        excluded_columns: list[str] | None = None,
        full_summary: bool = False,
    ) -> dict[str, Any]:
        """The figures by key; with ``include_labels`` as (title, value), with ``full_summary`` also those of others."""
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
    return {key: (labels.get(key, key), value) for key, value in values.items()}


def formatted(value: Any) -> Any:
    return format_units(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
