"""The fixed-point arithmetic of TensorFlow Lite Micro's int8 kernels, on NumPy int64 arrays.

Raw values are those of gemmlowp's ``FixedPoint<int32, integer bits>``: ``value × 2^(31 − integer bits)``. The
definitions follow gemmlowp (https://github.com/google/gemmlowp, ``fixedpoint/fixedpoint.h``) and TFLM's build with
double rounding (without ``TFLITE_SINGLE_ROUNDING``).
"""

from __future__ import annotations

import math

import numpy as np

from mltk.tflite.fixed_point import quantize_multiplier

Ints = np.ndarray  # of dtype int64

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def quantize_multipliers(reals: np.ndarray) -> tuple[Ints, Ints]:
    """Return multipliers and shifts of several factors, as two int64 arrays. See `quantize_multiplier`."""
    pairs = [quantize_multiplier(float(r)) for r in np.ravel(reals)]
    return np.array([p[0] for p in pairs], np.int64), np.array([p[1] for p in pairs], np.int64)


def _divide_towards_zero(a: Ints, power: int) -> Ints:
    return np.where(a >= 0, a >> power, -((-a) >> power))


def high_mul(a: Ints, b: Ints | int) -> Ints:
    """Return ``a × b / 2³¹``, rounded to nearest (SaturatingRoundingDoublingHighMul)."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    nudge = np.where(product >= 0, 1 << 30, 1 - (1 << 30))
    result: Ints = np.minimum(_divide_towards_zero(product + nudge, 31), INT32_MAX)
    return result


def rounding_divide_by_pot(a: Ints, exponent: Ints | int) -> Ints:
    """Return ``a / 2^exponent``, rounded to nearest, halves away from zero."""
    a, exponent = np.asarray(a, np.int64), np.asarray(exponent, np.int64)
    mask = (np.int64(1) << exponent) - 1
    threshold = (mask >> 1) + (a < 0)
    result: Ints = (a >> exponent) + ((a & mask) > threshold)
    return result


def multiply_by_quantized_multiplier(x: Ints, multiplier: Ints | int, shift: Ints | int) -> Ints:
    """Return ``x × multiplier × 2^(shift − 31)`` as TFLM's build with double rounding computes it."""
    shift = np.asarray(shift, np.int64)
    left, right = np.maximum(shift, 0), np.maximum(-shift, 0)
    return rounding_divide_by_pot(high_mul(np.asarray(x, np.int64) << left, multiplier), right)


def saturating_shift_left(a: Ints, exponent: int) -> Ints:
    """Return ``a × 2^exponent``, clipped to int32."""
    result: Ints = np.clip(np.asarray(a, np.int64) << exponent, INT32_MIN, INT32_MAX)
    return result


def _exp_between_minus_quarter_and_zero(a: Ints) -> Ints:
    # Taylor expansion around −1/8. a and the result have no integer bits.
    constant_term, one_third = 1895147668, 715827883
    x = a + (1 << 28)
    x2 = high_mul(x, x)
    x3, x4 = high_mul(x2, x), high_mul(x2, x2)
    tail = rounding_divide_by_pot(high_mul(rounding_divide_by_pot(x4, 2) + x3, one_third) + x2, 1)
    return constant_term + high_mul(x + tail, constant_term)


def exp_on_negative_values(a: Ints, integer_bits: int) -> Ints:
    """Return exp(a) for a ≤ 0 with ``integer_bits`` integer bits. The result has no integer bits."""
    a = np.asarray(a, np.int64)
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    a_mod = (a & (quarter - 1)) - quarter
    result = _exp_between_minus_quarter_and_zero(saturating_shift_left(a_mod, integer_bits))
    remainder = a_mod - a
    for exponent in range(-2, min(integer_bits, 5)):
        factor = round(math.exp(-(2.0**exponent)) * (1 << 31))
        bit = (remainder >> (fraction_bits + exponent)) & 1
        result = np.where(bit == 1, high_mul(result, factor), result)
    return np.where(a == 0, INT32_MAX, result)


