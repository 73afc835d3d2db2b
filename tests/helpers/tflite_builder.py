"""Small ``.tflite`` files made by hand, so that the tests need no converter."""

from __future__ import annotations

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
        shape: tuple[int, ...],
        dtype: str = "int8",
        *,
        data: Any = None,
        scale: Any = None,
        zero_point: Any = 0,
        dimension: int = 0,
        name: str | None = None,
        variable: bool = False,
    ) -> int:
        """Add a tensor, constant if it has ``data``; return its index."""
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
            quantization.scale = np.atleast_1d(np.asarray(scale, np.float32))
            quantization.zeroPoint = np.broadcast_to(np.asarray(zero_point, np.int64), quantization.scale.shape).copy()
            quantization.quantizedDimension = dimension
            tensor.quantization = quantization
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def operator(
        self,
        code: int,
        inputs: list[int],
        outputs: list[int],
        options: Any = None,
        *,
        version: int = 1,
        custom_code: str | None = None,
    ) -> None:
        """Add an operator; ``options`` is an object of the schema."""
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

    def build(self, inputs: list[int], outputs: list[int]) -> bytes:
        self.graph.inputs = inputs
        self.graph.outputs = outputs
        return codec.pack(self.model, b"")


def options(kind: str, **fields: Any) -> Any:
    """An options object of the schema: ``options("Conv2DOptions", strideW=1)``."""
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
        options("Conv2DOptions", padding=0, strideW=1, strideH=1, fusedActivationFunction=1),
        version=3,
    )
    b.operator(
        Op.AVERAGE_POOL_2D,
        [conv],
        [pool],
        options("Pool2DOptions", padding=1, strideW=2, strideH=2, filterWidth=2, filterHeight=2),
        version=2,
    )
    b.operator(Op.RESHAPE, [pool, shape], [flat])
    b.operator(Op.FULLY_CONNECTED, [flat, weights, dense_bias], [logits], options("FullyConnectedOptions"), version=4)
    b.operator(Op.SOFTMAX, [logits], [scores], options("SoftmaxOptions", beta=1.0), version=2)
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
        options("UnidirectionalSequenceLSTMOptions", fusedActivationFunction=4, cellClip=10.0),
    )
    return b.build([x], [y])
