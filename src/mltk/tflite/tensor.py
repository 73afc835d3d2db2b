"""Tensors of a ``.tflite``: shape, data type, quantization and, for constants, data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError

if TYPE_CHECKING:
    from mltk.tflite.model import TfliteModel

TENSOR_TYPES: dict[int, str] = {
    value: name.lower() for name, value in vars(schema.TensorType).items() if not name.startswith("_")
}

# NumPy has no bfloat16, no 8-bit float and nothing below 8 bits: those stay the raw bytes that are stored.
_NUMPY_TYPES: dict[str, type[np.generic]] = {
    "float32": np.float32, "float16": np.float16, "float64": np.float64, "complex64": np.complex64,
    "complex128": np.complex128, "bool": np.bool_, "int8": np.int8, "int16": np.int16, "int32": np.int32,
    "int64": np.int64, "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
}  # fmt: skip

_BITS = {
    **{name: 8 * np.dtype(dtype).itemsize for name, dtype in _NUMPY_TYPES.items()},
    "int4": 4, "uint4": 4, "int2": 2, "bfloat16": 16, "float8_e4m3fn": 8, "float8_e5m2": 8,
}  # fmt: skip


def type_name(tensor_type: int) -> str:
    """Name of a schema ``TensorType`` in lower case, ``type_99`` for one this version does not know."""
    return TENSOR_TYPES.get(int(tensor_type), f"type_{int(tensor_type)}")


def bits_per_element(tensor_type: int) -> int | None:
    """Bits that an element takes; None for types without a fixed size (string, resource, variant, unknown)."""
    return _BITS.get(type_name(tensor_type))


def decode(text: bytes | str | None) -> str:
    """A string of the schema, which may be absent or, in a damaged file, not UTF-8."""
    if text is None:
        return ""
    return text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text


class TfliteShape(tuple[int, ...]):
    """A tensor's shape; prints as ``1x49x40x1``."""

    __slots__ = ()

    @property
    def flat_size(self) -> int:
        """Number of elements."""
        return math.prod(self)

    def __str__(self) -> str:
        return "x".join(str(dim) for dim in self)


class TfliteQuantization(schema.QuantizationParametersT):
    """Affine quantization: ``real = scale × (stored − zeropoint)``, per tensor or per channel.

    Source: https://ai.google.dev/edge/litert/models/quantization_spec
    """

    _absent_from: Any = None

    def __init__(self, fb_quantization: Any = None) -> None:
        super().__init__()
        if fb_quantization is not None:
            # Shared, not copied: what is set here is what the model is written with.
            self.__dict__ = fb_quantization.__dict__

    def _set(self, name: str, value: Any) -> None:
        self.__dict__[name] = value
        if self._absent_from is not None:
            self._absent_from.quantization = self
            self._absent_from = None

    @property
    def scale(self) -> list[float]:
        """Scale of each channel, or the tensor's one; empty when the tensor is not quantized."""
        scale = self.__dict__.get("scale")
        return [] if scale is None else [float(value) for value in scale]

    @scale.setter
    def scale(self, value: Any) -> None:
        self._set("scale", None if value is None else np.atleast_1d(np.asarray(value, np.float32)))

    @property
    def zeropoint(self) -> list[int]:
        """Zero point of each channel, or the tensor's one; empty when the tensor is not quantized."""
        zero_point = self.__dict__.get("zeroPoint")
        return [] if zero_point is None else [int(value) for value in zero_point]

    @zeropoint.setter
    def zeropoint(self, value: Any) -> None:
        self._set("zeroPoint", None if value is None else np.atleast_1d(np.asarray(value, np.int64)))

    @property
    def quantization_dimension(self) -> int:
        """The dimension that the channels of a per-channel quantization run along."""
        return int(self.quantizedDimension or 0)

    @quantization_dimension.setter
    def quantization_dimension(self, value: int) -> None:
        self._set("quantizedDimension", int(value))

    @property
    def n_channels(self) -> int:
        """Number of scales: 0 when not quantized, 1 per tensor, else per channel."""
        return len(self.scale)

    def __str__(self) -> str:
        if not self.n_channels:
            return "none"
        if self.n_channels > 1:
            return f"{self.n_channels} channels along dimension {self.quantization_dimension}"
        zero_point = self.zeropoint[0] if self.zeropoint else 0
        return f"scale={self.scale[0]:.6g} zeropoint={zero_point}"


