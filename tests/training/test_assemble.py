"""The callbacks of a training run, and their order."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from mltk.errors import SettingError, TrainingError
from mltk.specification.events import MltkModelEvent
from mltk.training.assemble import BestWeights, Callbacks, MonitorCheck, assemble_callbacks
from mltk.training.callbacks import Checkpointer, HistoryRecorder
from mltk.training.progress import ProgressView

pytestmark = pytest.mark.tf
MakeToy = Callable[..., Any]


def assemble(model: Any, **changes: Any) -> Callbacks:
    arguments: dict[str, Any] = {"seed": 1, "epochs": 3, "first_epoch": 0, "checkpoint": None, "verbose": False}
    return assemble_callbacks(model, {"x": None, "steps_per_epoch": 4}, **{**arguments, **changes})


def test_the_schedule_of_the_learning_rate_may_be_a_function_alone(make_toy: MakeToy) -> None:
    scheduler = next(
        c
        for c in assemble(make_toy(lr_schedule=lambda epoch: 0.25)).all
        if isinstance(c, keras.callbacks.LearningRateScheduler)
    )
    assert scheduler.schedule(3) == 0.25


def kinds(callbacks: Callbacks) -> list[type]:
    return [type(c) for c in callbacks.all]


def test_the_built_in_callbacks_come_first_and_the_checkpointer_last(make_toy: MakeToy) -> None:
    own = keras.callbacks.TerminateOnNaN()
    model = make_toy(
        early_stopping={"monitor": "loss"},
        reduce_lr_on_plateau={"monitor": "loss"},
        lr_schedule={"schedule": lambda epoch, rate: rate},
        train_callbacks=[own],
    )
    assert kinds(assemble(model)) == [
        MonitorCheck,
        BestWeights,
        keras.callbacks.LearningRateScheduler,
        keras.callbacks.ReduceLROnPlateau,
        keras.callbacks.EarlyStopping,
        keras.callbacks.TerminateOnNaN,
        HistoryRecorder,
        Checkpointer,
    ]


def test_a_handler_of_the_event_can_add_callbacks(make_toy: MakeToy) -> None:
    model = make_toy()
    model.add_event_handler(
        MltkModelEvent.POPULATE_TRAIN_CALLBACKS,
        lambda m, logger, keras_callbacks: keras_callbacks.append(keras.callbacks.TerminateOnNaN()),
    )
    callbacks = assemble(model)
    assert keras.callbacks.TerminateOnNaN in kinds(callbacks)
    assert any(isinstance(c, keras.callbacks.TerminateOnNaN) for c in callbacks.checkpointer.others)


def test_progress_is_shown_unless_it_is_off(make_toy: MakeToy) -> None:
    assert assemble(make_toy()).progress is None
    shown = assemble(make_toy(), verbose=None).progress
    assert isinstance(shown, ProgressView)
    assert shown.steps == 4


def test_checkpoints_can_be_off(make_toy: MakeToy) -> None:
    assert assemble(make_toy(checkpoints_enabled=False)).checkpointer.folder is None
    folder = assemble(make_toy()).checkpointer.folder
    assert folder
    assert Path(folder).is_dir()


@pytest.mark.parametrize(
    ("settings", "message", "hint"),
    [
        ({"train_callbacks": ["early"]}, "train_callbacks: 'early' is not a Keras callback", ""),
        ({"early_stopping": {"mode": "least"}}, "early_stopping: mode 'least' is not one of auto, min, max", ""),
        ({"lr_schedule": {"verbose": 1}}, "lr_schedule: ", "keras.callbacks.LearningRateScheduler"),
    ],
)
def test_arguments_that_keras_refuses(make_toy: MakeToy, settings: dict[str, Any], message: str, hint: str) -> None:
    with pytest.raises(SettingError, match=message) as e:
        assemble(make_toy(**settings))
    assert hint in (e.value.hint or "")


def test_the_old_name_of_min_delta(make_toy: MakeToy) -> None:
    callbacks = assemble(make_toy(reduce_lr_on_plateau={"monitor": "loss", "epsilon": 0.25}))
    plateau = next(c for c in callbacks.all if isinstance(c, keras.callbacks.ReduceLROnPlateau))
    assert plateau.min_delta == 0.25


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({}, "weights-{epoch:03d}.weights.h5"),
        ({"save_weights_only": False}, "weights-{epoch:03d}.keras"),
        ({"filepath": "own/best.h5"}, "best.weights.h5"),
        ({"filepath": "own/best.weights.h5", "save_weights_only": False}, "best.keras"),
    ],
)
def test_the_file_of_the_best_weights(make_toy: MakeToy, options: dict[str, Any], name: str) -> None:
    model = make_toy(checkpoint={"monitor": "accuracy", **options})
    best = next(c for c in assemble(model).all if isinstance(c, BestWeights))
    assert Path(best.filepath).name == name


class Spy(BestWeights):
    """Notes the epochs whose weights Keras would save."""

    def __init__(self, **options: Any) -> None:
        super().__init__(filepath="unused.weights.h5", save_weights_only=True, save_best_only=True, **options)
        self.saved: list[int] = []

    def _save_model(self, epoch: int, batch: int | None, logs: dict[str, Any] | None) -> None:
        if self._should_save_model(epoch, batch, logs, self.filepath):
            self.saved.append(epoch)


@pytest.mark.parametrize(
    ("monitor", "epochs", "used", "saved"),
    [
        ("val_accuracy", [{"accuracy": 0.1}, {"accuracy": 0.3}, {"accuracy": 0.2}], "accuracy", [0, 1]),
        ("val_auc", [{"loss": 2.0}, {"loss": 1.0}, {"loss": 3.0}], "loss", [0, 1]),
        ("val_loss", [{"loss": 1.0}, {"loss": 1.0, "val_loss": 2.0}, {"loss": 1.0, "val_loss": 1.0}], "loss", [0]),
    ],
)
def test_best_weights_use_the_nearest_metric(
    monitor: str, epochs: list[dict[str, float]], used: str, saved: list[int]
) -> None:
    spy = Spy(monitor=monitor)
    spy.set_model(keras.Sequential())
    for epoch, logs in enumerate(epochs):
        spy.on_epoch_end(epoch, logs)
    assert (spy.monitor, spy.saved) == (used, saved)


def test_a_monitored_metric_that_does_not_exist(make_toy: MakeToy) -> None:
    check = MonitorCheck(make_toy(early_stopping={"monitor": "val_acuracy"}, validation_freq=2))
    check.on_epoch_end(0, {"loss": 1.0})  # an epoch without validation
    with pytest.raises(TrainingError, match="early_stopping monitors 'val_acuracy'") as e:
        check.on_epoch_end(1, {"loss": 1.0, "val_accuracy": 0.5})
    assert "val_accuracy" in (e.value.hint or "")


def test_a_metric_that_exists_is_checked_once(make_toy: MakeToy) -> None:
    check = MonitorCheck(make_toy(early_stopping={"monitor": "loss"}))
    check.on_epoch_end(0, {"loss": 1.0})
    check.on_epoch_end(1, {})
    assert check.monitors == {}


def test_closing_waits_for_the_checkpoint(make_toy: MakeToy) -> None:
    model = make_toy(epochs=1)
    callbacks = assemble(model, epochs=1)
    network = model.build_model_function(model)
    network.fit(np.zeros((4, 4)), np.zeros(4), epochs=1, verbose=0, callbacks=callbacks.all)
    callbacks.close()
    assert [p.name for p in Path(model.checkpoints_dir).iterdir()] == ["checkpoint-0001.npz"]


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        (lambda epoch: 0.5 / (epoch + 1), [0.5, 0.25]),
        (lambda epoch, rate: rate / 2, [0.005, 0.0025]),
        (keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.3, 0.1]), [0.3, 0.1]),
        ({"schedule": lambda epoch, rate: 0.125, "verbose": 0}, [0.125, 0.125]),
    ],
)
def test_a_schedule_may_be_a_function(make_toy: MakeToy, schedule: Any, rates: list[float]) -> None:
    """MLTK 0.20 accepts these forms, and stores them as a dict."""
    model = make_toy(epochs=2)
    model.lr_schedule = schedule
    assert set(model.lr_schedule) == {"schedule", "verbose"}
    network = model.build_model_function(model)
    network.optimizer.learning_rate = 0.01
    callbacks = assemble(model, epochs=2)
    network.fit(np.zeros((4, 4)), np.zeros(4), epochs=2, verbose=0, callbacks=callbacks.all)
    callbacks.close()
    np.testing.assert_allclose(callbacks.recorder.history["learning_rate"], rates, rtol=1e-6)


def test_a_schedule_that_is_no_function_is_an_error(make_toy: MakeToy) -> None:
    model = make_toy()
    with pytest.raises(SettingError, match="lr_schedule: expected"):
        model.lr_schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1)
    with pytest.raises(SettingError, match="lr_schedule"):
        model.lr_schedule = 0.1


def test_metrics_and_callbacks_may_be_tuples(make_toy: MakeToy) -> None:
    """MLTK 0.20 accepts tuples, and no metrics."""
    model = make_toy(train_callbacks=(keras.callbacks.TerminateOnNaN(),))
    assert keras.callbacks.TerminateOnNaN in kinds(assemble(model))
    model.metrics = ("accuracy",)
    model.metrics = None
    model.build_model_function(model)
