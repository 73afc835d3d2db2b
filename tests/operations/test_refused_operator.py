"""A model that TensorFlow Lite Micro refuses is trained, evaluated and compared all the same."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from mltk import check_parity, evaluate_model, train_model
from mltk.operations.results.training import report_training

pytestmark = [pytest.mark.tf, pytest.mark.usefixtures("needs_tflm")]
L = keras.layers


@keras.saving.register_keras_serializable("mltk tests")
class Root(keras.layers.Layer):
    """The square root of what is positive: TFLM has SQRT, and refuses it in int8 when it runs."""

    def call(self, x: Any) -> Any:
        return keras.ops.sqrt(keras.ops.relu(x) + 0.1)

    def compute_output_shape(self, shape: Any) -> Any:
        return shape


def refused(model: Any) -> Any:
    x = keras.Input(model.input_shape)
    return _compiled(model, x, L.Dense(3, activation="softmax")(Root()(L.Dense(8)(x))))


def crashing(model: Any) -> Any:
    """The output of SUB is always 0, so that its scale is tiny: TFLM aborts."""
    x = keras.Input(model.input_shape)
    return _compiled(model, x, L.Dense(3, activation="softmax")(L.Subtract()([x, x])))


def _compiled(model: Any, x: Any, y: Any) -> Any:
    net = keras.Model(x, y)
    net.compile(keras.optimizers.Adam(0.02), model.loss, metrics=model.metrics)
    return net


def test_the_figures_are_of_the_reference_kernels_with_a_note(make_toy, capfd):
    model = make_toy(epochs=4, build_model_function=refused)
    trained = train_model(model)
    assert trained.tflite_model is not None
    results = evaluate_model(model, tflite=True)
    assert "refused operator SQRT" in " ".join(report_training(trained, [results]).split())
    assert any("refused operator SQRT" in note for note in results["notes"])
    assert "reference kernels" in results["engine_description"]
    report = check_parity(model, n_samples=10)
    assert "SQRT" in report.to_dict()["engines"]["failures"]["tflm"]
    assert "micro/kernels" not in capfd.readouterr().err


def test_a_model_that_tflm_crashes_on_is_computed_by_the_reference_kernels(make_toy):
    model = make_toy(build_model_function=crashing)
    train_model(model)
    results = evaluate_model(model, tflite=True)
    assert "reference kernels" in results["engine_description"]
    assert any("SUB" in note and "crashed" in note for note in results["notes"]), results["notes"]
