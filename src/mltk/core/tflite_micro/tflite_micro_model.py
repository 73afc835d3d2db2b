"""A model loaded into TensorFlow Lite Micro, by the names of MLTK 0.20."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from mltk.core.tflite_micro.tflite_micro_memory_plan import TfliteMicroMemoryPlan
from mltk.errors import MltkError
from mltk.micro.engines.runtimes import TflmRuntime
from mltk.micro.memory.arena import ArenaUsage, measure_arena
from mltk.tflite import TfliteModel, TfliteModelParameters, count_layer
from mltk.tflite.model_parameters import stored_parameters

LayerCallback = Callable[[int, list[bytes]], bool]


@dataclass(frozen=True)
class TfliteMicroLayerError:
    """Error of a layer of the model."""

    index: int
    name: str
    msg: str

    @staticmethod
    def create(msg: str) -> TfliteMicroLayerError:
        """Make an error from a message of the runtime, ``Node NAME (number INDEX) …``; index -1 without a layer."""
        import re

        found = re.search(r"Node (\w+) \(number (\d+)f?\)", msg)
        return TfliteMicroLayerError(int(found[2]), found[1], msg) if found else TfliteMicroLayerError(-1, "", msg)


class TfliteMicroProfiledLayerResult(defaultdict[str, Any]):
    """Figures of one layer, by name. A figure that was not measured is 0."""

    def __init__(self, result: dict[str, Any]) -> None:
        super().__init__(int, result)

    def _figure(self, name: str) -> int:
        return int(self.get(name, 0))

    @property
    def name(self) -> str:
        """The layer's name, ``Op0-CONV_2D``."""
        return str(self.get("name", ""))

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self._figure("macs")

    @property
    def ops(self) -> int:
        """Operations."""
        return self._figure("ops")

    @property
    def accelerator_cycles(self) -> int:
        """Accelerator cycles."""
        return self._figure("accelerator_cycles")

    @property
    def cpu_cycles(self) -> int:
        """CPU cycles."""
        return self._figure("cpu_cycles")

    @property
    def time(self) -> float:
        """Time in seconds."""
        return float(self.get("time", 0))

    @property
    def energy(self) -> float:
        """Energy in joules."""
        return float(self.get("energy", 0))


class TfliteMicroModelDetails:
    """The parameters of a model, and its memory."""

    def __init__(self, wrapper_details: dict[str, Any]) -> None:
        self._details = dict(wrapper_details)

    def _detail(self, name: str, default: Any) -> Any:
        return self._details.get(name, default)

    @property
    def name(self) -> str:
        """The model's name; empty without parameters."""
        return str(self._detail("name", ""))

    @property
    def version(self) -> int:
        """The model's version; 0 without parameters."""
        return int(self._detail("version", 0))

    @property
    def date(self) -> str:
        """Date on which the model was built."""
        return str(self._detail("date", ""))

    @property
    def description(self) -> str:
        """The model's description."""
        return str(self._detail("description", ""))

    @property
    def hash(self) -> str:
        """The hash of the model's data."""
        return str(self._detail("hash", ""))

    @property
    def accelerator(self) -> str:
        """``'none'``: this interface runs the reference kernels."""
        return str(self._detail("accelerator", "none"))

    @property
    def classes(self) -> list[str]:
        """Class labels."""
        return list(self._detail("classes", []))

    @property
    def runtime_memory_size(self) -> int:
        """Size of the tensor arena that the model needs, in bytes."""
        return int(self._detail("runtime_memory_size", 0))

    @property
    def memory_plan(self) -> TfliteMicroMemoryPlan | None:
        """Place of each tensor in the arena."""
        plan: TfliteMicroMemoryPlan | None = self._detail("memory_plan", None)
        return plan

    def __str__(self) -> str:
        labels = ("name", "version", "date", "description", "hash", "accelerator")
        lines = [f"{label.capitalize()}: {getattr(self, label)}" for label in labels]
        lines += [f"Classes: {', '.join(self.classes)}"]
        return "\n".join([*lines, f"Total runtime memory: {self.runtime_memory_size / 1000:.3f} kBytes"])


