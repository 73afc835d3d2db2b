"""Real factors as the integers that quantized kernels compute with.

Source: TensorFlow Lite's ``quantization_util.cc`` (QuantizeMultiplier) and ``kernel_util.cc``
(CalculateActivationRangeQuantized), which TensorFlow Lite Micro shares.
"""

from __future__ import annotations

import math

import numpy as np

from mltk.errors import TfliteError
from mltk.tflite.types import INTEGER_RANGES, TfliteActivation

_LARGEST_SHIFT = 30

# Real bounds of the activations that a quantized kernel can apply by clipping its output.
_BOUNDS: dict[int, tuple[float | None, float | None]] = {
    TfliteActivation.RELU: (0.0, None),
    TfliteActivation.RELU_N1_TO_1: (-1.0, 1.0),
    TfliteActivation.RELU6: (0.0, 6.0),
}


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Write a factor as ``multiplier × 2^(shift − 31)``.

    Args:
        real: The factor, at least 0.

    Returns:
        (multiplier, shift). The multiplier is in [2³⁰, 2³¹). Factors below 2⁻³² become (0, 0). Factors from 2³⁰ on
        become the largest value, (2³¹ − 1, 30), because kernels cannot shift further.

    Raises:
        TfliteError: The factor is negative, infinite or not a number.
    """
    if not 0 <= real < math.inf:
        raise TfliteError(f"The scales of a layer make a multiplier of {real}.")
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * 2**31 + 0.5)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    if shift > _LARGEST_SHIFT:
        return 2**31 - 1, _LARGEST_SHIFT
    return multiplier, shift


def activation_range(activation: int, dtype: str, scale: float, zero_point: int) -> tuple[int, int]:
    """Return the range of quantized outputs that a fused activation lets through.

    Args:
        activation: Number of the activation, see `TfliteActivation`. Activations without bounds do not limit the range.
        dtype: Name of the output's integer type, for example ``int8``.
        scale: Scale of the output.
        zero_point: Zero point of the output.

    Returns:
        The smallest and the largest output.

    Raises:
        TfliteError: The scale is 0 or not a number.
    """
    low, high = INTEGER_RANGES[dtype]
    real_low, real_high = _BOUNDS.get(activation, (None, None))
    if real_low is not None:
        low = max(low, _quantized(real_low, scale, zero_point))
    if real_high is not None:
        high = min(high, _quantized(real_high, scale, zero_point))
    return low, high


def _quantized(value: float, scale: float, zero_point: int) -> int:
    # Float32 as the kernels compute it; halves round away from zero.
    with np.errstate(over="ignore"):
        ratio = float(np.float32(value) / np.float32(scale)) if scale else 0.0
    if not math.isfinite(ratio):
        raise TfliteError(f"A layer's output has a scale of {scale}.")
    return zero_point + int(math.copysign(math.floor(abs(ratio) + 0.5), ratio))
