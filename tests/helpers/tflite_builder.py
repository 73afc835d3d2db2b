"""Small ``.tflite`` files made by hand, so that the tests need no converter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.tflite.format import codec

Types = schema.TensorType
Op = schema.BuiltinOperator
_NUMBERS = {name.lower(): number for name, number in vars(Types).items() if not name.startswith("_")}


class ModelBuilder:
    """Collects tensors and operators; `build` returns the bytes."""

    def __init__(self, description: str | None = "made by hand") -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = description
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.name = "main"
        self.graph.tensors = []
        self.graph.operators = []
        self.model.subgraphs = [self.graph]

    def tensor(
        self,
        shape: Sequence[int],
        dtype: Any = "int8",
        *,
        data: Any = None,
        scale: Any = None,
        zero_point: Any = 0,
        dimension: int = 0,
        name: str | None = None,
        variable: bool = False,
    ) -> int:
        """Add a tensor and return its index. It is a constant if it has ``data``.

        Args:
            shape: Size of each dimension.
            dtype: Name of a type of the schema, or a NumPy type.
            data: Values of a constant.
            scale: One scale, or one for each channel; None if the tensor is not quantized.
            zero_point: One zero point, or one for each channel.
            dimension: The dimension that the channels run along.
            name: Name of the tensor.
            variable: The tensor keeps its value from one invocation to the next.
        """
        dtype = dtype if isinstance(dtype, str) else np.dtype(dtype).name
        tensor = schema.TensorT()
        tensor.shape = list(shape)
        tensor.type = _NUMBERS[dtype]
        tensor.name = name or f"t{len(self.graph.tensors)}"
        tensor.isVariable = variable
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.asarray(data, dtype).tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        if scale is not None:
            quantization = schema.QuantizationParametersT()
            quantization.scale = np.ravel(np.asarray(scale, np.float32))
            quantization.zeroPoint = np.broadcast_to(np.asarray(zero_point, np.int64), quantization.scale.shape).copy()
            quantization.quantizedDimension = dimension
            tensor.quantization = quantization
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def constant(self, data: Any, dtype: Any = "int32", **quantization: Any) -> int:
        """Add a constant of the shape of ``data`` and return its index."""
        return self.tensor(np.shape(data), dtype, data=data, **quantization)

    def operator(
        self,
        code: int | str,
        inputs: Sequence[int],
        outputs: Sequence[int],
        options: Any = None,
        *,
        version: int = 1,
        custom_code: str | None = None,
    ) -> None:
        """Add an operator.

        Args:
            code: Number or name of the operator in the schema.
            inputs: Indices of the inputs.
            outputs: Indices of the outputs.
            options: An options object of the schema, or the name of its table and a dictionary of its fields.
            version: Version of the operator.
            custom_code: Name of a custom operator.
        """
        code = getattr(Op, code) if isinstance(code, str) else code
        if isinstance(options, tuple):
            options = make_options(options[0], **options[1])
        opcode = schema.OperatorCodeT()
        opcode.builtinCode = code
        opcode.deprecatedBuiltinCode = min(code, 127)
        opcode.version = version
        opcode.customCode = custom_code
        self.model.operatorCodes.append(opcode)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self.model.operatorCodes) - 1
        operator.inputs = list(inputs)
        operator.outputs = list(outputs)
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.graph.operators.append(operator)

    def metadata(self, name: str, data: bytes) -> None:
        """Add a metadata entry."""
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(data, np.uint8)
        self.model.buffers.append(buffer)
        entry = schema.MetadataT()
        entry.name = name
        entry.buffer = len(self.model.buffers) - 1
        self.model.metadata = [*(self.model.metadata or []), entry]

    def build(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the bytes of the file with these inputs and outputs."""
        self.graph.inputs = list(inputs)
        self.graph.outputs = list(outputs)
        return codec.pack(self.model, b"")


def make_options(kind: str, **fields: Any) -> Any:
    """An options object of the schema: ``make_options("Conv2DOptions", strideW=1)``."""
    result = getattr(schema, f"{kind}T")()
    for name, value in fields.items():
        assert hasattr(result, name), name
        setattr(result, name, value)
    return result


