"""Training: every kind of dataset, every hook, every setting that changes what is learned."""

from __future__ import annotations

import importlib.util
import json
import logging
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import mltk
from helpers import toy
from mltk.errors import DatasetError, MissingDependencyError, SettingError, SpecificationError, TrainingError
from mltk.operations.results import plots
from mltk.specification.events import MltkModelEvent

pytestmark = pytest.mark.tf


@pytest.fixture(autouse=True)
def _no_plot(request, monkeypatch):
    """Plots take longer than these trainings."""
    if "plots" not in request.keywords and "plot" not in request.node.name:
        monkeypatch.setattr(plots, "plot_training_history", lambda results, path, show=False: Path(path).touch())


def fit(model, **kwargs):
    """Train without what comes after it."""
    kwargs = {"quantize": False, "create_archive": False, "verbose": False, **kwargs}
    return mltk.train_model(model, **kwargs)


class Batches(keras.utils.PyDataset):
    def __init__(self, n=90, size=30):
        super().__init__()
        self.x, self.y = toy.clouds(n)
        self.size = size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, i):
        part = slice(i * self.size, (i + 1) * self.size)
        return self.x[part], self.y[part]


def as_tf_dataset(subset):
    return tf.data.Dataset.from_tensor_slices(toy.load(subset)).shuffle(90).batch(30)


def as_generator():
    x, y = toy.clouds()
    while True:
        for i in range(0, 90, 30):
            yield x[i : i + 30], y[i : i + 30]


class OwnDataset(mltk.MltkDataset):
    def load_dataset(self, subset, test=False, **kwargs):
        self.class_counts = {"red": 1, "green": 2, "blue": 3}
        return toy.load(subset)


def load_data_module():
    module = types.ModuleType("points")
    module.__dict__["load_data"] = lambda: (toy.load("training"), toy.load("evaluation"))
    return module


DATASETS: dict[str, Callable[[], Any]] = {
    "arrays": toy.clouds,
    "function of subset": lambda: toy.load,
    "function giving tf.data.Dataset": lambda: as_tf_dataset,
    "tf.data.Dataset": lambda: as_tf_dataset("training"),
    "PyDataset": Batches,
    "generator object": as_generator,
    "generator function": lambda: lambda: as_generator(),
    "module with load_data": load_data_module,
    "MltkDataset": OwnDataset,
}


@pytest.mark.parametrize("kind", DATASETS)
def test_any_dataset_trains(make_toy, kind):
    model = make_toy(dataset=DATASETS[kind](), epochs=4)
    if "generator" in kind:
        model.steps_per_epoch = 3
    results = fit(model)
    assert len(results.history["loss"]) == 4
    assert results.history["loss"][-1] < results.history["loss"][0]
    assert ("val_loss" in results.history) == (kind == "module with load_data")
    assert model.x is None, "the dataset is let go of afterwards"


