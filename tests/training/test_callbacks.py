"""Callbacks that a specification may ask for."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import mltk
from helpers import toy
from mltk.training.callbacks import StochasticWeightAveraging

pytestmark = pytest.mark.tf


class Keep(keras.callbacks.Callback):
    """The weights after each epoch."""

    def on_train_begin(self, logs=None):
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def with_batch_normalization(model):
    layers = keras.layers
    keras_model = keras.Sequential(
        [keras.Input(model.input_shape), layers.Dense(8), layers.BatchNormalization(), layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    keras_model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    return keras_model


@pytest.mark.parametrize(("from_epoch", "averaged"), [(0, 5), (3, 2), (4, 1), (9, 0)])
def test_the_trained_weights_are_the_mean_of_the_last_epochs(make_toy, from_epoch, averaged):
    keep = Keep()
    model = make_toy(
        "averaged",
        epochs=5,
        dataset=toy.load,
        build_model_function=with_batch_normalization,
        train_callbacks=[StochasticWeightAveraging(from_epoch), keep],
    )
    results = mltk.train_model(model, quantize=False, create_archive=False, verbose=False)
    trained = results.keras_model.get_weights()
    saved = keras.models.load_model(model.keras_log_dir_path).get_weights()
    chosen = keep.weights[from_epoch:] or keep.weights[-1:]
    assert len(chosen) == max(1, averaged)
    for i, (now, kept) in enumerate(zip(trained, saved, strict=True)):
        np.testing.assert_allclose(now, np.mean([w[i] for w in chosen], axis=0), rtol=1e-5, atol=1e-7)
        np.testing.assert_array_equal(now, kept)


def test_an_impossible_epoch_is_an_error():
    with pytest.raises(ValueError, match="from_epoch is -1"):
        StochasticWeightAveraging(-1)
