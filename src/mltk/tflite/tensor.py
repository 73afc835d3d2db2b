"""Tensors of a ``.tflite``: shape, data type, quantization and, for constants, data."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from mltk.errors import TfliteError
from mltk.tflite.quantization import Affine
from mltk.tflite.schema_view import SchemaView
from mltk.tflite.types import NUMPY_TYPES, TENSOR_TYPE_NUMBERS, decode, ints, stored_bits, type_name


class TensorOwner(Protocol):
    """What a tensor needs of the model that it belongs to."""

    @property
    def path(self) -> str | None:
        """Where the model came from."""

    def buffer_data(self, index: int) -> memoryview:
        """Return the bytes of a buffer; no bytes if the buffer is empty."""

    def set_buffer_data(self, index: int, data: bytes) -> None:
        """Replace the bytes of a buffer."""


class TfliteShape(tuple[int, ...]):
    """Shape of a tensor. It prints as ``1x49x40x1``."""

    __slots__ = ()

    @property
    def flat_size(self) -> int:
        """Number of elements."""
        return math.prod(self)

    def __str__(self) -> str:
        return "x".join(str(dim) for dim in self)


class TfliteQuantization(SchemaView):
    """Affine quantization: ``real = scale × (stored − zeropoint)``, per tensor or per channel.

    The other fields of the schema's ``QuantizationParametersT`` are attributes too.
    """

    def __init__(self, fb_quantization: Any = None, *, absent_from: Any = None) -> None:
        """Make a view of ``fb_quantization``, or of new, empty parameters.

        Args:
            fb_quantization: A ``QuantizationParametersT``.
            absent_from: A ``TensorT`` without parameters. It gets the new ones when something is set on them.
        """
        super().__init__(schema.QuantizationParametersT() if fb_quantization is None else fb_quantization)
        self._absent_from = absent_from

    def _set(self, name: str, value: Any) -> None:
        setattr(self.raw, name, value)
        if self._absent_from is not None:
            self._absent_from.quantization = self.raw
            self._absent_from = None

    @property
    def scale(self) -> list[float]:
        """Scale of each channel, or the one scale of the tensor; empty if the tensor is not quantized."""
        return [] if self.raw.scale is None else [float(value) for value in self.raw.scale]

    @scale.setter
    def scale(self, value: Any) -> None:
        self._set("scale", None if value is None else np.atleast_1d(np.asarray(value, np.float32)))

    @property
    def zeropoint(self) -> list[int]:
        """Zero point of each channel, or the one zero point of the tensor; empty if the tensor is not quantized."""
        return list(ints(self.raw.zeroPoint))

    @zeropoint.setter
    def zeropoint(self, value: Any) -> None:
        self._set("zeroPoint", None if value is None else np.atleast_1d(np.asarray(value, np.int64)))

    @property
    def quantization_dimension(self) -> int:
        """The dimension that the channels of a per-channel quantization run along."""
        return int(self.raw.quantizedDimension or 0)

    @quantization_dimension.setter
    def quantization_dimension(self, value: int) -> None:
        self._set("quantizedDimension", int(value))

    @property
    def n_channels(self) -> int:
        """Number of scales: 0 if not quantized, 1 if quantized per tensor."""
        return 0 if self.raw.scale is None else len(self.raw.scale)

    def __str__(self) -> str:
        if not self.n_channels:
            return "none"
        if self.n_channels > 1:
            return f"{self.n_channels} channels along dimension {self.quantization_dimension}"
        zero_point = self.zeropoint[0] if self.zeropoint else 0
        return f"scale={self.scale[0]:.6g} zeropoint={zero_point}"


class TfliteTensor(SchemaView):
    """One tensor of a subgraph. What is set on the tensor is written when the model is regenerated.

    The other fields of the schema's ``TensorT`` are attributes too, for example ``buffer``.
    """

    def __init__(self, index: int = -1, model: TensorOwner | None = None, fb_tensor: Any = None) -> None:
        """Make a view of a tensor.

        Args:
            index: Position in the subgraph's list of tensors; -1 outside a model.
            model: The model that the tensor belongs to.
            fb_tensor: The ``TensorT``; by default a new one.
        """
        super().__init__(schema.TensorT() if fb_tensor is None else fb_tensor)
        self._index = index
        self._model = model
        self._quantization: TfliteQuantization | None = None

    @property
    def index(self) -> int:
        """Position in the subgraph's list of tensors; -1 outside a model."""
        return self._index

    @property
    def model(self) -> TensorOwner | None:
        """The `TfliteModel` that the tensor belongs to."""
        return self._model

    @property
    def name(self) -> str:
        """Name that the converter chose."""
        return decode(self.raw.name)

    @name.setter
    def name(self, value: str | bytes | None) -> None:
        self.raw.name = value

    @property
    def shape(self) -> TfliteShape:
        """Size of each dimension, the batch first; ``()`` for a scalar."""
        return TfliteShape(ints(self.raw.shape))

    @shape.setter
    def shape(self, value: Any) -> None:
        self.raw.shape = None if value is None else np.asarray(value, np.int32).reshape(-1)

    @property
    def dtype(self) -> type[np.generic] | None:
        """NumPy type of an element; None if NumPy has no such type (string, resource, int4, …)."""
        return NUMPY_TYPES.get(self.dtype_str)

    @dtype.setter
    def dtype(self, value: Any) -> None:
        name = "bool" if np.dtype(value) == np.bool_ else np.dtype(value).name
        if name not in TENSOR_TYPE_NUMBERS:
            raise TfliteError(f"A .tflite has no tensor type {name!r}.")
        self.raw.type = TENSOR_TYPE_NUMBERS[name]

    @property
    def dtype_str(self) -> str:
        """Name of the element type in lower case, for example ``int8``."""
        return type_name(self.raw.type)

    @property
    def quantization(self) -> TfliteQuantization:
        """Scale and zero point."""
        raw = self.raw.quantization
        view = self._quantization
        if view is None or (raw is not None and view.raw is not raw):
            # The file may have no parameters, and reading must not add any.
            view = TfliteQuantization(raw) if raw is not None else TfliteQuantization(absent_from=self.raw)
            self._quantization = view
        return view

    @quantization.setter
    def quantization(self, value: Any) -> None:
        self.raw.quantization = value.raw if isinstance(value, SchemaView) else value
        self._quantization = None

    @property
    def affine(self) -> Affine:
        """The parameters of the quantization as arrays."""
        raw = self.raw.quantization
        if raw is None:
            return Affine.of(None, None)
        return Affine.of(raw.scale, raw.zeroPoint, raw.quantizedDimension or 0)

    @property
    def is_variable(self) -> bool:
        """Whether the tensor keeps its value from one invocation to the next."""
        return bool(self.raw.isVariable)

    @property
    def is_constant(self) -> bool:
        """Whether the tensor's data is stored in the file."""
        return self._model is not None and len(self._raw_data()) > 0

    @property
    def size_bytes(self) -> int:
        """Bytes that the data takes: the stored bytes of a constant, otherwise the bytes of its shape and type."""
        bits = stored_bits(self.dtype_str)
        if bits is None:
            return len(self._raw_data())
        return (self.shape.flat_size * bits + 7) // 8

    def _raw_data(self) -> memoryview:
        return memoryview(b"") if self._model is None else self._model.buffer_data(self.raw.buffer)

    @property
    def data(self) -> np.ndarray:
        """The data of a constant in the tensor's shape, a read-only view of the file; zeros for other tensors.

        Data of a type that NumPy does not have, and sparse data, is the stored bytes: uint8, one dimension.
        """
        raw = self._raw_data()
        dtype = self.dtype
        if dtype is None or self.raw.sparsity is not None:
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
        self._model.set_buffer_data(self.raw.buffer, array.tobytes())

    def shape_dtype_str(self, include_batch: bool = False) -> str:
        """Return shape and type as text, for example ``49x40x1 (int8)``.

        Args:
            include_batch: Also show the first of several dimensions.
        """
        shape = self.shape if include_batch or len(self.shape) < 2 else TfliteShape(self.shape[1:])
        return f"{shape} ({self.dtype_str})" if shape else f"scalar ({self.dtype_str})"

    def __str__(self) -> str:
        return f"{self.name}, dtype:{self.dtype_str}, shape:{self.shape}"

    def __repr__(self) -> str:
        return f"<TfliteTensor {self.index} {self}>"
