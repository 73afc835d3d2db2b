"""Factors and activations as the integers of quantized kernels."""

from __future__ import annotations

import numpy as np
import pytest

from mltk.errors import TfliteError
from mltk.micro.exact import fixed_point as exact
from mltk.tflite.fixed_point import activation_range, quantize_multiplier
from mltk.tflite.types import TfliteActivation


def test_quantize_multiplier():
    """Against MLTK 0.20's own figures for the MLPerf Tiny models."""
    assert quantize_multiplier(1.0 * 8.9026361820288e-05 / 0.039393551647663116) == (1242405367, -8)
    assert quantize_multiplier(1.0 * 2.816817504935898e-05 / 0.039393551647663116) == (1572401305, -10)
    assert quantize_multiplier(0.5) == (2**30, 0)
    assert quantize_multiplier(1.0) == (2**30, 1)
    assert quantize_multiplier(1 - 2**-40) == (2**30, 1)
    assert quantize_multiplier(0.0) == (0, 0)
    assert quantize_multiplier(2.0**-40) == (0, 0)
    for bad in (-1.0, np.inf, np.nan):
        with pytest.raises(TfliteError, match="multiplier"):
            quantize_multiplier(bad)


def test_a_factor_that_kernels_cannot_shift_by_becomes_the_largest_one():
    assert quantize_multiplier(2.0**29) == (2**30, 30)
    largest = (2**31 - 1, 30)
    for factor in (2.0**30, 1.5 * 2.0**40, 1e300):
        assert quantize_multiplier(factor) == largest
    multipliers, shifts = exact.quantize_multipliers(np.array([0.5, 2.0**40]))
    assert (multipliers.tolist(), shifts.tolist()) == ([2**30, 2**31 - 1], [0, 30])


def test_activation_range():
    def of(activation):
        return activation_range(activation, "int8", 0.1, -128)

    assert of(TfliteActivation.NONE) == (-128, 127)
    assert of(TfliteActivation.RELU) == (-128, 127)
    assert of(TfliteActivation.RELU6) == (-128, -68)
    assert of(TfliteActivation.RELU_N1_TO_1) == (-128, -118)
    assert activation_range(TfliteActivation.RELU, "int16", 0.1, 5) == (5, 32767)


def test_a_scale_that_is_not_a_number_is_an_error():
    with pytest.raises(TfliteError, match="scale of nan"):
        activation_range(TfliteActivation.RELU6, "int8", np.nan, 0)
