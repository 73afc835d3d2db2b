"""A ``.tflite`` as an interpreter sees it: operators in the order they run, tensors by index, constants as arrays.

What runs, plans or compares a model works on a `Graph`. `mltk.tflite.model.TfliteModel` is for reading and changing the
file. Both are made from the same checked objects of the schema.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from mltk.tflite.format.codec import buffer_bytes, pack, repackable
from mltk.tflite.format.loading import read_model
from mltk.tflite.quantization import Affine
from mltk.tflite.types import NUMPY_TYPES, Op, bits_in_memory, decode, ints, operator_name, operator_number, type_name


@dataclass(frozen=True)
class Tensor:
    """One tensor of a subgraph.

    Attributes:
        index: Position in the subgraph.
        name: Name that the converter chose.
        shape: Size of each dimension, the batch first.
        type_name: Name of the element type in the schema, for example ``INT8``.
        scale: float32, one value for each channel or one for the tensor; empty if it is not quantized.
        zero_point: int64, the same number of values; empty if the file has none.
        quantized_dimension: The dimension that the channels run along.
        is_variable: The tensor keeps its value from one invocation to the next.
        buffer: Index of the buffer that holds the data.
        data: A constant as an array of ``shape``. The raw bytes (uint8) if they are packed differently (int4, sparse).
            None if the tensor is computed.
    """

    index: int
    name: str
    shape: tuple[int, ...]
    type_name: str
    scale: np.ndarray
    zero_point: np.ndarray
    quantized_dimension: int
    is_variable: bool
    buffer: int
    data: np.ndarray | None = field(repr=False)

    @property
    def dtype_str(self) -> str:
        """Name of the element type in lower case, for example ``int8``."""
        return self.type_name.lower()

    @property
    def dtype(self) -> np.dtype[Any] | None:
        """The NumPy dtype; None if NumPy has no such type (int4, resource, …)."""
        found = NUMPY_TYPES.get(self.dtype_str)
        return None if found is None else np.dtype(found)

    @property
    def affine(self) -> Affine:
        """The parameters of the quantization."""
        return Affine.of(self.scale, self.zero_point, self.quantized_dimension)

    @property
    def size(self) -> int:
        """Number of elements. An unknown dimension counts as 1."""
        return math.prod(max(1, d) for d in self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the values take in memory."""
        return (self.size * bits_in_memory(self.dtype_str) + 7) // 8


@dataclass(frozen=True)
class Operator:
    """One operator of a subgraph.

    Attributes:
        index: Position in the order of execution.
        name: Name in the schema, for example ``CONV_2D``; the own name of a custom operator.
        is_custom: It is a custom operator.
        version: Version of the operator that the model asks for.
        inputs: Indices of the input tensors; -1 for an optional input that is left out.
        outputs: Indices of the output tensors.
        options: The schema's options object; None if the file has none.
    """

    index: int
    name: str
    is_custom: bool
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any = field(repr=False)


@dataclass(frozen=True)
class Subgraph:
    """Operators in execution order, and the tensors that they name by index."""

    index: int
    name: str
    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True)