def _reciprocal_of_half_denominator(a: Ints) -> Ints:
    # Newton-Raphson for 1 / ((1 + a) / 2), a in [0, 1). The result has 2 integer bits.
    total = np.asarray(a, np.int64) + INT32_MAX
    half_denominator = _divide_towards_zero(total + np.where(total >= 0, 1, -1), 1)
    x = 1515870810 + high_mul(half_denominator, -1010580540)
    for _ in range(3):
        x = x + saturating_shift_left(high_mul(x, (1 << 29) - high_mul(half_denominator, x)), 2)
    return x


def one_over_one_plus_x(a: Ints) -> Ints:
    """Return 1 / (1 + a) for a in [0, 1), without integer bits."""
    return saturating_shift_left(_reciprocal_of_half_denominator(a), 1)


def one_minus_x_over_one_plus_x(a: Ints) -> Ints:
    """Return (1 − a) / (1 + a) for a in [0, 1), without integer bits."""
    return saturating_shift_left(_reciprocal_of_half_denominator(a) - (1 << 29), 2)


def logistic(a: Ints, integer_bits: int) -> Ints:
    """Return 1 / (1 + exp(−a)) of a with ``integer_bits`` integer bits. The result has no integer bits."""
    positive = one_over_one_plus_x(exp_on_negative_values(-np.abs(a), integer_bits))
    return np.where(a == 0, 1 << 30, np.where(a > 0, positive, INT32_MAX - positive))


def tanh(a: Ints, integer_bits: int) -> Ints:
    """Return tanh(a) of a with ``integer_bits`` integer bits. The result has no integer bits."""
    # Twice the argument is the same raw value with one more integer bit.
    t = one_minus_x_over_one_plus_x(exp_on_negative_values(-np.abs(a), integer_bits + 1))
    return np.where(a == 0, 0, np.where(a < 0, -t, t))


def reciprocal(x: Ints, integer_bits: int) -> tuple[Ints, Ints]:
    """Return 1 / x for raw x > 0 as (scale without integer bits, bits over one), as gemmlowp's ``GetReciprocal``."""
    x = np.asarray(x, np.int64)
    bit_length = np.frexp(x.astype(np.float64))[1].astype(np.int64)  # exact: x < 2³²
    headroom_plus_one = 32 - bit_length
    shifted_minus_one = (x << headroom_plus_one) - (1 << 31)
    return one_over_one_plus_x(shifted_minus_one), integer_bits - headroom_plus_one


def input_radius(integer_bits: int, left_shift: int) -> int:
    """Return the largest magnitude of an input whose scaled value is still in the fixed-point range."""
    return math.floor(((1 << integer_bits) - 1) * float(1 << (31 - integer_bits)) / float(1 << left_shift))


def inverse_square_root(x: int) -> tuple[int, int]:
    """Return 1 / sqrt(x) as (raw value without integer bits, right shift).

    The definition follows ``GetInvSqrtQuantizedMultiplierExp`` of TFLM.

    Args:
        x: At least 0; 0 counts as 1.
    """
    if x <= 1:
        return INT32_MAX, 0
    right = 11
    while x >= 1 << 29:
        x, right = x // 4, right + 1
    while x < 1 << 27:
        x, right = x * 4, right - 1
    half = rounding_divide_by_pot(np.array(x >> 1), 1)
    y = np.array(1 << 28)
    for _ in range(5):
        cube = saturating_shift_left(high_mul(high_mul(y, y), y), 6)
        y = saturating_shift_left(high_mul(np.array((1 << 28) + (1 << 27)), y) - high_mul(half, cube), 3)
    root = int(high_mul(y, 1518500250))  # sqrt(0.5)
    return (root << -right, 0) if right < 0 else (root, right)
