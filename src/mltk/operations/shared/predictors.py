"""Compute a trained model's outputs, as Keras does or as the device does."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from mltk.data.nested import by_name, leaves
from mltk.errors import RuntimeFailure
from mltk.operations.shared.explain import explained

if TYPE_CHECKING:
    from mltk.micro.engines.run import BatchResult
    from mltk.operations.shared.model_types import KerasModel
    from mltk.tflite.model import TfliteModel

# Share and least number of the samples of a batch that TensorFlow Lite Micro computes too.
_CHECK_SHARE, _CHECK_AT_LEAST = 0.005, 8


class Predictor(Protocol):
    """Computes the outputs of one model, batch by batch."""

    facts: dict[str, Any]
    """What computed the outputs, for the results: ``engine``, ``engine_description``, ``notes``."""

    def predict(self, x: Any) -> list[npt.NDArray[Any]]:
        """Return the outputs ``[samples, …]`` of a batch as float, in the order of the Keras model's outputs.

        Args:
            x: Samples ``[samples, …]``; for several inputs a tuple, or a dict by input name.
        """

    def note(self, text: str) -> None:
        """Add a note to the results, once."""


class _Noting:
    """Facts of a prediction, and notes among them."""

    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}

    def note(self, text: str) -> None:
        """Add a note to the results, once."""
        notes = self.facts.setdefault("notes", [])
        if text not in notes:
            notes.append(text)


class KerasPredictor(_Noting):
    """Computes a Keras model.

    Args:
        keras_model: The model.
        name: The specification's name, for errors.
        callbacks: Keras callbacks for ``predict``.
    """

    def __init__(self, keras_model: KerasModel, name: str, callbacks: Sequence[Any] = ()) -> None:
        super().__init__()
        self._model = keras_model
        self._name = name
        self._callbacks = list(callbacks)

    def predict(self, x: Any) -> list[npt.NDArray[Any]]:
        """Return the outputs of a batch."""
        self.facts.setdefault("engine", "keras")
        self.facts.setdefault("engine_description", f"Keras {importlib.import_module('keras').__version__}")
        with explained(f"{self._name}: prediction failed"):
            if self._callbacks:
                predicted = self._model.predict(x, verbose=0, callbacks=self._callbacks)
            else:
                predicted = self._model.predict_on_batch(x)  # predict() builds a pipeline for each batch
        return [np.asarray(p) for p in leaves(predicted)]


class DevicePredictor(_Noting):
    """Computes a ``.tflite`` as the device does; see `mltk.micro.engines.run`.

    Args:
        tflite_model: The model.
    """

    def __init__(self, tflite_model: TfliteModel) -> None:
        super().__init__()
        self._model = tflite_model

    def predict(self, x: Any) -> list[npt.NDArray[Any]]:
        """Return the dequantized outputs of a batch. NaN and infinity count as 0: integers do not have them."""
        named = {i: name for inputs, _ in self._model.signatures.values() for name, i in inputs.items()}
        arrays = by_name(x, [named.get(t.index, "") for t in self._model.inputs])
        inputs = [self._model.quantize_to_input_dtype(_finite(np.asarray(a)), i) for i, a in enumerate(arrays)]
        result = self._compute(inputs)
        if self.facts.get("engine") not in (None, result.engine):
            self.note(f"{self.facts['engine_description']} computed a part of the samples.")
        self.facts["engine"] = result.engine
        self.facts["engine_description"] = result.engine_description
        for text in result.notes:
            self.note(text)
        return [np.asarray(self._model.dequantize_output_to_float32(o, i)) for i, o in enumerate(result.outputs)]

    def _compute(self, inputs: list[npt.NDArray[Any]]) -> BatchResult:
        from mltk.micro.engines.run import run_batch

        return run_batch(self._model, inputs)


class CCodePredictor(DevicePredictor):
    """Computes a ``.tflite`` with its C code, compiled for this machine, on all cores.

    Each batch is checked: TensorFlow Lite Micro computes a part of the samples too.

    Args:
        tflite_model: The model.

    Raises:
        UnsupportedModelError: The model can't become C code.
        MissingDependencyError: There is no C compiler.
    """

    def __init__(self, tflite_model: TfliteModel) -> None:
        from mltk.codegen.host import HostModel
        from mltk.micro.engines.run import available_cpus

        super().__init__(tflite_model)
        self._host = HostModel(tflite_model, threads=available_cpus())
        self._rng = np.random.default_rng()
        self._n_checked = 0

    def _compute(self, inputs: list[npt.NDArray[Any]]) -> BatchResult:
        from importlib import metadata

        from mltk.micro.engines.run import BatchResult, run_batch

        outputs = self._host.run(inputs)
        n = len(inputs[0])
        chosen = np.sort(self._rng.permutation(n)[: max(_CHECK_AT_LEAST, int(n * _CHECK_SHARE))])
        reference = run_batch(self._model, [a[chosen] for a in inputs])
        for ours, theirs in zip(outputs, reference.outputs, strict=True):
            if not np.array_equal(ours[chosen].reshape(theirs.shape), theirs):
                raise RuntimeFailure(
                    f"The C code of the model differs from {reference.engine_description}.",
                    hint="This is an error in mltk. Please report it with the model. Leave out the engine c.",
                )
        self._n_checked += len(chosen)
        description = (
            f"C code of openmltk {metadata.version('openmltk')}, compiled for this machine; "
            f"{self._n_checked} random samples equal to {reference.engine_description}"
        )
        shaped = [o.reshape(n, *r.shape[1:]) for o, r in zip(outputs, reference.outputs, strict=True)]
        return BatchResult(shaped, "c", description)


def _finite(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return array
    return np.where(np.isfinite(array), array, np.zeros((), array.dtype))