class TfliteMicroModel:
    """A ``.tflite`` in TFLM on this machine. ``TfliteMicro.load_tflite_model`` makes it.

    Args:
        flatbuffer_data: Content of the ``.tflite``.
        enable_profiler: Value of ``is_profiler_enabled``.
        enable_recorder: Keep every tensor.
        enable_tensor_recorder: Keep every tensor, for :meth:`get_recorded_data`.
        runtime_buffer_size: Size of the tensor arena in bytes; None measures it.
    """

    def __init__(
        self,
        flatbuffer_data: bytes,
        *,
        enable_profiler: bool = False,
        enable_recorder: bool = False,
        enable_tensor_recorder: bool = False,
        runtime_buffer_size: int | None = None,
    ) -> None:
        self.tflite_model = TfliteModel(flatbuffer_data)
        self.is_profiler_enabled = enable_profiler
        self.is_recorder_enabled = enable_recorder
        self.is_tensor_recorder_enabled = enable_tensor_recorder
        self.layer_errors: list[TfliteMicroLayerError] = []
        self._keep = enable_tensor_recorder or enable_recorder
        self._runtime = TflmRuntime(
            self.tflite_model,
            preserve_all_tensors=self._keep,
            arena_bytes=runtime_buffer_size if runtime_buffer_size and runtime_buffer_size > 0 else None,
        )
        self._inputs = [np.zeros(t.shape, t.dtype) for t in self._runtime.graph.inputs]
        self._outputs = [np.zeros(t.shape, t.dtype) for t in self._runtime.graph.outputs]
        self._callback: LayerCallback | None = None

    @property
    def accelerator(self) -> None:
        """None: this interface runs the reference kernels."""
        return

    @property
    def input_size(self) -> int:
        """Number of inputs."""
        return len(self._inputs)

    @property
    def output_size(self) -> int:
        """Number of outputs."""
        return len(self._outputs)

    @cached_property
    def arena(self) -> ArenaUsage:
        """The measured arena."""
        return measure_arena(self.tflite_model)

    @cached_property
    def details(self) -> TfliteMicroModelDetails:
        """Parameters and memory. The first access measures the arena."""
        parameters: dict[str, Any] = dict(_parameters(self.tflite_model))
        plan = TfliteMicroMemoryPlan.from_model(
            self.tflite_model,
            total_persistent_runtime_size=self.arena.tail,
            temp_runtime_sizes=[self.arena.startup],
        )
        own = {"runtime_memory_size": self.arena.total, "memory_plan": plan, "accelerator": "none"}
        return TfliteMicroModelDetails({**parameters, **own})

    def input(self, index: int = 0, value: np.ndarray | None = None) -> np.ndarray:
        """Return an input of the next :meth:`invoke`.

        Args:
            index: Number of the input.
            value: Values that are copied into the input, of the model's shape and dtype.

        Raises:
            MltkError: The value has another dtype or size.
        """
        target = self._inputs[index]
        if value is not None:
            given = np.asarray(value)
            if given.dtype != target.dtype or given.size != target.size:
                raise MltkError(
                    f"Input {index} is {target.dtype} of shape {target.shape}, but the value is {given.dtype} of "
                    f"shape {given.shape}."
                )
            target[...] = given.reshape(target.shape)
        return target

    def invoke(self) -> None:
        """Run the model once on the current inputs."""
        self._outputs = self._runtime.invoke(self._inputs)
        if self._callback is not None and self._keep:
            for layer in self._recorded_layers():
                if self._callback(layer["index"], [v.tobytes() for v in layer["outputs"]]) is False:
                    break

    def output(self, index: int = 0) -> np.ndarray:
        """Return an output of the last :meth:`invoke`."""
        return self._outputs[index]

    def get_layer_error(self, index: int) -> TfliteMicroLayerError | None:
        """Return the error of a layer; None if it has no error."""
        return next((e for e in self.layer_errors if e.index == index), None)

    def set_layer_callback(self, callback: LayerCallback | None) -> None:
        """Set a function that is called as ``callback(index, outputs as bytes)`` for each layer after each invocation.

        The calls end when the function returns False. The tensor recorder must be enabled.
        """
        self._callback = callback

    def get_profiling_results(self) -> list[TfliteMicroProfiledLayerResult]:
        """Return MACs and operations of each layer. The reference kernels on the host measure no cycles."""
        results = []
        for layer in self.tflite_model.layers:
            counts = count_layer(layer)
            results.append(
                TfliteMicroProfiledLayerResult(
                    {
                        "name": f"Op{layer.index}-{layer.opcode_str.upper()}",
                        "macs": counts.macs,
                        "ops": counts.ops,
                        "accelerator_cycles": 0,
                        "cpu_cycles": 0,
                        "time": 0,
                    }
                )
            )
        return results

    def tensor(self, index: int) -> np.ndarray:
        """Return a tensor after the last :meth:`invoke`.

        Raises:
            MltkError: The tensor recorder is not enabled.
        """
        if not self._keep:
            raise MltkError("The tensors were not kept.", hint="Load the model with enable_tensor_recorder=True.")
        return self._runtime.tensor(index)

    def _recorded_layers(self) -> list[dict[str, Any]]:
        main = self._runtime.graph.main
        return [
            {
                "index": op.index,
                "name": op.name,
                "outputs": [self.tensor(i) for i in op.outputs if i >= 0 and main.tensors[i].dtype is not None],
            }
            for op in main.operators
        ]

    def get_recorded_data(self) -> dict[str, Any]:
        """Return ``memory_plan`` as dicts, and, with the tensor recorder, ``layers`` with their outputs as arrays."""
        plan = TfliteMicroMemoryPlan.from_model(self.tflite_model)
        data: dict[str, Any] = {"memory_plan": [b.to_dict() for b in plan]}
        if self._keep:
            data["layers"] = self._recorded_layers()
        return data


def _parameters(model: TfliteModel) -> TfliteModelParameters:
    return stored_parameters(model)