def test_iterable_ends_an_epoch(make_toy):
    """An iterable that can be iterated again needs no steps_per_epoch."""
    x, y = toy.clouds()

    class Halves:
        def __iter__(self):
            yield x[:45], y[:45]
            yield x[45:], y[45:]

    class Steps(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            steps.append(0)

        def on_train_batch_end(self, batch, logs=None):
            steps[-1] += 1

    steps = []
    model = make_toy(dataset=lambda: None, epochs=3, train_callbacks=[Steps()])
    model.x = Halves()
    results = fit(model)
    assert steps == [2, 2, 2]
    assert results.history["loss"][-1] < results.history["loss"][0]
    with pytest.raises(DatasetError):
        fit(make_toy("other", dataset=lambda: iter([])))


def test_validation_split_keeps_the_last_samples(make_toy):
    seen = []
    model = make_toy(validation_split=0.2, batch_size=32)
    model.add_event_handler(MltkModelEvent.BEFORE_TRAIN, lambda m, logger, fit_kwargs: seen.append(fit_kwargs))
    results = fit(model)
    assert "val_accuracy" in results.history
    x, y = toy.load("training")
    validation = [(np.asarray(a), np.asarray(b)) for a, b in seen[0]["validation_data"]]
    np.testing.assert_array_equal(np.concatenate([a for a, _ in validation]), x[72:])
    np.testing.assert_array_equal(np.concatenate([b for _, b in validation]), y[72:])
    assert seen[0]["steps_per_epoch"] == 3


@pytest.mark.filterwarnings("ignore:.*looks like it has unbuilt state")
def test_each_sample_once_an_epoch(make_toy):
    """Also the last, smaller batch is trained with."""
    seen = []

    class Spy(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = keras.layers.Dense(3, activation="softmax")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            seen.append(data[0].numpy())
            return super().train_step(data)

    def build(model):
        m = Spy()
        m.compile("sgd", model.loss, run_eagerly=True)
        return m

    x, y = toy.clouds(50)
    fit(make_toy(dataset=(x, y), build_model_function=build, batch_size=16))
    assert [len(b) for b in seen] == [16, 16, 16, 2] * 2
    for epoch in (seen[:4], seen[4:]):
        order = np.concatenate(epoch)
        np.testing.assert_array_equal(np.sort(order, axis=0), np.sort(x, axis=0))
        assert not np.array_equal(order, x), "shuffled"
    assert not np.array_equal(np.concatenate(seen[:4]), np.concatenate(seen[4:])), "anew each epoch"


def test_class_weights(make_toy):
    seen = []

    def catch(model, logger, fit_kwargs):
        seen.append(fit_kwargs.get("class_weight"))

    y = np.array([0] * 60 + [1] * 20 + [2] * 10)
    for weights in ({"red": 1, "blue": 4.0}, [1, 2, 3], "balanced", {0: 1.0, 1: 0.5, 2: 0.5}):
        model = make_toy(dataset=(toy.clouds()[0], y), class_weights=weights, epochs=1)
        model.add_event_handler(MltkModelEvent.BEFORE_TRAIN, catch)
        fit(model)
    assert seen[0] == {0: 1.0, 2: 4.0}
    assert seen[1] == {0: 1.0, 1: 2.0, 2: 3.0}
    assert seen[2] == pytest.approx({0: 90 / 180, 1: 90 / 60, 2: 90 / 30})
    with pytest.raises(SettingError, match=r"no class 'bleu'") as e:
        fit(make_toy(class_weights={"bleu": 1}))
    assert "'blue'" in str(e.value)


def test_sample_weight_reaches_the_loss(make_toy):
    x, y = toy.clouds()
    model = make_toy(dataset=None, epochs=1)
    model.x, model.y, model.sample_weight = x, y, np.zeros(90)
    assert fit(model).history["loss"] == [0.0]


def test_callback_settings(make_toy, fresh_user_dir):
    model = make_toy(
        epochs=6,
        validation_split=0.2,
        lr_schedule={"schedule": lambda epoch, lr: 0.1 / (epoch + 1)},
        early_stopping={"monitor": "loss", "patience": 1, "min_delta": 10.0},
        reduce_lr_on_plateau={"monitor": "val_loss", "epsilon": 0.001},
    )
    results = fit(model)
    folder = fresh_user_dir / "models/toy/train"
    assert len(results.epochs) == 2, "nothing gets better by 10, so it stops after the patience of 1"
    assert results.history["learning_rate"] == pytest.approx([0.1, 0.05])
    assert list((folder / "weights").glob("weights-001-*.weights.h5"))
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["checkpoint-0001.npz", "checkpoint-0002.npz"]


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("early_stopping", {"monitor": "val_loss"}, "early_stopping monitors 'val_loss', which is not among"),
        ("reduce_lr_on_plateau", {"monitor": "acuracy"}, "reduce_lr_on_plateau monitors 'acuracy'"),
        ("reduce_lr_on_plateau", {"factor": 2.0}, "does not support a factor >= 1.0"),
        ("early_stopping", {"patience": 1, "monitor": "loss", "mode": "up"}, "mode"),
    ],
)
def test_callback_settings_that_can_not_work(make_toy, setting, value, message):
    with pytest.raises((TrainingError, SettingError), match=message):
        fit(make_toy(**{setting: value}))


