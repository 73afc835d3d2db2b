"""Operators that move int8 values must not change their scale."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mltk.micro.engines.run import run_batch
from mltk.operations.shared.converter_child import native_converter_in_child
from mltk.operations.shared.quiet import quiet_conversion
from mltk.tflite.equal_scales import repair_scales
from mltk.tflite.model import TfliteModel

pytestmark = pytest.mark.tf


def converted():
    """A model whose REVERSE_V2 the converter gives two scales, its samples, and the right outputs."""
    import tensorflow as tf

    i = keras.Input(batch_shape=(1, 4, 2))
    reversed_ = keras.ops.flip(i * 0.25 + 1.0, axis=1)
    keras_model = keras.Model(i, keras.layers.Concatenate()([reversed_, i * 3.0]))
    x = np.random.default_rng(0).uniform(-1, 1, size=(30, 1, 4, 2)).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_keras_model(keras_model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.representative_dataset = lambda: ([a] for a in x)
    with native_converter_in_child(), quiet_conversion():
        flatbuffer = bytes(converter.convert())
    return TfliteModel(flatbuffer), x[:, 0], np.concatenate([keras_model(a).numpy() for a in x])


def test_values_are_right_after_the_repair():
    model, x, expected = converted()

    def error():
        return np.abs(run_batch(model.flatbuffer_data, x).outputs[0] - expected).max()

    assert error() > 0.1  # the mistake; this module is not needed any more if TensorFlow repairs it
    assert repair_scales(model) == 1
    model.regenerate_flatbuffer()
    assert error() < 0.05
    assert repair_scales(model) == 0
