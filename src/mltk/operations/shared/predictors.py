"""Compute a trained model's outputs, as Keras does or as the device does."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mltk.operations.shared.explain import explained

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import KerasModel
    from mltk.tflite.model import TfliteModel


class Predictor(Protocol):
    """Computes the outputs of one model, batch by batch."""

    facts: dict[str, Any]
    """What computed the outputs, for the results: ``engine``, ``engine_description``, ``notes``."""

    def predict(self, x: Any) -> np.ndarray:
        """Return the first output ``[samples, …]`` of a batch, as float.

        Args:
            x: Samples ``[samples, …]``; for several inputs a tuple, a list or a dict by input name.
        """


class KerasPredictor:
    """Computes a Keras model.

    Args:
        keras_model: The model.
        name: The specification's name, for errors.
        callbacks: Keras callbacks for ``predict``.
    """

    def __init__(self, keras_model: KerasModel, name: str, callbacks: Sequence[Any] = ()) -> None:
        self._model = keras_model
        self._name = name
        self._callbacks = list(callbacks)
        self.facts: dict[str, Any] = {}

    def predict(self, x: Any) -> np.ndarray:
        """Return the output of a batch."""
        version = importlib.import_module("keras").__version__
        self.facts = {"engine": "keras", "engine_description": f"Keras {version}"}
        with explained(f"{self._name}: prediction failed"):
            if self._callbacks:
                return np.asarray(self._model.predict(x, verbose=0, callbacks=self._callbacks))
            return np.asarray(self._model.predict_on_batch(x))  # no pipeline to set up for each batch


class DevicePredictor:
    """Computes a ``.tflite`` as the device does; see `mltk.micro.engines.run`.

    Args:
        tflite_model: The model.
    """

    def __init__(self, tflite_model: TfliteModel) -> None:
        self._model = tflite_model
        self.facts: dict[str, Any] = {}

    def predict(self, x: Any) -> np.ndarray:
        """Return the dequantized output of a batch."""
        from mltk.micro.engines.run import run_batch

        arrays = self._in_order(x) if isinstance(x, dict) else list(x) if isinstance(x, (tuple, list)) else [x]
        inputs = [self._model.quantize_to_input_dtype(np.asarray(a), i) for i, a in enumerate(arrays)]
        result = run_batch(self._model.flatbuffer_data, inputs)
        if self.facts.get("engine") not in (None, result.engine):
            result.notes.append(f"{self.facts['engine_description']} computed a part of the samples.")
        self.facts["engine"] = result.engine
        self.facts["engine_description"] = result.engine_description
        notes = self.facts.setdefault("notes", [])
        notes += [n for n in result.notes if n not in notes]
        return np.asarray(self._model.dequantize_output_to_float32(result.outputs[0], 0))

    def _in_order(self, x: dict[str, Any]) -> list[Any]:
        """Return the arrays in the order of the file's input names; without these, by the alphabet as Keras does."""
        named = {i: name for inputs, _ in self._model.signatures.values() for name, i in inputs.items()}
        names = [named.get(t.index, "") for t in self._model.inputs]
        return [x[n] for n in (names if all(n in x for n in names) else sorted(x))]
