"""The training step is traced once, and its results are those of plain Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from mltk.training.batch_stream import batch_stream
from mltk.training.first_step import create_variables

pytestmark = pytest.mark.tf

X = np.random.default_rng(0).normal(size=(24, 4)).astype(np.float32)
Y = np.arange(24) % 3


def build(loss: Any = "sparse_categorical_crossentropy", kind: Any = keras.Model) -> Any:
    keras.utils.set_random_seed(1)
    x = keras.Input((4,))
    hidden = keras.layers.Dense(6, activation="relu")(x)
    model = kind(
        x, [keras.layers.Dense(3, activation="softmax", name="a")(hidden), keras.layers.Dense(1, name="b")(hidden)]
    )
    model.compile("adam", [loss, "mse"], metrics=[["accuracy"], ["mae"]])
    return model


def history(model: Any, prepared: bool, weight: bool) -> dict[str, list[float]]:
    arrays = (X, (Y, X[:, :1]), np.linspace(0.5, 1, 24)) if weight else (X, (Y, X[:, :1]))
    data = batch_stream(arrays, 8, shuffle=True, seed=3)
    if prepared:
        create_variables(model, data)
    return dict(model.fit(data, steps_per_epoch=3, epochs=2, shuffle=False, verbose=0).history)


@pytest.mark.parametrize("weight", [False, True])
def test_the_history_is_that_of_plain_keras(weight: bool) -> None:
    assert history(build(), True, weight) == history(build(), False, weight)


def test_the_step_is_traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    traced = []
    update = keras.optimizers.Adam.update_step
    monkeypatch.setattr(keras.optimizers.Adam, "update_step", lambda *a, **k: (traced.append(1), update(*a, **k))[1])
    model = build()
    history(model, True, False)
    assert len(traced) == len(model.trainable_variables)


def test_a_training_step_of_ones_own_is_left_alone() -> None:
    class Own(keras.Model):
        def train_step(self, data: Any) -> Any:
            return super().train_step(data)

    model = build(kind=Own)
    create_variables(model, batch_stream((X, (Y, X[:, :1])), 8, shuffle=False, seed=0))
    assert not model.optimizer.built


def test_labels_that_do_not_fit_are_left_to_fit() -> None:
    model = build(loss="categorical_crossentropy")
    create_variables(model, batch_stream((X, (Y, X[:, :1])), 8, shuffle=False, seed=0))
    assert model.optimizer.built
