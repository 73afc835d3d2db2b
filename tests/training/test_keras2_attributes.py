"""Attributes of Keras 2. The expected values are those that Keras 2 (tf_keras 2.16) returns for the same models."""

from __future__ import annotations

import importlib
from typing import Any

import keras
import pytest

from mltk.training.keras2_attributes import add_keras2_attributes

pytestmark = pytest.mark.tf


@pytest.fixture(autouse=True)
def _attributes() -> None:
    add_keras2_attributes()
    add_keras2_attributes()  # twice changes nothing


def test_layers_have_the_shapes_of_their_inputs_and_outputs() -> None:
    model: Any = keras.Sequential([keras.layers.Input((4, 4, 1)), keras.layers.Conv2D(3, 3)])
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dense(model.layers[-1].output_shape[1]))  # the layers before were called again
    assert [layer.input_shape for layer in model.layers] == [(None, 4, 4, 1), (None, 2, 2, 3), (None, 12)]
    assert [layer.output_shape for layer in model.layers] == [(None, 2, 2, 3), (None, 12), (None, 12)]
    assert model.output_shape == (None, 12)
    assert model.layers[0].get_output_at(0) is model.layers[0].inbound_nodes[0].output_tensors[0]
    assert model.layers[1].get_input_shape_at(0) == (None, 2, 2, 3)


def test_several_inputs_are_a_list_as_is_the_shape_of_an_input_layer() -> None:
    first, second = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    model: Any = keras.Model([first, second], keras.layers.Add()([first, second]))
    assert model.get_layer("a").output_shape == model.get_layer("a").input_shape == [(None, 4)]
    assert model.layers[-1].input_shape == [(None, 4), (None, 4)]
    assert model.layers[-1].output_shape == (None, 4)
    assert model.layers[-1].get_input_at(0) == [first, second]
    assert model.input_names == ["a", "b"]


def test_a_layer_without_one_shape_says_why() -> None:
    layer: Any = keras.layers.Conv1D(2, 1, name="twice")
    with pytest.raises(AttributeError, match="'twice' was not called yet"):
        _ = layer.output_shape
    assert not hasattr(layer, "input_shape")
    layer(keras.Input((4, 1)))
    assert layer.output_shape == (None, 4, 2)
    layer(keras.Input((6, 1)))
    with pytest.raises(AttributeError, match="'twice' was called with different shapes"):
        _ = layer.output_shape
    assert [layer.get_output_shape_at(i) for i in (0, 1)] == [(None, 4, 2), (None, 6, 2)]
    with pytest.raises(ValueError, match="was called 2 times; there is no call 2"):
        layer.get_output_at(2)


def test_a_layer_keeps_an_attribute_that_it_sets_itself() -> None:
    class Own(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.output_shape = (7,)

    assert Own().output_shape == (7,)


def test_losses_metrics_and_saving_have_the_names_of_keras_2() -> None:
    import tensorflow as tf

    tf_keras: Any = tf.keras
    assert float(tf_keras.losses.mean_squared_error([0.0, 2.0], [0.0, 0.0])) == 2
    assert float(tf_keras.metrics.mean_absolute_error([0.0, 2.0], [0.0, 0.0])) == 1
    assert tf_keras.saving.load_model is keras.saving.load_model
    imported: Any = importlib.import_module("tensorflow.keras")  # from now on, `tf.keras` is another module
    assert tf.keras is imported
    assert imported.saving.load_model is keras.saving.load_model
    assert float(imported.losses.mean_squared_error([0.0, 2.0], [0.0, 0.0])) == 2
    metric: Any = keras.metrics.Mean()
    metric.update_state(3.0)
    metric.reset_states()
    assert float(metric.result()) == 0
