"""What cannot be saved, converted or run is said before training; what is known to work costs nothing."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers as L

import mltk
from mltk.errors import MltkError, QuantizationError, SettingError, SpecificationError
from mltk.operations.shared import check_convertible
from mltk.operations.shared.check_convertible import check_before_training

pytestmark = pytest.mark.tf


class Scan(L.Layer):
    def call(self, x):
        steps = keras.ops.expand_dims(x, 0)
        return keras.ops.scan(lambda carry, step: (carry * 0.5 + step, carry), keras.ops.zeros_like(x), steps)[0]


class Times(L.Layer):
    """A layer that Keras can save and load only with its class."""

    def call(self, x):
        return x * 2


class Unsavable(L.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return x * self.factor()


class Tile(L.Layer):
    def call(self, x):
        return keras.ops.tile(x, (1, 3))


def model_of(*layers, shape=(4,)):
    return keras.Sequential([keras.Input(shape), *layers])


def inner(*layers):
    return model_of(L.Dense(4), model_of(*layers), L.Dense(3))


@pytest.mark.parametrize(
    ("keras_model", "kind", "message", "hint"),
    [
        (lambda: inner(Unsavable(lambda: 2.0)), SpecificationError, r"Unsavable\) can't be saved", "get_config()"),
        (lambda: inner(Scan(name="loop"), L.Dense(3)), QuantizationError, r"loops.*'loop' \(Scan\)", "unroll=True"),
        (lambda: inner(Tile(name="thrice")), SpecificationError, r"no engine.*TILE of layer 'thrice'", "bilinear"),
        (lambda: model_of(L.Dense(3), shape=(None, 4)), SettingError, "dimension 0 is open", "samples have the shape"),
        (
            lambda: keras.Sequential([keras.Input(batch_shape=(2, 3, 4)), L.LSTM(3, stateful=True)]),
            QuantizationError,
            "stateful=True",
            "return_state=True",
        ),
    ],
)
def test_what_can_not_be_is_said(make_toy, keras_model, kind, message, hint):
    model = make_toy()
    model.load_dataset("training")
    with pytest.raises(kind, match=message) as e:
        check_before_training(model, keras_model(), quantize=True)
    if kind is SettingError:
        hint = "Use a number"  # the toy's samples are of another rank
    assert hint in e.value.hint


def test_open_dimension_names_the_shape_of_the_samples(make_toy):
    model = make_toy(dataset=lambda subset: (np.zeros((6, 40, 4), np.float32), np.zeros(6, int)))
    model.load_dataset("training")
    keras_model = model_of(L.GlobalMaxPooling1D(), L.Dense(3), shape=(None, 4))
    with pytest.raises(SettingError) as e:
        check_before_training(model, keras_model, quantize=True)
    assert e.value.hint == "The samples have the shape (40, 4). Set my_model.input_shape = (40, 4)."
    check_before_training(model, keras_model, quantize=False)


def test_operator_that_only_the_host_runs_is_a_warning(make_toy, caplog):
    pytest.importorskip("tflite_micro")
    model = make_toy()
    model.load_dataset("training")
    check_before_training(model, model_of(L.Dense(4), L.Activation("gelu", name="smooth"), L.Dense(3)), quantize=True)
    assert "does not run operator GELU of layer 'smooth' (Activation)" in caplog.text
    assert "'relu' or 'silu'" in caplog.text


def test_settings_that_exclude_each_other_are_said(make_toy):
    model = make_toy()
    model.tflite_converter["representative_dataset"] = None
    model.load_dataset("training")
    with pytest.raises(QuantizationError, match="representative_dataset is not set") as e:
        check_before_training(model, model_of(L.Dense(3)), quantize=True)
    assert e.value.hint.endswith("Nothing has been trained yet.")


@pytest.mark.parametrize("settings", [{}, {"inference_input_type": np.int8, "representative_dataset": list}])
def test_known_layers_are_not_tried(make_toy, monkeypatch, settings):
    monkeypatch.setattr(check_convertible, "try_conversion", lambda *args: pytest.fail("tried"))
    model = make_toy()
    for key, value in settings.items():
        model.tflite_converter[key] = value
    model.load_dataset("training")
    layers = [L.Reshape((2, 2)), L.Conv1D(3, 1, activation="relu"), L.Bidirectional(L.GRU(3)), L.Dropout(0.1)]
    check_before_training(model, model_of(*layers, L.Dense(3, activation="softmax")), quantize=True)


def train(model, keras_model, **settings):
    model.build_model_function = lambda _: keras_model()
    model.epochs = 1
    return mltk.train_model(model, **settings)


def test_failed_quantization_keeps_what_was_trained(make_toy, monkeypatch):
    model = make_toy()
    monkeypatch.setattr("mltk.operations.train.check_before_training", lambda *args, **kwargs: None)
    with pytest.raises(QuantizationError, match=r"crashed while calibrating.*\(Scan\)") as e:
        train(model, lambda: model_of(L.Dense(4), Scan(), L.Dense(3)))
    assert f"The trained model is kept in {model.archive_path}." in e.value.hint
    assert "'mltk quantize toy'" in e.value.hint
    assert "'mltk train toy --resume'" in e.value.hint
    with pytest.raises(MltkError, match="toy is trained, but not quantized"):
        mltk.load_tflite_model(model)
    model.build_model_function = lambda _: model_of(L.Dense(4), L.Dense(3))  # the same weights
    results = mltk.train_model(model, resume=True)
    assert len(results.epochs) == 1
    assert mltk.load_tflite_model(model)


@pytest.mark.parametrize("layer", [lambda: L.Lambda(lambda x: x / 4.0), Times])
def test_layers_that_keras_refuses_to_load(make_toy, layer):
    model = make_toy()
    results = train(model, lambda: model_of(layer(), L.Dense(3)), quantize=False)
    loaded = mltk.load_tflite_or_keras_model(model)
    x = np.ones((2, 4), np.float32)
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), results.keras_model.predict(x, verbose=0))


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.scores = L.Dense(3, activation="softmax")

    def call(self, x):
        return self.scores(L.Concatenate()([x["a"], x["b"]]) if isinstance(x, dict) else x)


@pytest.mark.parametrize("two_inputs", [False, True])
@pytest.mark.parametrize("kind", ["arrays", "tf.data"])
def test_subclass_is_trained_and_quantized(make_toy, two_inputs, kind):
    import tensorflow as tf

    def load(subset):
        x = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
        y = x[:, :3].argmax(-1)
        samples = {"a": x[:, :2], "b": x[:, 2:]} if two_inputs else x
        return (samples, y) if kind == "arrays" else tf.data.Dataset.from_tensor_slices((samples, y)).batch(10)

    model = make_toy(dataset=load)
    results = train(model, Subclass)
    assert results.tflite_model.n_inputs == 1 + two_inputs
