"""``TfliteMicro``, MLTK 0.20's interface to TensorFlow Lite Micro."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mltk.core.tflite_micro.tflite_micro_model import TfliteMicroModel, TfliteMicroModelDetails
from mltk.errors import MltkError, did_you_mean
from mltk.micro.engines.runtimes import have_tflm
from mltk.tflite import TfliteLayer, TfliteModel

_LEVELS = ("debug", "info", "warn", "error")


class TfliteMicroAccelerator:
    """Base of an accelerator, which computes layers in place of TFLM's reference kernels. Register an instance."""

    name = ""

    @property
    def supports_profiling(self) -> bool:
        """Whether the accelerator counts cycles."""
        return False


class TfliteMicro:
    """Static functions to run, record and profile models with TensorFlow Lite Micro on this machine."""

    _accelerators: dict[str, TfliteMicroAccelerator] = {}
    _logger = logging.getLogger("mltk.tflite_micro")
    _level = "info"

    @staticmethod
    def api_version() -> int:
        """Version of this interface."""
        return 1

    @staticmethod
    def git_hash() -> str:
        """Return the commit of TFLM from which the installed wheel was built; empty without the wheel."""
        if not have_tflm():
            return ""
        import tflite_micro

        return str(tflite_micro.__version__).rpartition("-g")[2]

    @staticmethod
    def get_logger() -> logging.Logger:
        """Where messages go."""
        return TfliteMicro._logger

    @staticmethod
    def set_logger(logger: logging.Logger) -> None:
        """Send messages to ``logger``."""
        TfliteMicro._logger = logger

    @staticmethod
    def get_log_level() -> str:
        """Return the log level: ``'debug'``, ``'info'``, ``'warn'`` or ``'error'``."""
        return TfliteMicro._level

    @staticmethod
    def set_log_level(level: str) -> str:
        """Set the log level. Returns the previous level."""
        name = level.lower().replace("warning", "warn")
        if name not in _LEVELS:
            raise MltkError(f"{level!r} is not a log level.", hint=did_you_mean(name, _LEVELS) or None)
        before, TfliteMicro._level = TfliteMicro._level, name
        TfliteMicro._logger.setLevel({"warn": "WARNING"}.get(name, name.upper()))
        return before

    @staticmethod
    def normalize_accelerator_name(accelerator: str | None) -> str | None:
        """Return the registered spelling of an accelerator's name; None for ``"none"``."""
        if accelerator is None or accelerator.lower() in ("", "none"):
            return None
        for name in TfliteMicro._accelerators:
            if name.lower() == accelerator.lower():
                return name
        known = TfliteMicro.get_supported_accelerators()
        raise MltkError(
            f"There is no accelerator {accelerator!r} on this machine.",
            hint=f"Registered: {', '.join(known) or 'none'}. `mltk profile --target` estimates the costs on a device.",
        )

    @staticmethod
    def accelerator_is_supported(accelerator: str) -> bool:
        """Return whether an accelerator of this name is registered."""
        return any(name.lower() == accelerator.lower() for name in TfliteMicro._accelerators)

    @staticmethod
    def get_supported_accelerators() -> list[str]:
        """Return the names of the registered accelerators."""
        return list(TfliteMicro._accelerators)

    @staticmethod
    def get_accelerator(name: str) -> TfliteMicroAccelerator:
        """Return the registered accelerator of this name."""
        found = TfliteMicro.normalize_accelerator_name(name)
        if found is None:
            raise MltkError("An accelerator needs a name.")
        return TfliteMicro._accelerators[found]

    @staticmethod
    def register_accelerator(accelerator: TfliteMicroAccelerator) -> None:
        """Register an accelerator under its ``name``."""
        TfliteMicro._accelerators[accelerator.name] = accelerator

    @staticmethod
    def add_accelerator_path(path: str) -> None:
        """Raise an error: accelerators are Python objects here, not the binaries of MLTK 0.20."""
        raise MltkError(
            f"Accelerator libraries of MLTK 0.20 ({path}) can't be loaded.",
            hint="Register a Python object with TfliteMicro.register_accelerator().",
        )

    @staticmethod
    def load_tflite_model(
        model: str | TfliteModel,
        accelerator: str | None = None,
        enable_profiler: bool = False,
        enable_recorder: bool = False,
        enable_tensor_recorder: bool = False,
        force_buffer_overlap: bool = False,
        runtime_buffer_size: int | None = None,
        **kwargs: Any,
    ) -> TfliteMicroModel:
        """Load a model into TFLM.

        Args:
            model: Path of a ``.tflite``, or a loaded model.
            accelerator: Name of a registered accelerator; None is none.
            enable_profiler: Value of ``is_profiler_enabled``.
            enable_recorder: Keep every tensor.
            enable_tensor_recorder: Keep every tensor, for ``get_recorded_data()``.
            force_buffer_overlap: For compatibility with MLTK 0.20; ignored.
            runtime_buffer_size: Size of the tensor arena in bytes; None measures it.
            kwargs: For compatibility with MLTK 0.20; ignored.
        """
        del force_buffer_overlap, kwargs
        TfliteMicro.normalize_accelerator_name(accelerator)
        return TfliteMicroModel(
            _load(model).flatbuffer_data,
            enable_profiler=enable_profiler,
            enable_recorder=enable_recorder,
            enable_tensor_recorder=enable_tensor_recorder,
            runtime_buffer_size=runtime_buffer_size,
        )

    @staticmethod
    def unload_model(model: TfliteMicroModel) -> None:
        """Do nothing: Python frees a model after its last use."""
        del model

    @staticmethod
    def profile_model(model: str | TfliteModel, accelerator: str | None = None, **kwargs: Any) -> Any:
        """Profile a model; see ``mltk.profile_model``."""
        import mltk

        return mltk.profile_model(model, accelerator=accelerator, **kwargs)

    @staticmethod
    def record_model(
        model: str | TfliteModel,
        input_data: np.ndarray | list[np.ndarray] | None = None,
        accelerator: str | None = None,
        enable_accelerator_recorder: bool = False,
        disable_simulator_backend: bool = False,
        enable_tensor_recorder: bool = True,
        return_model_details: bool = False,
        update_input_model: bool = False,
        layer_callback: Callable[[TfliteLayer], bool] | None = None,
    ) -> list[TfliteLayer] | tuple[list[TfliteLayer], TfliteMicroModelDetails]:
        """Run a model once, and return its layers with the data of their inputs and outputs.

        Args:
            model: Path of a ``.tflite``, or a loaded model.
            input_data: An array for each input; missing inputs are zeros.
            accelerator: Name of a registered accelerator; None is none.
            enable_accelerator_recorder: For compatibility with MLTK 0.20; ignored.
            disable_simulator_backend: For compatibility with MLTK 0.20; ignored.
            enable_tensor_recorder: Whether to keep the data.
            return_model_details: Whether to return the model's details too.
            update_input_model: Whether to write the data to ``model`` itself; else a copy is used.
            layer_callback: Called with each layer in order, until it returns False.

        Returns:
            The layers; with ``return_model_details`` also the details.
        """
        del enable_accelerator_recorder, disable_simulator_backend
        document = _load(model)
        if not update_input_model:
            document = TfliteModel(document.flatbuffer_data)
        loaded = TfliteMicro.load_tflite_model(document, accelerator, enable_tensor_recorder=enable_tensor_recorder)
        for i, value in enumerate([input_data] if isinstance(input_data, np.ndarray) else input_data or []):
            loaded.input(i, value)
        loaded.invoke()
        layers = document.layers
        if enable_tensor_recorder:
            _keep_data(document, loaded)
        for layer in layers if layer_callback is not None else []:
            assert layer_callback is not None
            if layer_callback(layer) is False:
                break
        return (layers, loaded.details) if return_model_details else layers


def _load(model: str | Path | TfliteModel) -> TfliteModel:
    return model if isinstance(model, TfliteModel) else TfliteModel.load_flatbuffer_file(str(model))


def _keep_data(document: TfliteModel, loaded: TfliteMicroModel) -> None:
    """Copy the data of each computed tensor of ``loaded`` to ``document``, into a new buffer for each tensor."""
    from ai_edge_litert import schema_py_generated as schema

    buffers = document.flatbuffer_model.buffers
    for tensor in document.tensors:
        if tensor.is_constant or tensor.is_variable or tensor.dtype is None:
            continue
        buffers.append(schema.BufferT())
        tensor.buffer = len(buffers) - 1
        tensor.data = loaded.tensor(tensor.index).reshape(tensor.shape)