class TfliteTensor(schema.TensorT):
    """One tensor of a subgraph. What is set on it is written when the model is regenerated."""

    def __init__(self, index: int = -1, model: TfliteModel | None = None, fb_tensor: Any = None) -> None:
        super().__init__()
        if fb_tensor is not None:
            # Shared, not copied: what is set here is what the model is written with.
            self.__dict__ = fb_tensor.__dict__
        self._index = index
        self._model = model

    @property
    def index(self) -> int:
        """Position in the subgraph's list of tensors; -1 outside a model."""
        return self._index

    @property
    def model(self) -> TfliteModel | None:
        """The model it belongs to."""
        return self._model

    @property
    def name(self) -> str:
        """Name given by the converter."""
        return decode(self.__dict__.get("name"))

    @name.setter
    def name(self, value: str | bytes | None) -> None:
        self.__dict__["name"] = value

    @property
    def shape(self) -> TfliteShape:
        """Size of each dimension, the batch first; ``()`` for a scalar."""
        shape = self.__dict__.get("shape")
        return TfliteShape(() if shape is None else (int(dim) for dim in shape))

    @shape.setter
    def shape(self, value: Any) -> None:
        self.__dict__["shape"] = None if value is None else np.asarray(value, np.int32).reshape(-1)

    @property
    def dtype(self) -> type[np.generic] | None:
        """NumPy type of an element; None where NumPy has none (string, resource, int4, …)."""
        return _NUMPY_TYPES.get(self.dtype_str)

    @dtype.setter
    def dtype(self, value: Any) -> None:
        name = "bool" if np.dtype(value) == np.bool_ else np.dtype(value).name
        known = {text: number for number, text in TENSOR_TYPES.items()}
        if name not in known:
            raise TfliteError(f"A .tflite has no tensor type {name!r}.")
        self.type = known[name]

    @property
    def dtype_str(self) -> str:
        """Name of the element type in lower case, e.g. ``int8``."""
        return type_name(self.type)

    @property
    def quantization(self) -> TfliteQuantization:
        """Scale and zero point."""
        quantization = self.__dict__.get("quantization")
        if isinstance(quantization, TfliteQuantization):
            return quantization
        wrapped = TfliteQuantization(quantization)
        if quantization is None:
            # The file has none, and reading must not add one: it joins the tensor when something is set on it.
            wrapped._absent_from = self
        else:
            self.__dict__["quantization"] = wrapped
        return wrapped

    @quantization.setter
    def quantization(self, value: Any) -> None:
        self.__dict__["quantization"] = value

    @property
    def is_variable(self) -> bool:
        """Whether it keeps its value from one invocation to the next."""
        return bool(self.isVariable)

    @property
    def is_constant(self) -> bool:
        """Whether its data is stored in the file."""
        return self._model is not None and len(self._raw_data()) > 0

    @property
    def size_bytes(self) -> int:
        """Bytes that its data takes: stored in the file for a constant, by shape and type for others."""
        bits = bits_per_element(self.type)
        if bits is None:
            return len(self._raw_data())
        return (self.shape.flat_size * bits + 7) // 8

    def _raw_data(self) -> memoryview:
        return memoryview(b"") if self._model is None else self._model.buffer_data(self.buffer)

    @property
    def data(self) -> np.ndarray:
        """The constant's data with the tensor's shape (a read-only view of the file), or zeros.

        Types that NumPy lacks come as the bytes stored, ``uint8``, 1-D.
        """
        raw = self._raw_data()
        dtype = self.dtype
        if dtype is None or self.__dict__.get("sparsity") is not None:
            return np.frombuffer(raw, np.uint8)
        if not len(raw):
            return np.zeros(self.shape, dtype)
        return np.frombuffer(raw, dtype).reshape(self.shape)

    @data.setter
    def data(self, value: Any) -> None:
        if self._model is None:
            raise TfliteError("This tensor belongs to no model, so it has nowhere to keep data.")
        array = np.asarray(value)
        if self.dtype is not None:
            if array.dtype != self.dtype:
                raise TfliteError(f"Tensor {self.name!r} holds {self.dtype_str}, not {array.dtype}.")
            if array.shape != tuple(self.shape):
                raise TfliteError(f"Tensor {self.name!r} is of shape {self.shape}, not {TfliteShape(array.shape)}.")
        self._model.set_buffer_data(self.buffer, array.tobytes())

    def shape_dtype_str(self, include_batch: bool = False) -> str:
        """E.g. ``49x40x1 (int8)``; the first of several dimensions is left out unless ``include_batch``."""
        shape = self.shape if include_batch or len(self.shape) < 2 else TfliteShape(self.shape[1:])
        return f"{shape} ({self.dtype_str})" if shape else f"scalar ({self.dtype_str})"

    def __str__(self) -> str:
        return f"{self.name}, dtype:{self.dtype_str}, shape:{self.shape}"

    def __repr__(self) -> str:
        return f"<TfliteTensor {self.index} {self}>"
