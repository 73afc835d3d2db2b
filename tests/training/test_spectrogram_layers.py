"""Layers that vary spectrograms in training only."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from mltk.training.spectrogram_layers import RandomChannelResponse, SpecAugment

LAYERS = [RandomChannelResponse(seed=1), SpecAugment(seed=1)]
X = np.random.default_rng(0).integers(-100, 100, (16, 20, 12, 1)).astype(np.float32)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_nothing_happens_outside_training(layer: keras.Layer) -> None:
    np.testing.assert_array_equal(layer(X), X)
    np.testing.assert_array_equal(layer(X, training=False), X)


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_each_sample_and_call_is_another(layer: keras.Layer) -> None:
    same = np.repeat(X[:1], 16, axis=0)
    once, again = np.asarray(layer(same, training=True)), np.asarray(layer(same, training=True))
    assert len(np.unique(once.reshape(16, -1), axis=0)) > 10
    assert (once != again).any()


@pytest.mark.parametrize("layer", LAYERS, ids=lambda layer: type(layer).__name__)
def test_with_and_without_the_last_axis(layer: keras.Layer) -> None:
    assert layer(X, training=True).shape == X.shape
    assert layer(X[..., 0], training=True).shape == X.shape[:3]


def test_a_response_is_the_same_in_all_frames_and_smooth() -> None:
    change = np.asarray(RandomChannelResponse((2.0, 4.0), minimum=-1e6, maximum=1e6, seed=3)(X, training=True)) - X
    np.testing.assert_allclose(change, np.broadcast_to(change[:, :1], change.shape), atol=1e-4)
    curve = change[:, 0, :, 0]
    assert 1 < curve.std() < 8
    assert np.abs(np.diff(curve, 2)).max() < 0.2 * np.abs(curve).max()


def test_a_response_stays_in_the_range_of_the_features() -> None:
    varied = np.asarray(RandomChannelResponse((100.0,), seed=3)(X, training=True))
    assert (varied.min(), varied.max()) == (-128, 127)


def test_one_stretch_and_one_band_are_blanked() -> None:
    many = np.zeros((500, 20, 12, 1), np.float32)
    blank = np.asarray(SpecAugment(5, 3, value=7, seed=1)(many, training=True))[..., 0] == 7
    frames, channels = blank.all(axis=2).sum(axis=1), blank.all(axis=1).sum(axis=1)
    assert set(frames) == set(range(6))
    assert set(channels) == set(range(4))
    rows = blank.all(axis=2).astype(int)
    assert (np.abs(np.diff(rows, axis=1, prepend=0, append=0)).sum(axis=1) <= 2).all(), "more than one stretch"
    assert rows[:, 0].any()
    assert rows[:, -1].any()


def test_a_saved_model_has_them(tmp_path) -> None:
    inputs = keras.Input((20, 12, 1))
    x = SpecAugment(4, 2, -5, seed=9)(RandomChannelResponse((1.0, 2.0), seed=8)(inputs))
    model = keras.Model(inputs, keras.layers.Flatten()(x))
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert [layer.get_config() for layer in loaded.layers] == [layer.get_config() for layer in model.layers]
    np.testing.assert_array_equal(loaded.predict_on_batch(X), model.predict_on_batch(X))
