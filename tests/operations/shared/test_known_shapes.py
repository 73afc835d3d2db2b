"""A tf.data pipeline of Python functions trains, although it does not know its shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mltk
from helpers import toy

pytestmark = pytest.mark.tf


def test_samples_of_a_python_function_train_and_evaluate(make_toy: Any) -> None:
    import tensorflow as tf

    x, y = toy.clouds(30)[:2]

    def dataset(subset: str) -> Any:
        made = tf.data.Dataset.from_tensor_slices((x, y)).batch(10)
        return made.map(lambda a, b: (tf.numpy_function(lambda v: v, [a], tf.float32), b))

    assert dataset("training").element_spec[0].shape.rank is None
    model = make_toy(dataset=dataset, epochs=1)
    mltk.train_model(model, quantize=False)
    assert model.x is None or model.x.element_spec[0].shape[1:] == (toy.FEATURES,)
    assert np.isfinite(mltk.evaluate_model(model)["overall_accuracy"])


def test_a_student_of_a_teacher_gets_the_shape_of_the_specification(make_toy: Any) -> None:
    import keras
    import tensorflow as tf

    from mltk.training.distillation import KnowledgeDistillationModel

    x, y = toy.clouds(30)[:2]

    def dataset(subset: str) -> Any:
        made = tf.data.Dataset.from_tensor_slices((x, keras.utils.to_categorical(y, 3))).batch(10)
        return made.map(lambda a, b: (tf.numpy_function(lambda v: v, [a], tf.float32), b))

    def build(spec: Any) -> Any:
        parts = [
            keras.Sequential([keras.layers.Input((toy.FEATURES,)), keras.layers.Dense(n), keras.layers.Dense(3)])
            for n in (2, 4)
        ]
        distiller = KnowledgeDistillationModel(student=parts[0], teacher=parts[1])
        losses = keras.losses.CategoricalCrossentropy(from_logits=True), keras.losses.KLDivergence()
        distiller.compile("adam", ["accuracy"], student_loss_fn=losses[0], distillation_loss_fn=losses[1])
        return distiller

    model = make_toy(dataset=dataset, epochs=1, build_model_function=build, input_shape=(toy.FEATURES,))
    model.on_save_keras_model = lambda spec, distiller, logger: distiller.student
    results = mltk.train_model(model, quantize=False)
    assert np.isfinite(results.history["loss"]).all()