def small_cnn() -> bytes:
    """An int8 classifier that LiteRT runs: conv 3×3 relu → average pool → reshape → fully connected → softmax."""
    rng = np.random.default_rng(7)
    b = ModelBuilder()
    x = b.tensor((1, 8, 8, 1), scale=0.02, zero_point=-10, name="image")
    filters = b.tensor(
        (4, 3, 3, 1), data=rng.integers(-127, 128, (4, 3, 3, 1)), scale=[0.01, 0.02, 0.005, 0.01], name="filters"
    )
    bias = b.tensor((4,), "int32", data=rng.integers(-500, 500, 4), scale=[2e-4, 4e-4, 1e-4, 2e-4], name="bias")
    conv = b.tensor((1, 8, 8, 4), scale=0.05, zero_point=-128, name="conv")
    pool = b.tensor((1, 4, 4, 4), scale=0.05, zero_point=-128, name="pool")
    shape = b.tensor((2,), "int32", data=[1, 64], name="shape")
    flat = b.tensor((1, 64), scale=0.05, zero_point=-128, name="flat")
    weights = b.tensor((3, 64), data=rng.integers(-127, 128, (3, 64)), scale=0.01, name="weights")
    dense_bias = b.tensor((3,), "int32", data=[10, -20, 30], scale=5e-4, name="dense_bias")
    logits = b.tensor((1, 3), scale=0.1, zero_point=0, name="logits")
    scores = b.tensor((1, 3), scale=1 / 256, zero_point=-128, name="scores")
    b.operator(
        Op.CONV_2D,
        [x, filters, bias],
        [conv],
        make_options("Conv2DOptions", padding=0, strideW=1, strideH=1, fusedActivationFunction=1),
        version=3,
    )
    b.operator(
        Op.AVERAGE_POOL_2D,
        [conv],
        [pool],
        make_options("Pool2DOptions", padding=1, strideW=2, strideH=2, filterWidth=2, filterHeight=2),
        version=2,
    )
    b.operator(Op.RESHAPE, [pool, shape], [flat])
    b.operator(
        Op.FULLY_CONNECTED, [flat, weights, dense_bias], [logits], make_options("FullyConnectedOptions"), version=4
    )
    b.operator(Op.SOFTMAX, [logits], [scores], make_options("SoftmaxOptions", beta=1.0), version=2)
    b.metadata("min_runtime_version", b"1.14.0\0\0\0\0\0\0\0\0\0\0")
    return b.build([x], [scores])


def lstm(n_features: int = 3, n_cells: int = 2, n_steps: int = 5) -> bytes:
    """A float LSTM over (1, n_steps, n_features), its states variable tensors."""
    b = ModelBuilder()
    rng = np.random.default_rng(5)
    x = b.tensor((1, n_steps, n_features), "float32", name="x")

    def constant(*shape):
        return b.tensor(shape, "float32", data=rng.normal(size=shape))

    states = [b.tensor((1, n_cells), "float32", variable=True) for _ in range(2)]
    y = b.tensor((1, n_steps, n_cells), "float32", name="y")
    inputs = [
        x,
        *(constant(n_cells, n_features) for _ in range(4)),
        *(constant(n_cells, n_cells) for _ in range(4)),
        -1, -1, -1,
        *(constant(n_cells) for _ in range(4)),
        -1, -1,
        *states,
        -1, -1, -1, -1,
    ]  # fmt: skip
    b.operator(
        Op.UNIDIRECTIONAL_SEQUENCE_LSTM,
        inputs,
        [y],
        make_options("UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, cellClip=10.0),
    )
    return b.build([x], [y])


def depthwise_cnn(seed: int = 0) -> bytes:
    """An int8 classifier of 5 layers for 8×8×3 images: convolution, depthwise, average pooling, dense, softmax."""
    rng, b = np.random.default_rng(seed), ModelBuilder()
    image = b.tensor((1, 8, 8, 3), scale=0.02, zero_point=-3)

    def layer(name, x, x_scale, shape, weights, y_scale, options, activation=1):
        channels = shape[-1]
        axis = 3 if name == "DEPTHWISE_CONV_2D" else 0
        scale = rng.uniform(0.002, 0.01, channels)
        w = b.constant(rng.integers(-127, 128, weights), np.int8, scale=scale, dimension=axis)
        bias = b.constant(rng.integers(-800, 800, channels), np.int32, scale=np.float32(x_scale) * np.float32(scale))
        y = b.tensor(shape, scale=y_scale, zero_point=-128 if activation else 5)
        b.operator(name, [x, w, bias], [y], (options, {"fusedActivationFunction": activation}), version=3)
        return y

    x = layer("CONV_2D", image, 0.02, (1, 8, 8, 16), (16, 3, 3, 3), 0.03, "Conv2DOptions")
    b.graph.operators[-1].builtinOptions.strideH = b.graph.operators[-1].builtinOptions.strideW = 1
    x = layer("DEPTHWISE_CONV_2D", x, 0.03, (1, 4, 4, 16), (1, 3, 3, 16), 0.04, "DepthwiseConv2DOptions")
    options = b.graph.operators[-1].builtinOptions
    options.strideH = options.strideW = 2
    options.depthMultiplier = 1
    pooled = b.tensor((1, 1, 1, 16), scale=0.04, zero_point=-128)
    pool = {"padding": 1, "strideH": 4, "strideW": 4, "filterHeight": 4, "filterWidth": 4}
    b.operator("AVERAGE_POOL_2D", [x], [pooled], ("Pool2DOptions", pool), version=2)
    x = layer("FULLY_CONNECTED", pooled, 0.04, (1, 4), (4, 16), 0.05, "FullyConnectedOptions", activation=0)
    y = b.tensor((1, 4), scale=1 / 256, zero_point=-128)
    b.operator("SOFTMAX", [x], [y], ("SoftmaxOptions", {"beta": 1.0}), version=2)
    return b.build([image], [y])


def float_model() -> bytes:
    """One dense layer in float32, 4 inputs, 2 outputs."""
    b = ModelBuilder()
    x = b.tensor((1, 4), np.float32)
    w = b.constant(np.arange(8).reshape(2, 4) / 7, np.float32)
    y = b.tensor((1, 2), np.float32)
    b.operator("FULLY_CONNECTED", [x, w, b.constant([0.5, -0.5], np.float32)], [y], ("FullyConnectedOptions", {}))
    return b.build([x], [y])
