"""Figures of a model on a device: facts of the model, and sums over its layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mltk.micro.profile.counted import CountedFigures
from mltk.micro.profile.layer_result import ProfilingLayerResult
from mltk.micro.profile.targets import Target

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel


class ModelFigures:
    """A model's figures on a device, layer by layer and in total.

    Attributes:
        target: The device that the figures are for; None if they are for no device.
        time_error: Error bar of `time`, as a share of `time`; None if it is not known.
        ram_is_estimate: `runtime_memory_bytes` is the estimate of our planner, not a measurement.
        ram_is_known: `runtime_memory_bytes` is a figure of the whole model.
        ram_source: Where `runtime_memory_bytes` comes from.
        notes: What a reader should know about how the figures were made.
        counted: Figures of the generated C code on an emulated core; None if it was not run.
    """

    def __init__(
        self,
        model: TfliteModel,
        accelerator: str | None = None,
        platform: str | None = None,
        cpu_clock_rate: int = 0,
        runtime_memory_bytes: int = 0,
        layers: list[ProfilingLayerResult] | None = None,
        is_simulated: bool = True,
        model_details: Any = None,
        *,
        target: Target | None = None,
        time_error: float | None = None,
        ram_is_estimate: bool = False,
        ram_source: str = "",
        ram_is_known: bool = True,
        notes: list[str] | None = None,
    ) -> None:
        self._model = model
        self._accelerator = accelerator
        self._platform = platform
        self._cpu_clock_rate = cpu_clock_rate
        self._runtime_memory_bytes = runtime_memory_bytes
        self._layers = list(layers or [])
        self._is_simulated = is_simulated
        self._details = model_details
        self.target = target
        self.time_error = time_error
        self.ram_is_estimate = ram_is_estimate
        self.ram_source = ram_source
        self.ram_is_known = ram_is_known
        self.notes = list(notes or [])
        self.counted: CountedFigures | None = None

    def add_counted(self, counted: CountedFigures) -> None:
        """Add figures of the generated C code on an emulated core."""
        self.counted = counted
        counted.add_to(self._layers)
        self.notes += counted.notes()

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def tflite_model(self) -> TfliteModel:
        """The model."""
        return self._model

    @property
    def tflite_micro_model_details(self) -> Any:
        """The ``model_details`` that this object was made with."""
        return self._details

    @property
    def accelerator(self) -> str | None:
        """Name of the accelerator; None if the device has none."""
        return self._accelerator

    @property
    def platform(self) -> str | None:
        """Name of the device."""
        return self._platform

    @property
    def is_simulated(self) -> bool:
        """Whether the figures were computed instead of measured on a device."""
        return self._is_simulated

    @property
    def cpu_clock_rate(self) -> int:
        """Clock rate in Hz."""
        return self._cpu_clock_rate

    @property
    def runtime_memory_bytes(self) -> int:
        """Size of the tensor arena in bytes."""
        return self._runtime_memory_bytes

    @property
    def flatbuffer_size(self) -> int:
        """Size of the ``.tflite`` in bytes. The file is in flash."""
        return self._model.flatbuffer_size

    @property
    def layers(self) -> list[ProfilingLayerResult]:
        """The layers in the order of execution."""
        return self._layers

    @property
    def n_layers(self) -> int:
        """Number of layers."""
        return len(self._layers)

    @property
    def unsupported_layers(self) -> list[ProfilingLayerResult]:
        """Layers that the device or its accelerator cannot run."""
        return [layer for layer in self._layers if layer.is_unsupported]

    @property
    def n_unsupported_layers(self) -> int:
        """Number of layers that the device or its accelerator cannot run."""
        return len(self.unsupported_layers)

    @property
    def unknown_layers(self) -> dict[int, str]:
        """Index → reason of each layer that is not counted. MACs, operations, cycles and time are without it."""
        return {layer.index: str(why) for layer in self._layers if (why := layer.get("unknown_cost"))}

    @property
    def is_incomplete(self) -> bool:
        """Whether a layer is not counted, so that the sums over the layers are too small."""
        return bool(self.unknown_layers)

    @property
    def unmeasured_kinds(self) -> dict[int, str]:
        """Index → kind of each layer whose kernel is of a kind that was never measured. Its time is a guess."""
        return {layer.index: str(kind) for layer in self._layers if (kind := layer.get("unmeasured"))}

    @property
    def input_shape_str(self) -> str:
        """Shapes of the inputs."""
        return ",".join(str(t.shape) for t in self._model.inputs)

    @property
    def input_dtype_str(self) -> str:
        """Types of the inputs."""
        return ",".join(t.dtype_str for t in self._model.inputs)

    @property
    def output_shape_str(self) -> str:
        """Shapes of the outputs."""
        return ",".join(str(t.shape) for t in self._model.outputs)

    @property
    def output_dtype_str(self) -> str:
        """Types of the outputs."""
        return ",".join(t.dtype_str for t in self._model.outputs)

    def stat_total(self, name: str) -> float | int:
        """Return the sum of a figure over the layers. ``name`` is its key, for example ``"macs"``."""
        total: float | int = sum(layer[name] for layer in self._layers)
        return total

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return int(self.stat_total("macs"))

    @property
    def ops(self) -> int:
        """Operations of one inference."""
        return int(self.stat_total("ops"))

    @property
    def cycles(self) -> int:
        """Clock cycles of one inference."""
        return int(self.stat_total("cycles"))

    @property
    def accelerator_cycles(self) -> int:
        """Clock cycles of the accelerator for one inference."""
        return int(self.stat_total("accelerator_cycles"))

    @property
    def cpu_cycles(self) -> int:
        """Clock cycles of the CPU for one inference."""
        return int(self.stat_total("cpu_cycles"))

    @property
    def time(self) -> float:
        """Time of one inference in seconds. If `is_incomplete`, the inference takes longer."""
        return self.stat_total("time")

    @property
    def energy(self) -> float:
        """Energy of one inference in joules; 0 if it is not known."""
        return self.stat_total("energy")

    @property
    def cpu_utilization(self) -> float:
        """Share of the time in which the CPU works, from 0 to 1."""
        available = self.time * self.cpu_clock_rate
        return min(1.0, self.cpu_cycles / available) if available else 0.0
