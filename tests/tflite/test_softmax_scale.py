"""A SOFTMAX whose input is almost always 0 must not end the process of an engine."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mltk.micro.engines.run import run_batch
from mltk.micro.support import check_support
from mltk.operations.shared.converter_child import native_converter_in_child
from mltk.operations.shared.quiet import quiet_conversion
from mltk.tflite.model import TfliteModel
from mltk.tflite.softmax_scale import SMALLEST_SCALE, repair_softmax_scales

pytestmark = pytest.mark.tf


def converted(weight: float, reshaped: bool = False) -> TfliteModel:
    """A layer whose weights are all about ``weight``, a RESHAPE between if ``reshaped``, and a softmax."""
    import tensorflow as tf

    layers = keras.layers
    x = inputs = keras.Input(batch_shape=(1, 4))
    if reshaped:
        x = layers.Flatten()(layers.Conv2D(3, 1)(layers.Reshape((1, 1, 4))(x)))
    else:
        x = layers.Dense(3)(x)
    keras_model = keras.Model(inputs, layers.Softmax()(x))
    kernel, bias = keras_model.weights
    kernel.assign(weight * np.arange(12).reshape(kernel.shape))
    bias.assign(np.zeros(3))
    x = np.random.default_rng(0).uniform(-1, 1, size=(30, 1, 4)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras_model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    converter.representative_dataset = lambda: ([a] for a in x)
    with native_converter_in_child(), quiet_conversion():
        return TfliteModel(bytes(converter.convert()))


@pytest.mark.parametrize("reshaped", [False, True])
def test_an_almost_zero_input_gives_equal_scores(needs_tflm: None, reshaped: bool) -> None:
    model = converted(1e-12, reshaped)
    assert model.layers[-2].opcode_str == ("reshape" if reshaped else "fully_connected")
    assert "SIGABRT" in check_support(model.flatbuffer_data).failure  # why this module exists
    assert repair_softmax_scales(model) == 1
    assert repair_softmax_scales(model) == 0
    model.regenerate_flatbuffer()
    x = np.random.default_rng(1).integers(-128, 128, (20, 4)).astype(np.int8)
    for engine in ("exact-batched", "tflm", "litert-reference"):
        outputs = run_batch(model.flatbuffer_data, x, engine=engine).outputs[0]
        assert set(outputs.reshape(-1).tolist()) <= {-43, -42}  # a third of 256, from -128
    assert check_support(model.flatbuffer_data).ok


def test_a_usual_scale_stays() -> None:
    model = converted(0.1)
    before = bytes(model.flatbuffer_data)
    assert repair_softmax_scales(model) == 0
    model.regenerate_flatbuffer()
    assert TfliteModel(before).layers[-1].inputs[0].quantization.scale[0] > 1000 * SMALLEST_SCALE
