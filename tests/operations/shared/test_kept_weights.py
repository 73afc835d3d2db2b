"""The trained model has the weights that the specification asks for, and the output says which."""

from __future__ import annotations

import json
import zipfile
from typing import Any

import keras
import numpy as np
import pytest

import mltk
from mltk.errors import SettingError
from mltk.operations.results.training import TrainingResults
from mltk.specification.events import MltkModelEvent
from mltk.specification.weights import checkpoint_path
from mltk.training.checkpoints import Checkpoint

pytestmark = pytest.mark.tf
VALUES = [0.5, 0.9, 0.7, 0.6, 0.8]


class Reported(keras.callbacks.Callback):
    """Reports chosen values of the validation accuracy, one for each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        assert logs is not None
        logs["val_accuracy"] = logs["accuracy"] = VALUES[epoch]


def with_values(model: Any) -> Any:
    model.add_event_handler(
        MltkModelEvent.POPULATE_TRAIN_CALLBACKS,
        lambda m, logger, keras_callbacks: keras_callbacks.insert(0, Reported()),
    )
    return model


def train(model: Any, **kwargs: Any) -> TrainingResults:
    return mltk.train_model(with_values(model), verbose=False, quantize=False, **kwargs)


def weights_after(model: Any, epoch: int) -> list[np.ndarray]:
    """The variables of the model after an epoch, from its checkpoint."""
    return Checkpoint.load(checkpoint_path(model.checkpoints_dir, epoch)).variables["model"]


def archived(model: Any) -> list[np.ndarray]:
    return keras.saving.load_model(model.get_archive_file(".keras"), compile=False).get_weights()


def assert_has_weights_of(model: Any, epoch: int) -> None:
    expected = weights_after(model, epoch)
    for variable in archived(model):
        assert any(v.shape == variable.shape and np.array_equal(v, variable) for v in expected)


@pytest.mark.parametrize(
    ("keep", "epoch", "text"),
    [
        (None, 5, "of epoch 5, the last; epoch 2 has the best val_accuracy (0.9)"),
        ("last", 5, "of epoch 5, the last; epoch 2 has the best val_accuracy (0.9)"),
        ("best", 2, "of epoch 2, the best by val_accuracy"),
    ],
)
def test_the_archive_has_the_weights_that_the_setting_names(
    make_toy: Any, keep: str | None, epoch: int, text: str
) -> None:
    model = make_toy(epochs=5)
    if keep:
        model.checkpoint["keep"] = keep
    results = train(model)
    assert (results.weights_epoch, results.weights) == (epoch, text)
    assert_has_weights_of(model, epoch)
    assert text in " ".join(results.to_text().split())
    assert results.to_dict()["weights"] == {"epoch": epoch, "description": text}
    with zipfile.ZipFile(model.archive_path) as archive:
        assert json.loads(archive.read("manifest.json"))["weights"]["epoch"] == epoch
    with open(f"{model.log_dir}/train/log.txt") as log:
        assert f"Weights: {text}." in log.read()


@pytest.mark.parametrize("stopped_after", [1, 2, 4])
def test_the_best_epoch_may_be_one_of_an_earlier_run(make_toy: Any, stopped_after: int) -> None:
    whole = make_toy("whole", epochs=5)
    whole.checkpoint["keep"] = "best"
    train(whole)
    model = make_toy(epochs=stopped_after)
    model.checkpoint["keep"] = "best"
    train(model)
    model = make_toy(epochs=5)
    model.checkpoint["keep"] = "best"
    results = train(model, resume=True)
    assert results.weights_epoch == 2
    for ours, theirs in zip(archived(model), archived(whole), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_best_weights_come_from_their_file_without_checkpoints(make_toy: Any) -> None:
    reference = make_toy("reference", epochs=5)
    train(reference)
    model = make_toy(epochs=5, checkpoints_enabled=False)
    model.checkpoint["keep"] = "best"
    assert train(model).weights_epoch == 2
    expected = weights_after(reference, 2)
    for variable in archived(model):
        assert any(v.shape == variable.shape and np.array_equal(v, variable) for v in expected)


def test_lost_weights_do_not_lose_the_training(make_toy: Any, caplog: pytest.LogCaptureFixture) -> None:
    model = make_toy(epochs=5, checkpoints_enabled=False)
    model.checkpoint.update(keep="best", initial_value_threshold=0.95)
    results = train(model)
    assert results.weights_epoch == 5
    assert "the weights of epoch 2, the best by val_accuracy, were not found" in caplog.text


def test_weights_that_early_stopping_restored_are_named(make_toy: Any) -> None:
    model = make_toy(epochs=5)
    model.early_stopping = {"monitor": "accuracy", "patience": 2, "mode": "max", "restore_best_weights": True}
    results = train(model)
    assert len(results.epochs) == 4
    assert results.weights == "of epoch 2, which early_stopping restored, the best by val_accuracy"
    assert_has_weights_of(model, 2)


def test_averaged_weights_are_named(make_toy: Any) -> None:
    from mltk.training.callbacks import StochasticWeightAveraging

    results = train(make_toy(epochs=4, train_callbacks=[StochasticWeightAveraging(from_epoch=2)]))
    assert results.weights_epoch is None
    assert results.weights == "averaged over 2 epochs; epoch 2 has the best val_accuracy (0.9)"


def test_another_value_of_keep_is_an_error(make_toy: Any) -> None:
    model = make_toy(epochs=1)
    with pytest.raises(SettingError, match="keep is 'first'; it must be 'last' or 'best'"):
        model.checkpoint = {"keep": "first"}
    model.checkpoint["keep"] = "frist"
    with pytest.raises(SettingError, match="keep is 'frist'; it must be 'last' or 'best'"):
        train(model)


def test_the_best_weights_need_to_be_saved(make_toy: Any) -> None:
    model = make_toy(epochs=1, checkpoints_enabled=False)
    model.checkpoint.update(keep="best", filepath="own/best.weights.h5")
    with pytest.raises(SettingError, match="keep is 'best', but the weights of each epoch are not saved"):
        train(model)


@pytest.mark.parametrize(
    ("history", "freq", "expected"),
    [
        ({"loss": [1.0, 2.0, 3.0, 4.0], "val_accuracy": [0.5, 0.9]}, 2, ("val_accuracy", 0.9, 4)),
        ({"loss": [3.0, 1.0, 1.0]}, 1, ("loss", 1.0, 2)),
        ({"val_accuracy": [float("nan"), 0.2, 0.1]}, 1, ("val_accuracy", 0.2, 2)),
    ],
)
def test_the_best_epoch_of_a_history(
    make_toy: Any, history: dict[str, list[float]], freq: int, expected: tuple[str, float, int]
) -> None:
    assert TrainingResults(make_toy(validation_freq=freq), None, history).best() == expected