class Graph:
    """A ``.tflite``, checked and unpacked. Subgraph 0 is the one that runs.

    Attributes:
        subgraphs: All subgraphs in the order of the file.
        model: The schema's ``ModelT``. Do not change it.
        data: The bytes of the file.
    """

    subgraphs: tuple[Subgraph, ...]
    model: Any = field(repr=False)
    data: bytes = field(default=b"", repr=False)

    @staticmethod
    def of(model: Any, data: bytes) -> Graph:
        """Make the graph of a schema ``ModelT`` that was checked and unpacked from ``data``."""
        return Graph(tuple(_subgraph(model, data, i) for i in range(len(model.subgraphs))), model, data)

    @property
    def main(self) -> Subgraph:
        """The subgraph that an interpreter invokes."""
        return self.subgraphs[0]

    @property
    def inputs(self) -> list[Tensor]:
        """Input tensors in the model's order."""
        return [self.main.tensors[i] for i in self.main.inputs]

    @property
    def outputs(self) -> list[Tensor]:
        """Output tensors in the model's order."""
        return [self.main.tensors[i] for i in self.main.outputs]

    @cached_property
    def is_stateful(self) -> bool:
        """Whether a sample may change the outputs of the next one: the model has variables or a custom operator."""
        return any(t.is_variable for g in self.subgraphs for t in g.tensors) or any(
            op.name == "VAR_HANDLE" or op.is_custom for g in self.subgraphs for op in g.operators
        )

    @cached_property
    def has_resource_variables(self) -> bool:
        """Whether state is kept in VAR_HANDLE resources instead of in variable tensors."""
        return any(op.name == "VAR_HANDLE" for g in self.subgraphs for op in g.operators)

    @cached_property
    def starts_at_zero_points(self) -> bool:
        """Whether every resource variable is initialized to its zero point, byte by byte.

        TFLM's ``MicroResourceVariables::ResetAll`` writes this value. If it is the initial value, resetting an
        interpreter does the same as starting a new one.
        """
        for graph in self.subgraphs[1:]:
            for op in graph.operators:
                if op.name != "ASSIGN_VARIABLE":
                    continue
                if len(op.inputs) < 2 or op.inputs[1] < 0:
                    return False
                value = graph.tensors[op.inputs[1]]
                zero = int(value.zero_point[0]) & 0xFF if value.zero_point.size else 0
                if value.data is None or value.data.tobytes().strip(bytes([zero])):
                    return False
        return all(op.name != "CALL_ONCE" for g in self.subgraphs[1:] for op in g.operators)

    def with_outputs(self, tensors: Sequence[int]) -> Graph:
        """Return the same model with other tensors of the main subgraph as its outputs.

        Args:
            tensors: Indices of the tensors.

        Raises:
            TfliteError: The model cannot be written.
        """
        return self._changed(self.main.operators, tensors)

    def first_operators(self, n: int) -> Graph:
        """Return the same model with the first ``n`` operators of the main subgraph only.

        Its output is what the last of these operators computes.

        Args:
            n: Number of operators, at least 1.

        Raises:
            TfliteError: The model cannot be written.
        """
        operators = self.main.operators[:n]
        made = [i for op in operators for i in op.outputs if i >= 0 and self.main.tensors[i].dtype is not None]
        return self._changed(operators, made[-1:] or self.main.inputs)

    def _changed(self, operators: Sequence[Operator], tensors: Sequence[int]) -> Graph:
        model = repackable(self.model)
        model.subgraphs[0].operators = model.subgraphs[0].operators[: len(operators)]
        model.subgraphs[0].outputs = np.array(tensors, np.int32)
        model.signatureDefs = None  # they name the former outputs
        data = pack(model, self.data)
        main = dataclasses.replace(self.main, operators=tuple(operators), outputs=tuple(tensors))
        return Graph((main, *self.subgraphs[1:]), model, data)


class HasGraph(Protocol):
    """A model that has a graph, such as `mltk.tflite.model.TfliteModel`."""

    @property
    def graph(self) -> Graph:
        """The model as an interpreter sees it."""


GraphSource = bytes | HasGraph | Graph
"""What a function that needs a graph accepts: the bytes of a ``.tflite``, a `TfliteModel`, or a `Graph`."""


def graph_of(source: GraphSource) -> Graph:
    """Return the graph of a model. Only bytes are checked and unpacked; the others were already.

    Raises:
        TfliteError: The bytes are not a valid ``.tflite``.
    """
    if isinstance(source, Graph):
        return source
    if isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
        return Graph.of(read_model(data)[0], data)
    return source.graph


def _subgraph(model: Any, data: bytes, index: int) -> Subgraph:
    source = model.subgraphs[index]
    tensors = tuple(_tensor(model, data, i, t) for i, t in enumerate(source.tensors or ()))
    operators = tuple(_operator(model, i, op) for i, op in enumerate(source.operators or ()))
    return Subgraph(index, decode(source.name), tensors, operators, ints(source.inputs), ints(source.outputs))


def _operator(model: Any, index: int, source: Any) -> Operator:
    code = model.operatorCodes[source.opcodeIndex]
    number = operator_number(code)
    is_custom = number == Op.CUSTOM
    name = decode(code.customCode) if is_custom else operator_name(number).upper()
    inputs, outputs = ints(source.inputs), ints(source.outputs)
    return Operator(index, name, is_custom, int(code.version), inputs, outputs, source.builtinOptions)


def _tensor(model: Any, data: bytes, index: int, source: Any) -> Tensor:
    quantization = source.quantization
    scale = zero_point = None
    dimension = 0
    if quantization is not None:
        scale, zero_point, dimension = quantization.scale, quantization.zeroPoint, quantization.quantizedDimension
    name, shape = type_name(source.type), ints(source.shape)
    return Tensor(
        index,
        decode(source.name),
        shape,
        name.upper(),
        np.asarray([] if scale is None else scale, np.float32),
        np.asarray([] if zero_point is None else zero_point, np.int64),
        int(dimension),
        bool(source.isVariable),
        int(source.buffer),
        _constant(buffer_bytes(model, source.buffer, data), name, shape),
    )


def _constant(stored: memoryview, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """The stored bytes of a tensor as an array, without a copy; None if there are none."""
    if not len(stored):
        return None
    dtype = NUMPY_TYPES.get(name)
    if dtype is None or len(stored) != math.prod(shape) * np.dtype(dtype).itemsize:
        return np.frombuffer(stored, np.uint8)
    return np.frombuffer(stored, dtype).reshape(shape)
