"""Affine quantization: ``real = scale × (stored − zero point)``, per tensor or per channel.

Source: https://ai.google.dev/edge/litert/models/quantization_spec
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from mltk.errors import TfliteError
from mltk.tflite.types import INTEGER_RANGES, NUMPY_TYPES


class Affine(NamedTuple):
    """Parameters of an affine quantization.

    Attributes:
        scale: float32, shape (channels,). One value if the tensor is quantized per tensor; empty if it is not
            quantized.
        zero_point: int64, shape (channels,). Zeros if the file has none.
        axis: The dimension of the tensor that the channels run along.
    """

    scale: np.ndarray
    zero_point: np.ndarray
    axis: int = 0

    @staticmethod
    def of(scale: Any, zero_point: Any, axis: int = 0) -> Affine:
        """Make the parameters from vectors of the schema, which may be None or empty."""
        scales = np.asarray([] if scale is None else scale, np.float32)
        zero_points = np.asarray([] if zero_point is None else zero_point, np.int64)
        return Affine(scales, zero_points if zero_points.size else np.zeros(scales.shape, np.int64), int(axis))

    def along(self, rank: int, dtype: type[np.floating[Any]]) -> tuple[np.ndarray, np.ndarray]:
        """Return scale and zero point as ``dtype``, in a shape that broadcasts to a tensor of ``rank`` dimensions."""
        shape: list[int] = []
        if self.scale.size > 1:
            shape = [1] * rank
            shape[self.axis] = self.scale.size
        return self.scale.astype(dtype).reshape(shape), self.zero_point.astype(dtype).reshape(shape)


class QuantizedTensor(Protocol):
    """A tensor as quantization sees it: `mltk.tflite.graph.Tensor` and `mltk.tflite.tensor.TfliteTensor`."""

    @property
    def name(self) -> str: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype_str(self) -> str: ...
    @property
    def affine(self) -> Affine: ...


def is_quantized(tensor: QuantizedTensor) -> bool:
    """Return whether the tensor holds integers that stand for real values."""
    return tensor.dtype_str in INTEGER_RANGES and tensor.affine.scale.size > 0


def per_tensor(tensor: QuantizedTensor) -> tuple[float, int]:
    """Return the scale and the zero point of a tensor, the first ones if it is quantized per channel.

    Raises:
        TfliteError: The tensor is not quantized.
    """
    affine = tensor.affine
    if not is_quantized(tensor) or not affine.zero_point.size:
        raise TfliteError(f"Tensor {tensor.name!r} ({tensor.dtype_str}) is not quantized.")
    return float(affine.scale[0]), int(affine.zero_point[0])


def quantize(x: Any, tensor: QuantizedTensor) -> np.ndarray:
    """Quantize real values: ``round(x / scale) + zero point``, clipped to the range of the tensor's type.

    Halves are rounded away from zero, as ``AffineQuantize`` of TensorFlow Lite (Micro) does.

    Args:
        x: Real values in the tensor's shape, or in a shape that broadcasts to it. NaN becomes the zero point.
        tensor: A quantized tensor.

    Returns:
        The stored values, in the tensor's type.
    """
    scale, zero_point = tensor.affine.along(len(tensor.shape), np.float32)
    low, high = INTEGER_RANGES[tensor.dtype_str]
    # 32-bit floats divide as on the device; 64 bits keep the half exact and hold every int32.
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        ratio = np.nan_to_num((np.asarray(x, np.float32) / scale).astype(np.float64))
    rounded: np.ndarray = np.copysign(np.floor(np.abs(ratio) + 0.5), ratio) + zero_point
    clipped: np.ndarray = np.clip(rounded, low, high)
    return clipped.astype(NUMPY_TYPES[tensor.dtype_str])


def dequantize(y: Any, tensor: QuantizedTensor, dtype: type[np.floating[Any]] = np.float32) -> np.ndarray:
    """Return the real values that stored values stand for: ``(y − zero point) × scale``.

    Args:
        y: Stored values. Floats, and values of a tensor that is not quantized, are only converted to ``dtype``.
        tensor: The tensor that holds the values.
        dtype: Type of the result, and of the computation.

    Returns:
        The real values, in the shape of ``y``.
    """
    stored = np.asarray(y)
    if stored.dtype.kind == "f" or not is_quantized(tensor):
        return stored.astype(dtype)
    scale, zero_point = tensor.affine.along(len(tensor.shape), dtype)
    real: np.ndarray = (stored.astype(dtype) - zero_point) * scale
    return real.astype(dtype, copy=False)


def to_tensor_dtype(x: Any, tensor: QuantizedTensor) -> np.ndarray:
    """Convert values to the type of a tensor.

    Floats are quantized for a quantized tensor. Values of the tensor's own type stay as they are. Integers become
    floats for a float tensor. Any other conversion would change the meaning of the values and is an error.

    Raises:
        TfliteError: The values are of another type, for example uint8 values for an int8 tensor.
    """
    values: np.ndarray = np.asarray(x)
    wanted = NUMPY_TYPES.get(tensor.dtype_str)
    if wanted is None:
        raise TfliteError(f"Input {tensor.name!r} is of type {tensor.dtype_str}, which NumPy does not have.")
    if values.dtype == wanted:
        return values
    if values.dtype.kind == "f" and is_quantized(tensor):
        return quantize(values, tensor)
    if np.dtype(wanted).kind == "f" and values.dtype.kind in "fiub":
        return values.astype(wanted)
    if not is_quantized(tensor) and values.dtype.kind in "iub" and tensor.dtype_str in INTEGER_RANGES:
        low, high = INTEGER_RANGES[tensor.dtype_str]
        if not values.size or (values.min() >= low and values.max() <= high):
            return values.astype(wanted)
    raise TfliteError(
        f"Input {tensor.name!r} takes {tensor.dtype_str} values, not {values.dtype}.",
        hint=f"Pass floats, which are quantized here, or {tensor.dtype_str} values as the model stores them.",
    )
