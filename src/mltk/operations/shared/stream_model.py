"""Computes the ``.tflite`` of a spotter on the batches of a stream, with the numbers of TensorFlow Lite Micro."""

from __future__ import annotations

import contextlib
from importlib import metadata
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.errors import EvaluationError, MissingDependencyError, RuntimeFailure, UnsupportedModelError
from mltk.micro.engines.process import Workers
from mltk.micro.engines.run import available_cpus, run_batch
from mltk.micro.engines.runtimes import have_tflm
from mltk.tflite.model import TfliteModel

_CHECKED_FIRST, _CHECKED = 32, 8
"""Inferences of the first batch and of each later one that TensorFlow Lite Micro computes too."""

_CHECKED_IN_ORDER = 250
"""First inferences of each recording that TensorFlow Lite Micro computes too, if the model keeps state."""


class StreamModel:
    """Computes a ``.tflite``, many inferences at once. A context manager.

    Its C code, compiled for this machine, computes it on all processors. TensorFlow Lite Micro computes random
    inferences of each batch too, and they must be equal. Without a compiler, or if the model cannot become C code,
    `mltk.micro.run_batch` computes all.

    A model that keeps state is computed in order, on one processor, and always by its C code.

    Args:
        model: The model.
        engine: ``"auto"``, or ``"c"``: an error if there is no C code.
        trusted: Whether other native code than that of the model may run in this process.

    Attributes:
        notes: What a reader of the results must know.
    """

    def __init__(self, model: TfliteModel, *, engine: str = "auto", trusted: bool = True) -> None:
        if engine not in ("auto", "c"):
            raise EvaluationError(f"There is no engine {engine!r} for a stream.", hint="Choose 'auto' or 'c'.")
        self._model = model
        self._trusted = trusted
        self._stack = contextlib.ExitStack()
        self._children = None if trusted else self._stack.enter_context(Workers())
        self._rng = np.random.default_rng()
        self._n_checked = 0
        self._reference = ""
        self.notes: list[str] = []
        self._keeps_state = model.graph.is_stateful
        self._is_new = True
        self._host = self._compile(required=engine == "c" or self._keeps_state)

    def _compile(self, *, required: bool) -> Any:
        from mltk.codegen.host import HostModel

        try:
            return self._stack.enter_context(HostModel(self._model, threads=available_cpus()))
        except (MissingDependencyError, UnsupportedModelError, RuntimeFailure) as error:
            if required:
                raise
            self.notes.append(f"The model is not computed by its C code, which is faster. {error.message}")
            return None

    def __enter__(self) -> StreamModel:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def restart(self) -> None:
        """Forget the model's state: another recording begins."""
        self._is_new = True

    def compute(self, inputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the outputs [inferences, ...] of the only output.

        Args:
            inputs: [inferences, *input shape without the batch], in the type of the input.

        Raises:
            RuntimeFailure: The C code differs from TensorFlow Lite Micro.
        """
        if self._host is None:
            return self._run(inputs, "auto")
        outputs: npt.NDArray[Any]
        if self._keeps_state:
            outputs = self._host.run([inputs], reset_between_samples=False, resumes=not self._is_new)[0]
            chosen = np.arange(min(len(inputs), _CHECKED_IN_ORDER) if self._is_new else 0)
            self._is_new = False
        else:
            outputs = self._host.run([inputs])[0]
            n = min(len(inputs), _CHECKED if self._n_checked else _CHECKED_FIRST)
            chosen = np.sort(self._rng.permutation(len(inputs))[:n])
        if len(chosen):
            self._check(inputs[chosen], outputs[chosen])
        return outputs

    def _check(self, inputs: npt.NDArray[Any], outputs: npt.NDArray[Any]) -> None:
        """Compare inferences with TensorFlow Lite Micro."""
        engine = "tflm" if have_tflm() else "auto"
        reference = self._run(inputs, engine, processes=1, reset_between_samples=not self._keeps_state)
        if not np.array_equal(outputs.reshape(reference.shape), reference):
            raise RuntimeFailure(
                f"The C code of the model differs from {self._reference}.",
                hint="This is an error in mltk. Please report it with the model.",
            )
        self._n_checked += len(inputs)

    def _run(self, inputs: npt.NDArray[Any], engine: str, **options: Any) -> npt.NDArray[Any]:
        result = run_batch(
            self._model, inputs, engine=engine, trusted=self._trusted, children=self._children, **options
        )
        self._reference = result.engine_description
        for note in result.notes:
            if note not in self.notes:
                self.notes.append(note)
        return result.outputs[0]

    @property
    def facts(self) -> dict[str, Any]:
        """What computed the outputs, for the results."""
        if self._host is None:
            return {"engine": "auto", "engine_description": self._reference}
        description = (
            f"C code of openmltk {metadata.version('openmltk')}, compiled for this machine; "
            f"{self._n_checked} {'' if self._keeps_state else 'random '}inferences equal to {self._reference}"
        )
        return {"engine": "c", "engine_description": description}
