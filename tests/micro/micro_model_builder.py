"""Small ``.tflite`` models made operator by operator, without TensorFlow."""

from __future__ import annotations

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

TYPES = {
    np.dtype(np.int8): schema.TensorType.INT8,
    np.dtype(np.uint8): schema.TensorType.UINT8,
    np.dtype(np.int16): schema.TensorType.INT16,
    np.dtype(np.int32): schema.TensorType.INT32,
    np.dtype(np.float32): schema.TensorType.FLOAT32,
}


class ModelBuilder:
    """Add tensors and operators, then :meth:`build`."""

    def __init__(self) -> None:
        self.tensors: list[schema.TensorT] = []
        self.buffers = [_buffer(None)]
        self.operators: list[schema.OperatorT] = []
        self.codes: list[schema.OperatorCodeT] = []

    def tensor(self, shape, dtype=np.int8, *, data=None, scale=None, zero=0, dimension=0, variable=False) -> int:
        """A tensor's index; ``data`` makes it a constant."""
        t = schema.TensorT()
        t.shape, t.type, t.name = list(shape), TYPES[np.dtype(dtype)], f"t{len(self.tensors)}"
        t.isVariable, t.buffer = variable, 0
        if data is not None:
            self.buffers.append(_buffer(np.ascontiguousarray(data, dtype).tobytes()))
            t.buffer = len(self.buffers) - 1
        if scale is not None:
            t.quantization = schema.QuantizationParametersT()
            t.quantization.scale = np.ravel(np.float32(scale)).tolist()
            t.quantization.zeroPoint = np.broadcast_to(zero, np.size(scale)).astype(int).tolist()
            t.quantization.quantizedDimension = dimension
        self.tensors.append(t)
        return len(self.tensors) - 1

    def constant(self, data, dtype=np.int32, **kw) -> int:
        """A constant tensor of ``data``'s shape."""
        data = np.asarray(data, dtype)
        return self.tensor(data.shape, dtype, data=data, **kw)

    def op(self, name, inputs, outputs, options=None, *, version=1, custom=None) -> None:
        """An operator; ``options`` is (table name, {field: value})."""
        code = schema.OperatorCodeT()
        builtin = getattr(schema.BuiltinOperator, name)
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
        code.customCode = custom
        self.codes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex, op.inputs, op.outputs = len(self.codes) - 1, list(inputs), list(outputs)
        if options is not None:
            table, fields = options
            op.builtinOptionsType = getattr(schema.BuiltinOptions, table)
            op.builtinOptions = getattr(schema, table + "T")()
            for key, value in fields.items():
                assert hasattr(op.builtinOptions, key), key
                setattr(op.builtinOptions, key, value)
        self.operators.append(op)

    def build(self, inputs, outputs) -> bytes:
        """The file."""
        graph = schema.SubGraphT()
        graph.tensors, graph.operators = self.tensors, self.operators
        graph.inputs, graph.outputs, graph.name = list(inputs), list(outputs), "main"
        model = schema.ModelT()
        model.version, model.description = 3, "test"
        model.operatorCodes, model.subgraphs, model.buffers = self.codes, [graph], self.buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())


def _buffer(data: bytes | None) -> schema.BufferT:
    buffer = schema.BufferT()
    buffer.data = None if data is None else np.frombuffer(data, np.uint8)
    return buffer
