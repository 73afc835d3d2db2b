"""``TfliteMicro``, MLTK 0.20's door to TensorFlow Lite Micro, on top of this package."""

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
    """Something that computes layers in the place of TFLM's reference kernels; subclass and register."""

    name = ""

    @property
    def supports_profiling(self) -> bool:
        """Whether it counts cycles."""
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
        """The commit of TFLM that the installed wheel was built from; empty without the wheel."""
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
        """'debug', 'info', 'warn' or 'error'."""
        return TfliteMicro._level

    @staticmethod
    def set_log_level(level: str) -> str:
        """Set the level; returns the one before."""
        name = level.lower().replace("warning", "warn")
        if name not in _LEVELS:
            raise MltkError(f"No log level is called {level!r}.", hint=did_you_mean(name, _LEVELS) or None)
        before, TfliteMicro._level = TfliteMicro._level, name
        TfliteMicro._logger.setLevel({"warn": "WARNING"}.get(name, name.upper()))
        return before

    @staticmethod
    def normalize_accelerator_name(accelerator: str | None) -> str | None:
        """The registered spelling of ``accelerator``; None for none."""
        if accelerator is None or accelerator.lower() in ("", "none"):
            return None
        for name in TfliteMicro._accelerators:
            if name.lower() == accelerator.lower():
                return name
        known = TfliteMicro.get_supported_accelerators()
        raise MltkError(
            f"No accelerator called {accelerator!r} runs on this machine.",
            hint=f"Registered: {', '.join(known) or 'none'}. `mltk profile --target` estimates costs on devices.",
        )

    @staticmethod
    def accelerator_is_supported(accelerator: str) -> bool:
        """Whether an accelerator of this name was registered."""
        return any(name.lower() == accelerator.lower() for name in TfliteMicro._accelerators)

    @staticmethod
    def get_supported_accelerators() -> list[str]:
        """Names of the registered accelerators."""
        return list(TfliteMicro._accelerators)

    @staticmethod
    def get_accelerator(name: str) -> TfliteMicroAccelerator:
        """The registered accelerator of this name."""
        found = TfliteMicro.normalize_accelerator_name(name)
        if found is None:
            raise MltkError("An accelerator needs a name.")
        return TfliteMicro._accelerators[found]

    @staticmethod
    def register_accelerator(accelerator: TfliteMicroAccelerator) -> None:
        """Make an accelerator known by its ``name``."""
        TfliteMicro._accelerators[accelerator.name] = accelerator

    @staticmethod
    def add_accelerator_path(path: str) -> None:
        """Accelerators are registered from Python here, so a folder of binaries of MLTK 0.20 can't be used."""
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
        """Load ``model`` (a path or a loaded model). ``force_buffer_overlap`` and unknown options change nothing."""
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
        """Nothing to do: a model is freed when it is no longer referred to."""
        del model

    @staticmethod
    def profile_model(model: str | TfliteModel, accelerator: str | None = None, **kwargs: Any) -> Any:
        """Profile ``model``; as ``mltk.profile_model``."""
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
        """Run ``model`` once and return its layers, with the data that each input and output then held.

        ``input_data``: one array per input, zeros where left out. The layers are those of a copy of the model, unless
        ``update_input_model``. ``layer_callback`` is called with each layer in order until it returns False.
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
    """Give every computed tensor of ``document`` the data that it holds in ``loaded``, in a buffer of its own."""
    from ai_edge_litert import schema_py_generated as schema

    buffers = document.flatbuffer_model.buffers
    for tensor in document.tensors:
        if tensor.is_constant or tensor.is_variable or tensor.dtype is None:
            continue
        buffers.append(schema.BufferT())
        tensor.buffer = len(buffers) - 1
        tensor.data = loaded.tensor(tensor.index).reshape(tensor.shape)
