"""Layers of a ``.tflite``: what every operator has. `mltk.tflite.layers.typed` adds what some operators have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError
from mltk.tflite.layer_options import TfliteLayerOptions
from mltk.tflite.layers.operands import Operand, OperandData
from mltk.tflite.tensor import TensorOwner, TfliteTensor
from mltk.tflite.types import TfliteActivation, check_index, decode, operator_name, operator_number

TfliteOpCode = schema.BuiltinOperator
"""The schema's operator numbers under the name of MLTK 0.20."""


class LayerOwner(TensorOwner, Protocol):
    """What a layer needs of the model that it belongs to."""

    @property
    def flatbuffer_model(self) -> Any:
        """The schema's ``ModelT``."""

    def get_tensor(self, index: int) -> TfliteTensor:
        """Return a tensor of the selected subgraph."""


class TfliteLayer:
    """One operator of a subgraph."""

    # The inputs and outputs that a class needs, from the first one on, and the rank of each input (None: any rank).
    _input_ranks: tuple[int | None, ...] = ()
    _n_outputs: int = 0
    _options_class: type[TfliteLayerOptions] = TfliteLayerOptions

    def __init__(
        self,
        index: int,
        opcode: int,
        opcode_version: int,
        model: LayerOwner,
        fb_operation: Any,
        *,
        custom_code: str = "",
    ) -> None:
        """Make the layer of an operator.

        Args:
            index: Position in the order of execution.
            opcode: Number of the schema's ``BuiltinOperator``.
            opcode_version: Version of the operator that the model asks for.
            model: The model that the layer belongs to.
            fb_operation: The schema's ``OperatorT``.
            custom_code: Name of a custom operator.
        """
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
    def from_flatbuffer(index: int, model: LayerOwner, fb_operation: Any) -> TfliteLayer:
        """Make the layer of the class that knows this operator. See `layer_from_flatbuffer`."""
        return layer_from_flatbuffer(index, model, fb_operation)

    def _tensors(self, indices: Any) -> list[TfliteTensor | None]:
        if indices is None:
            return []
        return [None if i < 0 else self._model.get_tensor(int(i)) for i in indices]

    def _make_options(self) -> TfliteLayerOptions:
        operation = self._fb_operation
        if self._options_class is not TfliteLayerOptions:
            return self._options_class(operation.builtinOptions)
        if operation.builtinOptions is None and operation.builtinOptions2 is not None:
            return TfliteLayerOptions(operation.builtinOptions2, type=0)
        return TfliteLayerOptions(operation.builtinOptions, type=operation.builtinOptionsType)

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
        """Name of the operator in lower case, for example ``conv_2d``; the own name of a custom operator."""
        return operator_name(self._opcode, self._custom_code)

    @property
    def opcode_version(self) -> int:
        """Version of the operator that the model asks for."""
        return self._opcode_version

    @property
    def custom_code(self) -> str:
        """Name of a custom operator; empty for other operators."""
        return self._custom_code

    @property
    def custom_options(self) -> bytes:
        """Options of a custom operator as they are stored; empty for other operators."""
        stored = self._fb_operation.customOptions
        return b"" if stored is None else np.asarray(stored, np.uint8).tobytes()

    @property
    def options(self) -> TfliteLayerOptions:
        """Options of the operator, of the class in `mltk.tflite.layer_options` that knows the operator."""
        return self._options

    @property
    def model(self) -> LayerOwner:
        """The `TfliteModel` that the layer belongs to."""
        return self._model

    @property
    def metadata(self) -> dict[str, Any]:
        """Notes that are kept with this object. They are not written to the file."""
        return self._metadata

    @property
    def inputs(self) -> list[TfliteTensor | None]:
        """Input tensors in the operator's order; None for an optional input that is left out."""
        return list(self._inputs)

    @property
    def outputs(self) -> list[TfliteTensor | None]:
        """Output tensors."""
        return list(self._outputs)

    @property
    def n_inputs(self) -> int:
        """Number of inputs, with the optional inputs that are left out."""
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
        """Return the input ``index``.

        Raises:
            TfliteError: There is no such input.
        """
        return self._tensor_at(self._inputs, index, "input")

    def get_output_tensor(self, index: int = 0) -> TfliteTensor:
        """Return the output ``index``.

        Raises:
            TfliteError: There is no such output.
        """
        return self._tensor_at(self._outputs, index, "output")

    def optional_input(self, index: int) -> TfliteTensor | None:
        """Return the input ``index``; None if the layer leaves the input out."""
        return self._inputs[index] if index < len(self._inputs) else None

    def get_input_data(self, index: int = 0) -> np.ndarray:
        """Return the data of the input ``index``: a constant's values, otherwise zeros of the input's shape."""
        return self.get_input_tensor(index).data

    def get_output_data(self, index: int = 0) -> np.ndarray:
        """Return zeros of the shape of the output ``index``."""
        return self.get_output_tensor(index).data

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    @classmethod
    def _fits(cls, inputs: list[TfliteTensor | None], outputs: list[TfliteTensor | None], options: Any) -> bool:
        """Return whether an operator has the tensors and options that this class reads."""
        if len(inputs) < len(cls._input_ranks) or len(outputs) < cls._n_outputs:
            return False
        if any(tensor is None for tensor in outputs[: cls._n_outputs]):
            return False
        for tensor, rank in zip(inputs, cls._input_ranks, strict=False):
            if tensor is None or (rank is not None and len(tensor.shape) != rank):
                return False
        wanted = cls._options_class._schema_class
        return options is None or wanted is None or isinstance(options, wanted)


