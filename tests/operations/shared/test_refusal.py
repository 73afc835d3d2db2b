"""Refusals of the converter, in the words of a specification."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L

from mltk.errors import QuantizationError
from mltk.operations.shared.convert import convert
from mltk.operations.shared.refusal import explain_refusal, layer_named_in

pytestmark = pytest.mark.tf
INT8 = {"optimizations": ["DEFAULT"], "supported_ops": ["TFLITE_BUILTINS_INT8"]}


class Scan(L.Layer):
    def call(self, x):
        steps = keras.ops.transpose(x, (1, 0, 2))
        return keras.ops.scan(lambda carry, step: (carry * 0.5 + step, carry), keras.ops.zeros_like(x[:, 0]), steps)[0]

    def compute_output_shape(self, shape):
        return (shape[0], shape[2])


class Double(L.Layer):
    def call(self, x):
        return keras.ops.cast(keras.ops.cast(x, "float64") * 2, "float32")


class Half(L.Layer):
    def call(self, x):
        return keras.ops.cast(keras.ops.cast(x, "float16") * 2, "float32")


class Python(L.Layer):
    def call(self, x):
        return tf.ensure_shape(tf.numpy_function(lambda v: v, [x], tf.float32), x.shape)


class Specification:
    name = "gesture"
    x = None

    def trigger_event(self, *args, **kwargs):
        pass


def specification() -> Any:
    """The little of a specification that converting needs."""
    return Specification()


def refusal(*layers, shape=(4,), **settings):
    keras_model = keras.Sequential([keras.Input(batch_shape=(1, *shape)), *layers])
    samples = lambda: ([np.zeros((1, *shape), np.float32)] for _ in range(2))  # noqa: E731
    with pytest.raises(QuantizationError) as e:
        convert(specification(), keras_model, {**INT8, "representative_dataset": samples, **settings})
    assert e.value.message.startswith("gesture: ")
    assert len(str(e.value).splitlines()) <= 4
    assert "<unknown>" not in str(e.value)
    return e.value


@pytest.mark.parametrize(
    ("layer", "shape", "message", "hint"),
    [
        (lambda: L.MaxPooling3D(name="pool"), (4, 4, 4, 1), "MaxPool3D of layer 'pool' (MaxPooling3D)", "MaxPooling2D"),
        (lambda: Python(name="own"), (4,), "PyFunc of layer 'own' (Python)", "no Python"),
        (lambda: Double(name="wide"), (4,), "Mul of layer 'wide' (Double) computes in float64", "float32"),
        (lambda: Half(name="small"), (4,), "Mul of layer 'small' (Half) computes in float16", "mixed_float16"),
        (
            lambda: keras.Sequential([keras.Input((4, 4, 4, 1)), L.MaxPooling3D(name="deep")], name="inner"),
            (4, 4, 4, 1),
            "MaxPool3D of layer 'deep'",
            "MaxPooling2D",
        ),
    ],
)
def test_operators_are_named_with_their_layers(layer, shape, message, hint, capfd):
    error = refusal(layer(), shape=shape)
    assert message in error.message
    assert hint in error.hint
    assert "loc(" not in capfd.readouterr().err


def test_crash_names_the_loop():
    error = refusal(Scan(name="filter"), L.Dense(2), shape=(5, 2))
    assert "the TensorFlow Lite converter crashed while calibrating the model (segmentation fault)" in error.message
    assert "It fails at loops, and the model has one in layer 'filter' (Scan)." in error.message
    assert "unroll=True" in error.hint


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"representative_dataset": None}, "representative_dataset is not set", "= 'generate'"),
        ({"optimizations": [], "inference_input_type": "int8"}, "optimizations is empty", "['DEFAULT']"),
        ({"inference_input_type": "int16"}, "inference_input_type does not fit", "'int8', 'uint8' or 'float32'"),
        (
            {
                "supported_ops": "EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8",
                "inference_input_type": "int8",
                "inference_output_type": "int8",
            },
            "'float32' or 'int16'",
            "Set both to 'int16'",
        ),
    ],
)
def test_settings_that_exclude_each_other(settings, message, hint):
    error = refusal(L.Dense(2), **settings)
    assert message in error.message
    assert hint in error.hint


def test_select_tf_ops_is_refused_with_its_name():
    ops = ["TFLITE_BUILTINS_INT8", "SELECT_TF_OPS"]
    error = refusal(L.MaxPooling3D(), shape=(4, 4, 4, 1), supported_ops=ops)
    assert "SELECT_TF_OPS" in error.message
    assert "Remove SELECT_TF_OPS" in error.hint


def test_other_errors_are_short():
    error = explain_refusal("m", None, RuntimeError("first\n" * 40), {"optimizations": []})
    assert len(str(error).splitlines()) <= 6
    assert error.hint == "The tflite_converter settings are: optimizations=[]"


def test_layer_named_in_a_path():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(2, name="dense_7"), L.ReLU(name="last")], name="inner")
    keras_model = keras.Sequential([keras.Input((4,)), inner, L.Dense(3, name="dense")])
    assert layer_named_in("model_1/inner_1/dense_7_1/MatMul;model/x", keras_model).name == "dense_7"
    assert layer_named_in("model/dense_1/BiasAdd@__inference_1", keras_model).name == "dense"
    assert layer_named_in("model/inner_1/last/Relu", keras_model).name == "last"
    assert layer_named_in("PartitionedCall_1", keras_model) is None
