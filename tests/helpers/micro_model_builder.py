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


def small_cnn(seed: int = 0) -> bytes:
    """An int8 classifier of 5 layers for 8×8×3 images: convolution, depthwise, average pooling, dense, softmax."""
    rng, b = np.random.default_rng(seed), ModelBuilder()
    image = b.tensor((1, 8, 8, 3), scale=0.02, zero=-3)

    def layer(name, x, x_scale, shape, weights, y_scale, options, activation=1):
        channels = shape[-1]
        axis = 3 if name == "DEPTHWISE_CONV_2D" else 0
        scale = rng.uniform(0.002, 0.01, channels)
        w = b.constant(rng.integers(-127, 128, weights), np.int8, scale=scale, dimension=axis)
        bias = b.constant(rng.integers(-800, 800, channels), np.int32, scale=np.float32(x_scale) * np.float32(scale))
        y = b.tensor(shape, scale=y_scale, zero=-128 if activation else 5)
        b.op(name, [x, w, bias], [y], (options, {"fusedActivationFunction": activation}), version=3)
        return y

    x = layer("CONV_2D", image, 0.02, (1, 8, 8, 16), (16, 3, 3, 3), 0.03, "Conv2DOptions")
    b.operators[-1].builtinOptions.strideH = b.operators[-1].builtinOptions.strideW = 1
    x = layer("DEPTHWISE_CONV_2D", x, 0.03, (1, 4, 4, 16), (1, 3, 3, 16), 0.04, "DepthwiseConv2DOptions")
    options = b.operators[-1].builtinOptions
    options.strideH = options.strideW = 2
    options.depthMultiplier = 1
    pooled = b.tensor((1, 1, 1, 16), scale=0.04, zero=-128)
    pool = {"padding": 1, "strideH": 4, "strideW": 4, "filterHeight": 4, "filterWidth": 4}
    b.op("AVERAGE_POOL_2D", [x], [pooled], ("Pool2DOptions", pool), version=2)
    x = layer("FULLY_CONNECTED", pooled, 0.04, (1, 4), (4, 16), 0.05, "FullyConnectedOptions", activation=0)
    y = b.tensor((1, 4), scale=1 / 256, zero=-128)
    b.op("SOFTMAX", [x], [y], ("SoftmaxOptions", {"beta": 1.0}), version=2)
    return b.build([image], [y])


def float_model() -> bytes:
    """One dense layer in float32, 4 inputs, 2 outputs."""
    b = ModelBuilder()
    x = b.tensor((1, 4), np.float32)
    w = b.constant(np.arange(8).reshape(2, 4) / 7, np.float32)
    y = b.tensor((1, 2), np.float32)
    b.op("FULLY_CONNECTED", [x, w, b.constant([0.5, -0.5], np.float32)], [y], ("FullyConnectedOptions", {}))
    return b.build([x], [y])
