"""The argument names that are checked before TensorFlow is imported, held against the installed versions."""

from __future__ import annotations

import inspect

import pytest

from mltk.specification.train_settings import CALLBACK_KEYS, CONVERTER_DEFAULTS, CONVERTER_KEYS
from mltk.specification.weights import higher_is_better

OURS = {
    # What is handled by this package rather than handed to TFLiteConverter.
    "enabled",
    "supported_ops",
    "supported_types",
    "representative_dataset_max_samples",
    "generate_unquantized",
    "generate_quantization_report",
}


def test_the_converter_defaults_are_keys() -> None:
    assert set(CONVERTER_DEFAULTS) <= CONVERTER_KEYS


@pytest.mark.tf
@pytest.mark.parametrize(
    ("name", "callback"),
    [
        ("tensorboard", "TensorBoard"),
        ("checkpoint", "ModelCheckpoint"),
        ("reduce_lr_on_plateau", "ReduceLROnPlateau"),
        ("lr_schedule", "LearningRateScheduler"),
        ("early_stopping", "EarlyStopping"),
    ],
)
def test_callback_keys_are_what_the_callback_takes(name: str, callback: str) -> None:
    import keras

    parameters = inspect.signature(getattr(keras.callbacks, callback).__init__).parameters.values()
    taken = {p.name for p in parameters if p.name != "self" and p.kind is not p.VAR_KEYWORD}
    # `keep` is ours. `epsilon`, `options` and `write_steps_per_second` are of older Keras: 0.20 scripts name them.
    assert CALLBACK_KEYS[name] - taken <= {"epsilon", "keep", "options", "write_steps_per_second"}
    assert taken - CALLBACK_KEYS[name] == set()


@pytest.mark.tf
def test_converter_keys_are_attributes_of_the_converter() -> None:
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    attributes = set(vars(converter)) | set(dir(type(converter)))
    assert CONVERTER_KEYS - OURS - attributes == set()
    bookkeeping = {"model_origin_framework", "saved_model_dir"}
    assert {n for n in vars(converter) if not n.startswith("_")} - bookkeeping - CONVERTER_KEYS == set()


@pytest.mark.tf
def test_direction_of_metrics_is_that_of_keras() -> None:
    import keras

    checked = 0
    for name, metric in vars(keras.metrics).items():
        if not (isinstance(metric, type) and issubclass(metric, keras.metrics.Metric)):
            continue
        try:
            instance = metric()
        except (TypeError, ValueError):
            continue
        direction = getattr(instance, "_direction", None)
        if direction:
            assert higher_is_better(instance.name) is (direction == "up"), name
            checked += 1
    assert checked > 20