_Layer = TypeVar("_Layer", bound=TfliteLayer)
_LAYER_CLASSES: dict[int, type[TfliteLayer]] = {}


def layer_class(*opcodes: int) -> Callable[[type[_Layer]], type[_Layer]]:
    """Register a class as the one that knows the operators ``opcodes``."""

    def register(cls: type[_Layer]) -> type[_Layer]:
        _LAYER_CLASSES.update(dict.fromkeys(opcodes, cls))
        return cls

    return register


def layer_from_flatbuffer(index: int, model: LayerOwner, fb_operation: Any) -> TfliteLayer:
    """Make the layer of an operator.

    Args:
        index: Position in the order of execution.
        model: The model that the operator belongs to.
        fb_operation: The schema's ``OperatorT``, of the model's selected subgraph.

    Returns:
        A layer of the class that is registered for the operator. A plain `TfliteLayer` if no class is registered, or
        if the operator does not have the tensors and options that the class reads.
    """
    code = model.flatbuffer_model.operatorCodes[fb_operation.opcodeIndex]
    opcode, version, name = operator_number(code), int(code.version), decode(code.customCode)
    generic = TfliteLayer(index, opcode, version, model, fb_operation, custom_code=name)
    cls = _LAYER_CLASSES.get(opcode, TfliteLayer)
    if cls is TfliteLayer or not cls._fits(generic.inputs, generic.outputs, fb_operation.builtinOptions):
        return generic
    return cls(index, opcode, version, model, fb_operation, custom_code=name)


class SingleInputLayer(TfliteLayer):
    """A layer with one input and one output, besides constants."""

    _input_ranks: tuple[int | None, ...] = (None,)
    _n_outputs = 1

    input_tensor = Operand(0, "The input.")
    input_data = OperandData(input_tensor)
    output_tensor = Operand(0, "The output.", output=True)
    output_data = OperandData(output_tensor)


class ActivatedLayer(TfliteLayer):
    """A layer that may have a fused activation."""

    @property
    def activation(self) -> TfliteActivation | int:
        """Activation that is fused into the layer; a number if the schema lacks it."""
        activation: TfliteActivation | int = self.options.activation
        return activation
