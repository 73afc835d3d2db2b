"""How pixels become the input of a model that does not say it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers.dense_models import dense_classifier
from helpers.tflite_builder import ModelBuilder
from mltk.image.pixel_values import PixelValues, pixel_values
from mltk.tflite.model import TfliteModel


def of(scale: float, zero: int, **parameters: Any) -> PixelValues:
    return pixel_values(parameters, dense_classifier((8, 8, 1), scale=scale, zero=zero).graph)


def test_the_parameters_of_the_model_come_first() -> None:
    given: dict[str, Any] = {"samplewise_norm.rescale": 0.25, "samplewise_norm.mean_and_std": True}
    assert of(1 / 255, -128, **given) == PixelValues(0.25, mean_and_std=True)


@pytest.mark.parametrize(("scale", "zero"), [(1.0, -128), (1.0, 0), (0.7, -128)])
def test_a_wide_input_takes_pixels(scale: float, zero: int) -> None:
    assert of(scale, zero) == PixelValues()


def test_values_are_scaled_and_moved() -> None:
    pixels = np.array([[[[0], [51], [255]]]], np.uint8)
    np.testing.assert_allclose(of(1 / 255, -128).of(pixels).ravel(), [0, 0.2, 1], rtol=1e-6)
    np.testing.assert_allclose(of(2 / 255, 0).of(pixels).ravel(), [-1, -0.6, 1], rtol=1e-5)
    np.testing.assert_array_equal(of(1.0, -128).of(pixels).ravel(), [0, 51, 255])


def test_another_range_is_not_guessed() -> None:
    found = of(5 / 255, -20)
    assert not found.is_known
    assert "from -2.12 to 2.88" in found.note


def test_a_float_input_has_the_range_of_the_tensor_that_it_becomes() -> None:
    b = ModelBuilder()
    x = b.tensor((1, 8, 8, 1), np.float32)
    y = b.tensor((1, 8, 8, 1), scale=1 / 255, zero_point=-128)
    b.operator("QUANTIZE", [x], [y], ("QuantizeOptions", {}))
    assert "divided by 255" in pixel_values({}, TfliteModel(b.build([x], [y])).graph).note
    alone = ModelBuilder()
    x = alone.tensor((1, 8, 8, 1), np.float32)
    y = alone.tensor((1, 8, 8, 1), np.float32)
    alone.operator("RELU", [x], [y])
    assert pixel_values({}, TfliteModel(alone.build([x], [y])).graph) == PixelValues()
