"""The examples with real data that installs offline: each is trained for a few epochs, quantized and evaluated.

The bounds are far below the figures in docs/guides/signals.md, which come from the full training. They are far above
what a model reaches by chance.
"""

from __future__ import annotations

import importlib.util
import os
from typing import Any

import numpy as np
import pytest

import mltk
from mltk.errors import ArchiveError

pytestmark = [pytest.mark.tf, pytest.mark.usefixtures("fresh_user_dir")]
needs_seglearn = pytest.mark.skipif(importlib.util.find_spec("seglearn") is None, reason="seglearn is not installed")


def train_and_evaluate(name: str, epochs: int) -> tuple[Any, Any, Any]:
    """Return the specification and its evaluations as Keras model and as .tflite."""
    model: Any = mltk.load_mltk_model(name)
    model.epochs = epochs
    mltk.train_model(model, verbose=False)
    results = [mltk.evaluate_model(model, tflite=tflite, dump=tflite) for tflite in (False, True)]
    tflite = mltk.load_tflite_model(model)
    assert {t.dtype.__name__ for t in (*tflite.inputs, *tflite.outputs)} == {"int8"}
    assert "TFLM" in results[1]["engine_description"] or "TensorFlow Lite Micro" in results[1]["engine_description"]
    return model, *results


@needs_seglearn
def test_watch_exercises_are_told_apart_on_people_not_in_the_training() -> None:
    model, keras_results, device_results = train_and_evaluate("watch_exercises", epochs=3)
    assert keras_results["overall_accuracy"] > 0.7
    assert device_results["overall_accuracy"] == pytest.approx(keras_results["overall_accuracy"], abs=0.03)
    training, evaluation = (set(np.unique(module_of(model).windows_of(s).groups)) for s in ("training", "evaluation"))
    assert len(training) == 7
    assert len(evaluation) == 3
    assert not training & evaluation


@needs_seglearn
def test_watch_anomaly_detects_other_exercises() -> None:
    model, keras_results, device_results = train_and_evaluate("watch_anomaly", epochs=4)
    assert keras_results["overall_roc_auc"] > 0.93
    assert device_results["overall_roc_auc"] == pytest.approx(keras_results["overall_roc_auc"], abs=0.01)
    assert set(device_results["class_stats"]) == set(model.eval_classes[1:])
    x, _ = model.dataset("evaluation")
    assert device_results["n_samples"] == len(x)
    assert device_results["overall_best_threshold"] > 0
    dumped = os.path.join(model.log_dir, "eval", "tflite", "dump")
    assert set(os.listdir(dumped)) == set(model.eval_classes)


def test_a_contrastive_model_trains_and_a_model_starts_from_its_archive() -> None:
    import keras

    with pytest.raises(ArchiveError, match="digits_contrastive has not been trained"):
        mltk.train_model("digits_transfer", verbose=False)
    base, keras_results, device_results = train_and_evaluate("digits_contrastive", epochs=4)
    assert min(keras_results["roc_auc"]) > 0.93
    assert device_results["roc_auc"][1] == pytest.approx(keras_results["roc_auc"][1], abs=0.02)
    model, keras_results, device_results = train_and_evaluate("digits_transfer", epochs=30)
    assert keras_results["overall_accuracy"] > 0.8
    assert device_results["overall_accuracy"] == pytest.approx(keras_results["overall_accuracy"], abs=0.03)
    encoder = mltk.load_tflite_or_keras_model(base).get_layer("encoder")
    trained = mltk.load_tflite_or_keras_model(model)
    frozen = [layer for layer in trained.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(frozen) == 2
    for layer in frozen:
        for a, b in zip(layer.get_weights(), encoder.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_siamese_contrastive_learns_which_digits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the digits of scikit-learn in place of MNIST, three times as large and with a margin of two pixels."""
    from sklearn.datasets import load_digits

    from mltk.datasets.image import mnist

    images, labels = load_digits(return_X_y=True)
    images = np.kron(images.reshape(-1, 8, 8) * 15.9, np.ones((3, 3)))
    images = np.pad(images, ((0, 0), (2, 2), (2, 2))).astype(np.uint8)
    parts = (images[:1400], labels[:1400]), (images[1400:], labels[1400:])
    monkeypatch.setattr(mnist, "load_data", lambda: parts)
    _, keras_results, device_results = train_and_evaluate("siamese_contrastive", epochs=3)
    assert keras_results["same_digit"] > 0.8
    assert device_results["same_digit"] == pytest.approx(keras_results["same_digit"], abs=0.03)


def module_of(model: Any) -> Any:
    """Return the functions of a specification's script."""
    from types import SimpleNamespace

    return SimpleNamespace(**model.dataset.__globals__)
