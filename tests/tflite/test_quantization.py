"""Quantizing and dequantizing, with the same meaning for arrays and single values."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.tflite_builder import ModelBuilder
from mltk.errors import TfliteError
from mltk.tflite import TfliteModel
from mltk.tflite.quantization import dequantize, per_tensor, quantize


def tensors_of(shape, dtype="int8", **quantization):
    """The same tensor as `TfliteModel` and as its graph have it."""
    b = ModelBuilder()
    index = b.tensor(shape, dtype, **quantization)
    model = TfliteModel(b.build([index], [index]))
    return model.tensors[index], model.graph.main.tensors[index]


def test_both_kinds_of_tensor_are_quantized_alike():
    for tensor in tensors_of((1, 4), scale=0.5, zero_point=3):
        assert quantize([-100.0, 0.25, 0.75, 1e6], tensor).tolist() == [-128, 4, 5, 127]
        assert dequantize(np.array([3, 5], np.int8), tensor).tolist() == [0.0, 1.0]
        assert dequantize(np.array([3], np.int8), tensor, np.float64).dtype == np.float64
        assert per_tensor(tensor) == (0.5, 3)


def test_a_single_value_is_an_array_without_dimensions():
    tensor, _ = tensors_of((), scale=0.5, zero_point=3)
    assert quantize(1.0, tensor).shape == ()
    assert dequantize(np.int8(5), tensor) == 1.0


def test_channels_have_scales_of_their_own():
    for tensor in tensors_of((2, 3), scale=[0.5, 0.25, 1.0], dimension=1):
        values = dequantize(np.array([[2, 2, 2], [4, 4, 4]], np.int8), tensor)
        assert values.tolist() == [[1.0, 0.5, 2.0], [2.0, 1.0, 4.0]]
        np.testing.assert_array_equal(quantize(values, tensor), [[2, 2, 2], [4, 4, 4]])


def test_floats_and_tensors_without_a_scale_stay_as_they_are():
    quantized, _ = tensors_of((2,), scale=0.5)
    plain, _ = tensors_of((2,))
    assert dequantize(np.array([1.5], np.float32), quantized).tolist() == [1.5]
    assert dequantize(np.array([7], np.int8), plain).tolist() == [7.0]
    with pytest.raises(TfliteError, match="is not quantized"):
        per_tensor(plain)
