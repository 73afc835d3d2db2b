"""`TfliteModel`: a ``.tflite`` read, changed and written without TensorFlow.

    model = TfliteModel.load_flatbuffer_file("my_model.tflite")
    print(model.summary())
    model.description = "Keyword spotting, 4 classes"
    model.save()

Untouched, it saves the very bytes it was loaded from. Changed metadata or description is written on the next `save` or
`flatbuffer_data`; changed tensors, options or quantization after `regenerate_flatbuffer`.
"""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError
from mltk.files import write_file
from mltk.tflite.format import codec
from mltk.tflite.format.files import read_file
from mltk.tflite.format.verify import check_index, verify_model
from mltk.tflite.tensor import TfliteTensor, decode

if TYPE_CHECKING:
    from mltk.tflite.layers.base import TfliteLayer
    from mltk.tflite.predict import Engine, Samples, TflitePredictor


class TfliteModel:
    """A TensorFlow Lite model.

    Args:
        flatbuffer_data: The bytes of the ``.tflite``.
        path: Where they came from; `save` writes there.

    Raises:
        TfliteError: if the bytes are not a valid ``.tflite``; every table, index and constant is checked first.
    """

    path: str | None = None
    """Where the model came from; `save` writes there."""

    def __init__(self, flatbuffer_data: bytes, path: str | None = None) -> None:
        self.path = path
        self._subgraph_index = 0
        self._load(bytes(flatbuffer_data))

    @staticmethod
    def load_flatbuffer_file(path: str, cwd: str | None = None) -> TfliteModel:
        """Load a ``.tflite`` file; a relative ``path`` is looked up in ``cwd``, and ``~`` and ``$NAME`` are expanded.

        Raises:
            TfliteError: if there is no such file, or it is not a valid ``.tflite``.
        """
        expanded = os.path.expanduser(os.path.expandvars(os.fspath(path)))
        full = os.path.abspath(os.path.join(cwd, expanded) if cwd else expanded)
        return TfliteModel(read_file(full), path=full)

    def _load(self, data: bytes) -> None:
        model, verified = codec.unpack(data, self.path)
        verify_model(model, len(data), self.path)
        self._data = data
        self._fb_model = model
        self._verified = verified
        self._dirty = False
        self._forget()

    def _forget(self) -> None:
        """Drop what was made from the graph."""
        self._tensors: dict[int, list[TfliteTensor]] = {}
        self._layers: dict[int, list[TfliteLayer]] = {}
        self._predictors: dict[Any, TflitePredictor] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {"data": self.flatbuffer_data, "path": self.path, "subgraph": self._subgraph_index}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.path = state["path"]
        self._subgraph_index = state["subgraph"]
        self._load(state["data"])

    def __repr__(self) -> str:
        return f"<TfliteModel {self.name} ({self.flatbuffer_size} bytes)>"

    # ---- the file

    @property
    def filename(self) -> str | None:
        """File name of `path`; None without."""
        return os.path.basename(self.path) if self.path else None

    @property
    def name(self) -> str:
        """File name without its extension; ``my_model`` without a path."""
        return os.path.splitext(os.path.basename(self.path))[0] if self.path else "my_model"

    @property
    def description(self) -> str:
        """The model's description; empty if it has none."""
        return decode(self._fb_model.description)

    @description.setter
    def description(self, value: str | None) -> None:
        self._ensure_writable()
        self._fb_model.description = None if value is None else str(value)
        self._dirty = True

    @property
    def flatbuffer_data(self) -> bytes:
        """The bytes of the ``.tflite``, with metadata and description as they are now."""
        if self._dirty:
            self.regenerate_flatbuffer()
        return self._data

    @property
    def flatbuffer_size(self) -> int:
        """Size of the ``.tflite`` in bytes."""
        return len(self.flatbuffer_data)

    @property
    def flatbuffer_model(self) -> Any:
        """The schema's ``ModelT``."""
        return self._fb_model

    def _ensure_writable(self) -> None:
        if self._verified.unknown:
            raise TfliteError(
                f"{self.path or 'The model'} can't be changed without loss: {self._verified.unknown[0]}.",
                hint="It was written with a newer schema; a newer ai-edge-litert may know it.",
            )

    def regenerate_flatbuffer(self, reload_model: bool = False) -> None:
        """Write the objects, as they are now, to `flatbuffer_data`; with ``reload_model``, read them anew from it.

        Raises:
            TfliteError: if the result would not be a valid ``.tflite``; the model then stays as it was.
        """
        self._ensure_writable()
        data = codec.pack(self._fb_model, self._data, self._verified.end)
        model, verified = codec.unpack(data, self.path)
        verify_model(model, len(data), self.path)
        self._predictors = {}
        self._data = data
        self._verified = verified
        self._dirty = False
        if reload_model:
            self._fb_model = model
            self._forget()

    def save(self, output_path: str | None = None, update_path: bool = False) -> None:
        """Write the ``.tflite`` to ``output_path``, or to `path`; whole or not at all.

        ``update_path`` makes ``output_path`` the model's `path`.
        """
        target = output_path or self.path
        if not target:
            raise TfliteError("This model came from no file: save it with an output path.")
        write_file(target, self.flatbuffer_data)
        if update_path:
            self.path = os.path.abspath(target)

    # ---- metadata

    def get_all_metadata(self) -> dict[str, bytes]:
        """Every metadata entry: name to data."""
        return {decode(entry.name): self._metadata_bytes(entry) for entry in self._fb_model.metadata or []}

    def _metadata_bytes(self, entry: Any) -> bytes:
        return bytes(codec.buffer_bytes(self._fb_model, entry.buffer, self._data))

    def get_metadata(self, tag: str) -> bytes | None:
        """Data of a metadata entry; None if there is none of that name."""
        for entry in self._fb_model.metadata or []:
            if decode(entry.name) == tag:
                return self._metadata_bytes(entry)
        return None

    def add_metadata(self, tag: str, value: bytes) -> None:
        """Add a metadata entry, or replace the one of that name."""
        if not isinstance(tag, str) or not tag or not isinstance(value, bytes | bytearray | memoryview):
            raise TfliteError("A metadata entry needs a name (str) and data (bytes).")
        self._ensure_writable()
        self._drop_metadata(tag)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(bytes(value), np.uint8)
        self._fb_model.buffers.append(buffer)
        entry = schema.MetadataT()
        entry.name = tag
        entry.buffer = len(self._fb_model.buffers) - 1
        self._fb_model.metadata = [*(self._fb_model.metadata or []), entry]
        self._dirty = True

    def remove_metadata(self, tag: str) -> bool:
        """Remove a metadata entry; False if there was none of that name."""
        if self.get_metadata(tag) is None:
            return False
        self._ensure_writable()
        self._drop_metadata(tag)
        self._dirty = True
        return True

    def _drop_metadata(self, tag: str) -> None:
        entries = self._fb_model.metadata or []
        dropped = {entry.buffer for entry in entries if decode(entry.name) == tag}
        self._fb_model.metadata = [entry for entry in entries if decode(entry.name) != tag] or None
        self._release_buffers(dropped)

    def _release_buffers(self, released: set[int]) -> None:
        """Empty buffers that nothing refers to any more; cut them off where they are the last."""
        buffers = self._fb_model.buffers
        used = {0, *(entry.buffer for entry in self._fb_model.metadata or [])}
        if self._fb_model.metadataBuffer is not None:
            used.update(int(index) for index in self._fb_model.metadataBuffer)
        for subgraph in self._fb_model.subgraphs:
            used.update(tensor.buffer for tensor in subgraph.tensors or [])
        free = released - used
        for index in free:
            buffers[index] = schema.BufferT()
        while len(buffers) - 1 in free:
            buffers.pop()

    # ---- the graph

    @property
    def n_subgraphs(self) -> int:
        """Number of subgraphs."""
        return len(self._fb_model.subgraphs)

    @property
    def selected_model_subgraph(self) -> int:
        """The subgraph that `layers`, `tensors`, `inputs` and `outputs` are of; 0 is the main one."""
        return self._subgraph_index

    @selected_model_subgraph.setter
    def selected_model_subgraph(self, value: int) -> None:
        self._subgraph_index = check_index(value, self.n_subgraphs, "subgraph")

    def get_flatbuffer_subgraph(self, index: int | None = None) -> Any:
        """The schema's ``SubGraphT`` of a subgraph, by default the selected one."""
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
        from mltk.tflite.layers.typed import layer_from_flatbuffer

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
        """Tensor ``index``; `TfliteError` (an ``IndexError``) if there is none."""
        return self.tensors[check_index(index, len(self.tensors), "tensor")]

    def get_input_tensor(self, index: int = 0) -> TfliteTensor:
        """Input ``index``."""
        return self.inputs[check_index(index, self.n_inputs, "input")]

    def get_output_tensor(self, index: int = 0) -> TfliteTensor:
        """Output ``index``."""
        return self.outputs[check_index(index, self.n_outputs, "output")]

    def get_tensor_data(self, index: int) -> np.ndarray:
        """Data of tensor ``index``: a constant's values, else zeros of its shape."""
        return self.get_tensor(index).data

    def get_input_data(self, index: int = 0) -> np.ndarray:
        """Zeros of the shape and type of input ``index``."""
        return self.get_input_tensor(index).data

    def get_output_data(self, index: int = 0) -> np.ndarray:
        """Zeros of the shape and type of output ``index``."""
        return self.get_output_tensor(index).data

    def buffer_data(self, index: int) -> memoryview:
        """Bytes of buffer ``index``, a view; empty for a tensor that is not constant."""
        return codec.buffer_bytes(self._fb_model, index, self._data)

    def set_buffer_data(self, index: int, data: bytes) -> None:
        """Replace the bytes of buffer ``index``; written by `regenerate_flatbuffer`."""
        if not 0 < index < len(self._fb_model.buffers):
            raise TfliteError(f"Buffer {index} can't hold data: number 0 is kept empty for tensors without.")
        buffer = self._fb_model.buffers[index]
        buffer.data = np.frombuffer(data, np.uint8)
        buffer.offset = buffer.size = 0
        self._dirty = True

    # ---- running it

    def quantize_to_input_dtype(self, x: np.ndarray, input_index: int = 0) -> np.ndarray:
        """Float values as the model's input stores them; values of that type already are returned as they are."""
        from mltk.tflite.predict import to_tensor_dtype

        return to_tensor_dtype(x, self.get_input_tensor(input_index))

    def dequantize_output_to_float32(self, y: np.ndarray, output_index: int = 0) -> np.ndarray:
        """The model's stored output values as the floats they stand for."""
        from mltk.tflite.predict import dequantize

        return dequantize(y, self.get_output_tensor(output_index))

    def predict(self, x: Samples, y_dtype: Any = None, *, engine: Engine = "reference", **kwargs: Any) -> Any:
        """Run the model on samples; see `mltk.tflite.predict`.

        Args:
            x: Array of samples (n, …), or one sample without the batch dimension. For several inputs, a list of
                arrays or a dict by input number or name. Also an iterator of such batches, or of ``(x, y)`` tuples.
                Floats are quantized to the input's type.
            y_dtype: None for the outputs as stored; a float type for dequantized ones.
            engine: ``"reference"`` for LiteRT's reference kernels, ``"fast"`` for its optimized ones, or a function
                from one sample's list of input arrays (batch 1) to its list of output arrays.
            kwargs: ``reset_state=False`` keeps a stateful model's state from sample to sample.

        Returns:
            Array (n, …), or a list of arrays for a model with several outputs.
        """
        from mltk.tflite.predict import TflitePredictor

        key = engine if isinstance(engine, str) else id(engine)
        if self._dirty or key not in self._predictors:
            predictor = TflitePredictor(self, engine)
            self._predictors[key] = predictor
        return self._predictors[key].predict(x, y_dtype, **kwargs)

    def summary(self) -> str:
        """The layers, and what the model costs, as a text table."""
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
