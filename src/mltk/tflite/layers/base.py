"""Layers of a ``.tflite``: what every operator has. `mltk.tflite.layers.typed` adds what particular ones have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError
from mltk.tflite import layer_options as _options
from mltk.tflite.format.verify import check_index
from mltk.tflite.tensor import TfliteTensor

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

Op = schema.BuiltinOperator
TfliteOpCode = Op
"""The schema's operator numbers under the name of MLTK 0.20."""

OPERATOR_NAMES: dict[int, str] = {number: name.lower() for name, number in vars(Op).items() if not name.startswith("_")}


def operator_name(opcode: int, custom_code: str = "") -> str:
    """Name of an operator in lower case; a custom one's own name; ``builtin_250`` for one newer than this schema."""
    if opcode == Op.CUSTOM and custom_code:
        return custom_code
    return OPERATOR_NAMES.get(opcode, f"builtin_{opcode}")


class TfliteLayer:
    """One operator of a subgraph, in the order of execution."""

    # How many of the first inputs and outputs a class needs to be there, and of which rank.
    _input_ranks: tuple[int | None, ...] = ()
    _n_outputs: int = 0
    _options_class: Any = None

    def __init__(
        self,
        index: int,
        opcode: int,
        opcode_version: int,
        model: TfliteModel,
        fb_operation: Any,
        *,
        custom_code: str = "",
    ) -> None:
        self._index = index
        self._opcode = int(opcode)
        self._opcode_version = int(opcode_version)
        self._model = model
        self._fb_operation = fb_operation
        self._custom_code = custom_code
        self._metadata: dict[str, Any] = {}
        self._inputs = self._tensors(fb_operation.inputs)
        self._outputs = self._tensors(fb_operation.outputs)
        self._options = self._make_options()

    @staticmethod
    def from_flatbuffer(index: int, model: TfliteModel, fb_operation: Any) -> TfliteLayer:
        """The layer of the class that knows this operator."""
        from mltk.tflite.layers.typed import layer_from_flatbuffer

        return layer_from_flatbuffer(index, model, fb_operation)

    def _tensors(self, indices: Any) -> list[TfliteTensor | None]:
        if indices is None:
            return []
        return [None if i < 0 else self._model.get_tensor(int(i)) for i in indices]

    def _make_options(self) -> _options.TfliteLayerOptions:
        operation = self._fb_operation
        if self._options_class is not None:
            return self._options_class(operation.builtinOptions)
        if operation.builtinOptions is None and operation.builtinOptions2 is not None:
            return _options.TfliteLayerOptions(operation.builtinOptions2, type=0)
        return _options.TfliteLayerOptions(operation.builtinOptions, type=operation.builtinOptionsType)

    @property
    def index(self) -> int:
        """Position in the order of execution."""
        return self._index

    @property
    def name(self) -> str:
        """``op<index>-<operator>``."""
        return f"op{self._index}-{self.opcode_str}"

    @property
    def opcode(self) -> int:
        """Number of the schema's ``BuiltinOperator``."""
        return self._opcode

    @property
    def opcode_str(self) -> str:
        """Name of the operator in lower case, e.g. ``conv_2d``; a custom operator's own name."""
        return operator_name(self._opcode, self._custom_code)

    @property
    def opcode_version(self) -> int:
        """Version of the operator that the model asks for."""
        return self._opcode_version

    @property
    def custom_code(self) -> str:
        """Name of a custom operator, else empty."""
        return self._custom_code

    @property
    def custom_options(self) -> bytes:
        """Options of a custom operator as it stores them, else empty."""
        stored = self._fb_operation.customOptions
        return b"" if stored is None else np.asarray(stored, np.uint8).tobytes()

    @property
    def options(self) -> Any:
        """Options of the operator: a `mltk.tflite.layer_options.TfliteLayerOptions`, typed where the class is."""
        return self._options

    @property
    def model(self) -> TfliteModel:
        """The model it belongs to."""
        return self._model

    @property
    def metadata(self) -> dict[str, Any]:
        """Notes kept with this object, not written to the file."""
        return self._metadata

    @property
    def inputs(self) -> list[Any]:
        """Input tensors in the operator's order; None where an optional one is left out."""
        return list(self._inputs)

    @property
    def outputs(self) -> list[Any]:
        """Output tensors."""
        return list(self._outputs)

    @property
    def n_inputs(self) -> int:
        """Number of inputs, counting optional ones left out."""
        return len(self._inputs)

    @property
    def n_outputs(self) -> int:
        """Number of outputs."""
        return len(self._outputs)

    def _tensor_at(self, tensors: list[TfliteTensor | None], index: int, what: str) -> TfliteTensor:
        tensor = tensors[check_index(index, len(tensors), what, f"layer {self.name}")]
        if tensor is None:
            raise TfliteError(f"Layer {self.name} leaves its optional {what} {index} out.")
        return tensor

    def get_input_tensor(self, index: int = 0) -> TfliteTensor:
        """Input ``index``; `TfliteError` if there is none."""
        return self._tensor_at(self._inputs, index, "input")

    def get_output_tensor(self, index: int = 0) -> TfliteTensor:
        """Output ``index``; `TfliteError` if there is none."""
        return self._tensor_at(self._outputs, index, "output")

    def get_input_data(self, index: int = 0) -> np.ndarray:
        """Data of input ``index``: a constant's values, else zeros of its shape."""
        return self.get_input_tensor(index).data

    def get_output_data(self, index: int = 0) -> np.ndarray:
        """Zeros of the shape of output ``index``."""
        return self.get_output_tensor(index).data

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @classmethod
    def _fits(cls, inputs: list[TfliteTensor | None], outputs: list[TfliteTensor | None], options: Any) -> bool:
        """Whether an operator has the tensors and options that this class reads."""
        if len(inputs) < len(cls._input_ranks) or len(outputs) < cls._n_outputs:
            return False
        if any(tensor is None for tensor in outputs[: cls._n_outputs]):
            return False
        for tensor, rank in zip(inputs, cls._input_ranks, strict=False):
            if tensor is None or (rank is not None and len(tensor.shape) != rank):
                return False
        wanted = [c for c in getattr(cls._options_class, "__mro__", ()) if c.__module__ == schema.__name__]
        return options is None or not wanted or isinstance(options, wanted[0])


class SingleInputLayer(TfliteLayer):
    _input_ranks: tuple[int | None, ...] = (None,)
    _n_outputs = 1

    @property
    def input_tensor(self) -> TfliteTensor:
        """First input."""
        return self.get_input_tensor(0)

    @property
    def input_data(self) -> np.ndarray:
        """Its data."""
        return self.get_input_data(0)

    @property
    def output_tensor(self) -> TfliteTensor:
        """First output."""
        return self.get_output_tensor(0)

    @property
    def output_data(self) -> np.ndarray:
        """Zeros of its shape."""
        return self.get_output_data(0)


class ActivatedLayer(TfliteLayer):
    @property
    def activation(self) -> Any:
        """Activation fused into the layer, a `mltk.tflite.layer_options.TfliteActivation`."""
        return self.options.activation