def test_train_callbacks_and_kwargs(make_toy, caplog):
    lines = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: lines.append(epoch))
    fit(make_toy(train_callbacks=[callback], train_kwargs={"workers": 4}))
    assert lines == [0, 1]
    with pytest.raises(SettingError, match="no argument 'epoch'") as e:
        fit(make_toy(train_kwargs={"epoch": 4}))
    assert "'epochs'" in str(e.value)
    with pytest.raises(SettingError, match="'epochs' is set by the specification"):
        fit(make_toy(train_kwargs={"epochs": 4}))
    with pytest.raises(SettingError, match="not a Keras callback"):
        fit(make_toy(train_callbacks=["early"]))


def test_events_come_in_order_and_change_things(make_toy, tmp_path):
    model = make_toy(epochs=1)
    seen = []
    for event in MltkModelEvent:
        model.add_event_handler(event, lambda m, logger, event=event, **kw: seen.append(event.value))
    other = toy.build(model)
    model.add_event_handler(
        MltkModelEvent.AFTER_BUILD_TRAIN_MODEL,
        lambda m, logger, keras_model, keras_model_holder: keras_model_holder.update(value=other),
    )
    stopped = []
    model.add_event_handler(
        MltkModelEvent.POPULATE_TRAIN_CALLBACKS,
        lambda m, logger, keras_callbacks: keras_callbacks.append(
            keras.callbacks.LambdaCallback(on_train_end=lambda logs: stopped.append(1))
        ),
    )
    results = mltk.train_model(model, verbose=False)
    assert results.keras_model is other
    assert stopped == [1]
    assert seen == [
        "before_model_load",
        "train_startup",
        "before_load_dataset",
        "after_load_dataset",
        "before_build_train_model",
        "after_build_train_model",
        "populate_train_callbacks",
        "before_train",
        "after_train",
        "before_save_train_model",
        "after_save_train_model",
        "before_save_train_results",
        "after_save_train_results",
        "before_save_train_archive",
        "quantize_startup",
        "before_quantize",
        "before_quantize",
        "after_quantize",
        "after_save_train_archive",
        "train_shutdown",
        "before_unload_dataset",
        "after_unload_dataset",
    ]


def test_failing_handler_is_logged_and_training_goes_on(make_toy, caplog):
    def fail(model, logger, **kwargs):
        raise ValueError("no such luck")

    model = make_toy(epochs=1)
    model.add_event_handler(MltkModelEvent.BEFORE_TRAIN, fail)
    with caplog.at_level(logging.WARNING, "mltk"):
        logging.getLogger("mltk").propagate = True
        fit(model)
    assert "handler of event before_train failed: no such luck" in caplog.text


def test_on_save_keras_model_and_on_training_complete(make_toy):
    given = []

    def strip(mltk_model, keras_model, logger):
        return keras.Model(keras_model.inputs, keras_model.layers[0].output)

    model = make_toy(epochs=1, on_save_keras_model=strip, on_training_complete=given.append)
    results = fit(model)
    assert given == [results]
    assert keras.saving.load_model(model.keras_log_dir_path).output_shape == (None, 8)


def test_failing_hook_says_where(make_toy):
    def on_done(results):
        return 1 / 0

    with pytest.raises(SpecificationError, match=r"on_training_complete failed: ZeroDivisionError") as e:
        fit(make_toy(epochs=1, on_training_complete=on_done))
    assert "return 1 / 0" in str(e.value)


