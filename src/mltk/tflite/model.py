"""`TfliteModel`: a ``.tflite`` that is read, changed and written without TensorFlow.

    model = TfliteModel.load_flatbuffer_file("my_model.tflite")
    print(model.summary())
    model.description = "Keyword spotting, 4 classes"
    model.save()

An unchanged model saves the bytes that it was loaded from. The next `save` or `flatbuffer_data` writes changed metadata
and a changed description. `regenerate_flatbuffer` writes changed tensors, options and quantization.
"""

from __future__ import annotations

import os
from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.errors import TfliteError
from mltk.tflite.layers import typed as typed  # registers the classes of the layers
from mltk.tflite.layers.base import TfliteLayer, layer_from_flatbuffer
from mltk.tflite.quantization import dequantize, to_tensor_dtype
from mltk.tflite.tensor import TfliteTensor
from mltk.tflite.tflite_file import TfliteFile
from mltk.tflite.types import check_index, decode

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

    from mltk.tflite.predict import Kernels, Samples, TflitePredictor


class TfliteModel(TfliteFile):
    """A TensorFlow Lite model.

    Args:
        flatbuffer_data: The bytes of the ``.tflite``.
        path: Where the bytes came from. `save` writes there.

    Raises:
        TfliteError: The bytes are not a valid ``.tflite``. Every table, index and constant is checked first.
    """

    def __init__(self, flatbuffer_data: bytes, path: str | None = None) -> None:
        self._subgraph_index = 0
        super().__init__(flatbuffer_data, path)

    def _forget(self) -> None:
        self._tensors: dict[int, list[TfliteTensor]] = {}
        self._layers: dict[int, list[TfliteLayer]] = {}
        self._predictors: dict[str | int, TflitePredictor] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "subgraph": self._subgraph_index}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._subgraph_index = state["subgraph"]

    def regenerate_flatbuffer(self, reload_model: bool = False) -> None:
        """Write the present objects to `flatbuffer_data`.

        Args:
            reload_model: Also make the objects again from the new bytes.

        Raises:
            TfliteError: The result is not a valid ``.tflite``. The model then stays as it was.
        """
        super().regenerate_flatbuffer(reload_model)
        self._predictors = {}

    @property
    def n_subgraphs(self) -> int:
        """Number of subgraphs."""
        return len(self._fb_model.subgraphs)

    @property
    def selected_model_subgraph(self) -> int:
        """Index of the subgraph that `layers`, `tensors`, `inputs` and `outputs` belong to; 0 is the main subgraph."""
        return self._subgraph_index

    @selected_model_subgraph.setter
    def selected_model_subgraph(self, value: int) -> None:
        self._subgraph_index = check_index(value, self.n_subgraphs, "subgraph")

    def get_flatbuffer_subgraph(self, index: int | None = None) -> Any:
        """Return the schema's ``SubGraphT`` of a subgraph; by default the selected subgraph."""
        if index is None:
            index = self._subgraph_index
        return self._fb_model.subgraphs[check_index(index, self.n_subgraphs, "subgraph")]

    @property
    def flatbuffer_subgraph(self) -> Any:
        """The schema's ``SubGraphT`` of the selected subgraph."""
        return self.get_flatbuffer_subgraph()

    @property
    def tensors(self) -> list[TfliteTensor]:
        """All tensors of the selected subgraph."""
        index = self._subgraph_index
        if index not in self._tensors:
            self._tensors[index] = [
                TfliteTensor(i, self, tensor) for i, tensor in enumerate(self.flatbuffer_subgraph.tensors or [])
            ]
        return self._tensors[index]

    @property
    def layers(self) -> list[TfliteLayer]:
        """The layers of the selected subgraph in the order of execution."""
        index = self._subgraph_index
        if index not in self._layers:
            self._layers[index] = [
                layer_from_flatbuffer(i, self, operator)
                for i, operator in enumerate(self.flatbuffer_subgraph.operators or [])
            ]
        return self._layers[index]

    def _listed(self, indices: Any) -> list[TfliteTensor]:
        return [] if indices is None else [self.tensors[int(i)] for i in indices]

    @property
    def inputs(self) -> list[TfliteTensor]:
        """Input tensors."""
        return self._listed(self.flatbuffer_subgraph.inputs)

    @property
    def outputs(self) -> list[TfliteTensor]:
        """Output tensors."""
        return self._listed(self.flatbuffer_subgraph.outputs)

    @property
    def n_inputs(self) -> int:
        """Number of inputs."""
        return len(self.inputs)

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return len(self.outputs)

    def get_tensor(self, index: int) -> TfliteTensor:
        """Return the tensor ``index``.

        Raises:
            TfliteError: There is no such tensor. The error is also an ``IndexError``.
        """
        return self.tensors[check_index(index, len(self.tensors), "tensor")]

    def get_input_tensor(self, index: int = 0) -> TfliteTensor:
        """Return the input ``index``."""
        return self.inputs[check_index(index, self.n_inputs, "input")]

    def get_output_tensor(self, index: int = 0) -> TfliteTensor:
        """Return the output ``index``."""
        return self.outputs[check_index(index, self.n_outputs, "output")]

    def get_tensor_data(self, index: int) -> np.ndarray:
        """Return the data of the tensor ``index``: a constant's values, otherwise zeros of its shape."""
        return self.get_tensor(index).data

    def get_input_data(self, index: int = 0) -> np.ndarray:
        """Return zeros of the shape and type of the input ``index``."""
        return self.get_input_tensor(index).data

    def get_output_data(self, index: int = 0) -> np.ndarray:
        """Return zeros of the shape and type of the output ``index``."""
        return self.get_output_tensor(index).data

    def quantize_to_input_dtype(self, x: np.ndarray, input_index: int = 0) -> np.ndarray:
        """Quantize float values for an input. Values that are of the input's type already stay as they are.

        Raises:
            TfliteError: The values are of another type that cannot be converted.
        """
        return to_tensor_dtype(x, self.get_input_tensor(input_index))

    def dequantize_output_to_float32(self, y: np.ndarray, output_index: int = 0) -> np.ndarray:
        """Return the floats that the stored values of an output stand for."""
        return dequantize(y, self.get_output_tensor(output_index))

    def predict(
        self,
        x: Samples,
        y_dtype: DTypeLike | None = None,
        *,
        engine: Kernels = "reference",
        reset_state: bool = True,
    ) -> Any:
        """Run the model on samples.

        Args:
            x: Array of samples (n, …), or one sample without the batch dimension. For several inputs, a list of
                arrays, or a dict by input number or name. Also an iterator of batches, or of ``(x, y)`` tuples.
                Floats are quantized to the input's type.
            y_dtype: None for the outputs as the model stores them; a float type for dequantized outputs.
            engine: ``"reference"`` for LiteRT's reference kernels, ``"fast"`` for its optimized kernels. Or a function
                from one sample's list of input arrays (batch 1) to its list of output arrays.
            reset_state: Forget the state of a streaming or recurrent model before each sample.

        Returns:
            Array (n, …), or a list of arrays for a model with several outputs.

        Raises:
            TfliteError: The samples do not fit the inputs.
            RuntimeFailure: LiteRT refuses the model or fails.
        """
        key = engine if isinstance(engine, str) else id(engine)
        if self._dirty or key not in self._predictors:
            self._predictors[key] = self._predictor(engine)
        return self._predictors[key].predict(x, y_dtype, reset_state=reset_state)

    def _predictor(self, engine: Kernels) -> TflitePredictor:
        from mltk.tflite.litert import LiteRtInterpreter
        from mltk.tflite.predict import TflitePredictor

        if isinstance(engine, str) and engine not in ("reference", "fast"):
            raise TfliteError(f"Unknown engine {engine!r}; there are 'reference' and 'fast'.")
        if self._subgraph_index != 0:
            raise TfliteError("Only the main subgraph (0) can be run.")
        invoke = LiteRtInterpreter(self.graph, reference=engine == "reference") if isinstance(engine, str) else engine
        names: dict[int, list[str]] = defaultdict(list)
        for inputs, _ in self.signatures.values():
            for name, index in inputs.items():
                names[index].append(name)
        return TflitePredictor(self.inputs, self.outputs, invoke, names)

    def summary(self) -> str:
        """Return a text table of the layers, and below it what the model costs."""
        from mltk.tflite.summary import model_summary

        return model_summary(self)

    @cached_property
    def signatures(self) -> dict[str, tuple[dict[str, int], dict[str, int]]]:
        """Signatures by key: (input name to tensor, output name to tensor)."""
        return {
            decode(entry.signatureKey): (
                {decode(item.name): int(item.tensorIndex) for item in entry.inputs or []},
                {decode(item.name): int(item.tensorIndex) for item in entry.outputs or []},
            )
            for entry in self._fb_model.signatureDefs or []
        }


def summarize(model: TfliteModel | str | os.PathLike[str] | bytes) -> str:
    """Return a text summary of a ``.tflite``.

    Args:
        model: A model, the path of a file, or the bytes of a file.

    Raises:
        TfliteError: It is not a valid ``.tflite``.
    """
    if isinstance(model, bytes | bytearray):
        model = TfliteModel(bytes(model))
    elif not isinstance(model, TfliteModel):
        model = TfliteModel.load_flatbuffer_file(os.fspath(model))
    return model.summary()
