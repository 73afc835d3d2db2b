"""The few facts of a ``.tflite`` that running, planning and computing it need, read straight from the flatbuffer.

The document with everything in it is :mod:`mltk.tflite`; this is the view of an interpreter: operators in the
order they run, tensors by index, constants as arrays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from mltk.errors import TfliteError

_DTYPES = {
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
    "FLOAT64": np.float64,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "INT16": np.int16,
    "UINT16": np.uint16,
    "INT32": np.int32,
    "UINT32": np.uint32,
    "INT64": np.int64,
    "UINT64": np.uint64,
    "BOOL": np.bool_,
    "COMPLEX64": np.complex64,
    "COMPLEX128": np.complex128,
}
# Bits of one element, for the types NumPy has no name for.
_BITS = {"INT4": 4, "UINT4": 4, "INT2": 2, "BFLOAT16": 16, "RESOURCE": 32, "VARIANT": 64, "STRING": 32}


@dataclass(frozen=True)
class Tensor:
    """One tensor of a subgraph.

    ``data``: the constant as an array of ``shape``; its raw bytes where they are packed otherwise (int4, sparse);
    None where the tensor is computed.
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
    def dtype(self) -> np.dtype | None:
        """The NumPy dtype, or None for a type that NumPy lacks (int4, resource, …)."""
        found = _DTYPES.get(self.type_name)
        return None if found is None else np.dtype(found)

    @property
    def size(self) -> int:
        """Number of elements; an unknown dimension counts as 1."""
        return math.prod(max(1, d) for d in self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that the values take in memory."""
        bits = self.dtype.itemsize * 8 if self.dtype is not None else _BITS.get(self.type_name, 32)
        return (self.size * bits + 7) // 8


@dataclass(frozen=True)
class Operator:
    """One operator of a subgraph: ``name`` as in the schema (``CONV_2D``), or the custom operator's own name."""

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
    """A parsed ``.tflite``; subgraph 0 is the one that runs."""

    subgraphs: tuple[Subgraph, ...]
    model: Any = field(repr=False)

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
        """True where a sample may change what the next one gives: variables, or a custom operator."""
        return any(t.is_variable for g in self.subgraphs for t in g.tensors) or any(
            op.name == "VAR_HANDLE" or op.is_custom for g in self.subgraphs for op in g.operators
        )

    @cached_property
    def has_resource_variables(self) -> bool:
        """True where state is kept in VAR_HANDLE resources rather than in variable tensors."""
        return any(op.name == "VAR_HANDLE" for g in self.subgraphs for op in g.operators)

    @cached_property
    def starts_at_zero_points(self) -> bool:
        """True where every resource variable is initialised to its zero point, byte by byte.

        That is what TFLM's ``MicroResourceVariables::ResetAll`` fills in, so only then does resetting an
        interpreter equal starting a new one.
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


def read_graph(model: bytes) -> Graph:
    """Parse and check ``model``; raises :class:`~mltk.errors.TfliteError` where it is not a valid ``.tflite``."""
    from ai_edge_litert import schema_py_generated as schema

    from mltk.tflite.format.codec import unpack
    from mltk.tflite.format.verify import verify_model

    model = bytes(model)
    parsed, _ = unpack(model)
    verify_model(parsed, len(model))
    if not parsed.subgraphs:
        raise TfliteError("The .tflite holds no subgraph, so there is nothing to run.")
    return Graph(tuple(_subgraph(schema, parsed, model, i) for i in range(len(parsed.subgraphs))), parsed)


def _enum_names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


def _subgraph(schema: Any, model: Any, raw: bytes, index: int) -> Subgraph:
    source = model.subgraphs[index]
    types, codes = _enum_names(schema.TensorType), _enum_names(schema.BuiltinOperator)
    tensors = tuple(_tensor(model, raw, types, i, t) for i, t in enumerate(source.tensors or ()))
    operators = []
    for i, op in enumerate(source.operators or ()):
        code = model.operatorCodes[op.opcodeIndex]
        builtin = max(code.builtinCode, code.deprecatedBuiltinCode)
        is_custom = builtin == schema.BuiltinOperator.CUSTOM
        name = _text(code.customCode) if is_custom else codes.get(builtin, f"UNKNOWN_{builtin}")
        operators.append(
            Operator(i, name, is_custom, code.version, _ints(op.inputs), _ints(op.outputs), op.builtinOptions)
        )
    return Subgraph(index, _text(source.name), tensors, tuple(operators), _ints(source.inputs), _ints(source.outputs))


def _tensor(model: Any, raw: bytes, types: dict[int, str], index: int, source: Any) -> Tensor:
    quantization = source.quantization
    scale = zero_point = None
    dimension = 0
    if quantization is not None:
        scale, zero_point, dimension = quantization.scale, quantization.zeroPoint, quantization.quantizedDimension
    type_name = types.get(source.type, f"UNKNOWN_{source.type}")
    shape = _ints(source.shape)
    return Tensor(
        index,
        _text(source.name),
        shape,
        type_name,
        np.asarray([] if scale is None else scale, np.float32),
        np.asarray([] if zero_point is None else zero_point, np.int64),
        int(dimension),
        bool(source.isVariable),
        int(source.buffer),
        _constant(model.buffers[source.buffer], raw, type_name, shape),
    )


def _constant(buffer: Any, raw: bytes, type_name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    # Models over 2 GB keep their buffers outside the flatbuffer, by offset and size.
    if getattr(buffer, "size", 0) and getattr(buffer, "offset", 0) > 1:
        data = np.frombuffer(raw, np.uint8, buffer.size, buffer.offset)
    elif buffer.data is None or len(buffer.data) == 0:
        return None
    else:
        data = np.asarray(buffer.data, np.uint8)
    dtype = _DTYPES.get(type_name)
    if dtype is None:
        return data
    if data.nbytes != math.prod(shape) * np.dtype(dtype).itemsize:
        return data  # packed in a way of its own, such as a sparse tensor
    return np.frombuffer(data.tobytes(), dtype).reshape(shape)


def _ints(values: Any) -> tuple[int, ...]:
    return () if values is None else tuple(int(v) for v in values)


def _text(value: Any) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else (value or "")