def test_seed_makes_two_runs_equal(make_toy, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    runs = []
    for _ in range(2):
        results = mltk.train_model(make_toy(), verbose=False, clean=True)
        runs.append((results.keras_model.get_weights(), Path(results.mltk_model.tflite_log_dir_path).read_bytes()))
    assert all(np.array_equal(a, b) for a, b in zip(runs[0][0], runs[1][0], strict=True))
    assert runs[0][1] == runs[1][1]
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    other = fit(make_toy(seed=4), clean=True).keras_model.get_weights()
    assert not all(np.array_equal(a, b) for a, b in zip(runs[0][0], other, strict=True))


def test_without_a_seed_one_is_drawn_and_recorded(make_toy, fresh_user_dir):
    first = fit(make_toy(seed=None))
    again = fit(make_toy(seed=first.seed))
    other = fit(make_toy(seed=None))
    assert other.seed != first.seed
    assert json.loads((fresh_user_dir / "models/toy/train/training-history.json").read_text())["seed"] == other.seed
    for a, b in zip(first.keras_model.get_weights(), again.keras_model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_nan_loss_is_an_error_and_leaves_no_checkpoint(make_toy, fresh_user_dir):
    x, y = toy.clouds()
    x[5] = np.nan
    model = make_toy(dataset=(x, y))
    model.build_model_function = lambda m: keras.Sequential([keras.layers.Dense(3, activation="softmax")])
    with pytest.raises(TrainingError, match=r"The loss is nan after epoch 1\.") as e:
        fit(model)
    assert "Lower the learning rate" in e.value.hint
    assert not list((fresh_user_dir / "models/toy/train/checkpoints").iterdir())


def test_epochs_until_early_stopping(make_toy):
    with pytest.raises(SettingError, match="epochs is -1"):
        fit(make_toy(epochs=-1))
    model = make_toy(epochs=-1, early_stopping={"monitor": "loss", "patience": 1, "min_delta": 10.0})
    assert len(fit(model).epochs) == 2


def test_epochs_argument_and_dry_run(make_toy, fresh_user_dir, tmp_path):
    assert len(fit(make_toy(), epochs=1).epochs) == 1
    results = mltk.train_model(make_toy(epochs=50, validation_split=0.2), test=True, verbose=False)
    assert len(results.epochs) == 3
    assert Path(results.model_archive_path).name == "toy-test.mltk.zip"
    assert (fresh_user_dir / "models/toy-test").is_dir()
    assert not (tmp_path / "toy.mltk.zip").exists()


@pytest.mark.parametrize("kind", ["PyDataset", "tf.data.Dataset", "generator function"])
def test_dry_run_of_any_dataset(make_toy, kind, recwarn):
    model = make_toy(dataset=DATASETS[kind](), epochs=50)
    results = fit(model, test=True)
    assert len(results.epochs) == 3


def test_weights_argument(make_toy):
    model = make_toy(validation_split=0.2)
    fit(model)
    best = model.get_weights_path("best")
    again = make_toy(epochs=1, seed=9, optimizer=keras.optimizers.SGD(0.0), validation_split=0.2)
    results = fit(again, weights=best)
    loaded = toy.build(again)
    loaded.load_weights(best)
    for a, b in zip(results.keras_model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(SettingError, match="no weights file 'bset'"):
        fit(again, weights="bset")


def test_best_weights_are_the_best_by_direction(make_toy):
    """0.20 took the highest loss for the best."""
    values = iter([0.9, 0.2, 0.5])

    class Fake(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["val_loss"] = next(values)

    model = make_toy(epochs=3)
    model.checkpoint["monitor"] = "val_loss"
    fake = Fake()
    model.add_event_handler(
        MltkModelEvent.POPULATE_TRAIN_CALLBACKS, lambda m, logger, keras_callbacks: keras_callbacks.insert(0, fake)
    )
    results = fit(model)
    assert Path(model.get_weights_path("best")).name == "weights-002-0.2000.weights.h5"
    assert results.get_best_metric() == ("val_loss", 0.2)


def test_earlier_run_is_kept_until_the_next(make_toy, fresh_user_dir):
    folder = fresh_user_dir / "models/toy"
    fit(make_toy(epochs=2))
    fit(make_toy(epochs=1))
    assert len(list((folder / "train.previous/checkpoints").iterdir())) == 2
    assert len(list((folder / "train/checkpoints").iterdir())) == 1
    fit(make_toy(epochs=1), clean=True)
    assert not (folder / "train.previous").exists()


def test_checkpoints_can_be_switched_off(make_toy, fresh_user_dir):
    fit(make_toy(checkpoints_enabled=False, checkpoint=None))
    assert not (fresh_user_dir / "models/toy/train/checkpoints").exists()


def test_history_is_json_that_any_reader_takes(make_toy, fresh_user_dir):
    class NoNumber(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["odd"] = float("nan")

    model = make_toy(train_callbacks=[NoNumber()])
    fit(model)
    text = (fresh_user_dir / "models/toy/train/training-history.json").read_text()

    def refuse(literal):
        raise AssertionError(literal)

    assert json.loads(text, parse_constant=refuse)["history"]["odd"] == [None, None]


def test_history_plot(make_toy, fresh_user_dir):
    fit(make_toy(validation_split=0.2))
    assert (fresh_user_dir / "models/toy/train/training-history.png").read_bytes()[:4] == b"\x89PNG"


def test_tensorboard_setting(make_toy, fresh_user_dir, monkeypatch):
    find_spec = importlib.util.find_spec
    if find_spec("tensorboard") is not None:
        fit(make_toy(tensorboard={"histogram_freq": 0}))
        assert list((fresh_user_dir / "models/toy/train/tensorboard").rglob("events*"))
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *a: None if name == "tensorboard" else find_spec(name)
    )
    with pytest.raises(MissingDependencyError, match="TensorBoard is not installed"):
        fit(make_toy(tensorboard={"histogram_freq": 0}))


def test_keras_summary_shows_parameter_counts(make_toy, fresh_user_dir):
    fit(make_toy(epochs=1))
    text = (fresh_user_dir / "models/toy/train/summary.txt").read_text()
    assert "Param #" in text
    assert "Total params" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize(
    ("dataset", "message"),
    [
        ((np.zeros((0, 4), np.float32), np.zeros(0, int)), "The training dataset of toy is empty"),
        ((np.zeros((5, 4), np.float32), np.zeros(4, int)), "There are 5 samples, but 4 labels"),
        ((np.zeros((5, 4), np.float32), None), "toy has samples, but no labels"),
        (3, "my_model.dataset is of type int"),
        (lambda: None, "toy has no training data"),
    ],
)
def test_unusable_datasets(make_toy, dataset, message):
    with pytest.raises(DatasetError, match=message):
        fit(make_toy(dataset=dataset))


def test_endless_datasets_need_steps(make_toy):
    with pytest.raises(DatasetError, match="the length of an epoch is unknown"):
        fit(make_toy(dataset=as_generator()))
    with pytest.raises(DatasetError, match="repeats without end"):
        fit(make_toy(dataset=as_tf_dataset("training").repeat()))
    with pytest.raises(DatasetError, match="is empty"):
        fit(make_toy(dataset=iter([]), steps_per_epoch=1))


def test_wrong_shapes_are_explained(make_toy):
    with pytest.raises(SpecificationError, match="training failed") as e:
        fit(make_toy(dataset=(np.zeros((6, 5), np.float32), np.zeros(6, int))))
    assert len(str(e.value).splitlines()) < 10


def test_model_must_fit_the_classes(make_toy):
    x, y = toy.clouds()
    model = make_toy(classes=["a", "b"], dataset=(x, y % 2))
    model.build_model_function = lambda m: keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    with pytest.raises(SpecificationError, match=r"has 2 classes \(a, b\), but its last layer '.*' has 3 outputs"):
        fit(model)


def test_uncompiled_model_is_compiled_with_the_settings(make_toy):
    def build(model):
        return keras.Sequential([keras.layers.Dense(3, activation="softmax")])

    results = fit(make_toy(build_model_function=build, metrics=["accuracy"]))
    assert "accuracy" in results.history
