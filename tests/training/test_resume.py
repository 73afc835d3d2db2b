"""A training that is stopped and resumed ends where one that was not stopped does, to the last bit."""

from __future__ import annotations

import errno
import json
import resource
import shutil
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import mltk
from helpers import toy
from mltk.errors import OutputError, SettingError, TrainingError
from mltk.operations.results import plots
from mltk.operations.train import TrainingInterrupted
from mltk.training.callbacks import SteppedLearnRateScheduler, StochasticWeightAveraging
from mltk.training.checkpoints import Checkpoint

pytestmark = pytest.mark.tf
EPOCHS, STOP_AFTER = 5, 2


@pytest.fixture(autouse=True)
def _no_plot(monkeypatch):
    monkeypatch.setattr(plots, "plot_training_history", lambda results, path, show=False: Path(path).touch())


def fit(model, **kwargs):
    kwargs = {"quantize": False, "create_archive": False, "verbose": False, **kwargs}
    return mltk.train_model(model, **kwargs)


def stop_in_epoch(index):
    """A callback that does what Ctrl-C does, in the middle of epoch ``index`` (from 0)."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.here = epoch == index

        def on_train_batch_end(self, batch, logs=None):
            if self.here and batch == 1:
                raise KeyboardInterrupt

    return Stop()


def state_of(results):
    model = results.keras_model
    return [v.numpy() for v in model.variables] + [v.numpy() for v in model.optimizer.variables]


def assert_equal(a, b):
    assert a.history == b.history
    for x, y in zip(state_of(a), state_of(b), strict=True):
        np.testing.assert_array_equal(x, y)


class Batches(keras.utils.PyDataset):
    """Augments with NumPy's global generator, and shuffles by itself too."""

    def __init__(self):
        super().__init__()
        self.x, self.y = toy.clouds()
        self.order = np.arange(90)

    def __len__(self):
        return 3

    def __getitem__(self, i):
        part = self.order[i * 30 : (i + 1) * 30]
        return self.x[part] + np.random.normal(size=(30, 4)).astype("float32"), self.y[part]

    def on_epoch_end(self):
        np.random.shuffle(self.order)


def shuffled_tf_dataset(subset):
    return tf.data.Dataset.from_tensor_slices(toy.load(subset)).shuffle(90).batch(30)


def endless_tf_dataset(subset):
    return tf.data.Dataset.from_tensor_slices(toy.load(subset)).shuffle(90).repeat().batch(30)


def drawing_generator(subset):
    x, y = toy.clouds()
    rng = np.random.default_rng(5)
    while True:
        part = rng.integers(90, size=30)
        yield x[part], y[part]


SETTINGS: dict[str, dict[str, Any]] = {
    "arrays, all callbacks": {
        "dataset": toy.load,
        "optimizer": "adam",
        "validation_split": 0.2,
        "early_stopping": {"monitor": "val_loss", "patience": 4, "restore_best_weights": True},
        "reduce_lr_on_plateau": {"monitor": "loss", "patience": 1, "min_delta": 0.2, "factor": 0.5},
        "lr_schedule": {"schedule": lambda epoch, rate: rate * 0.9},
    },
    "arrays, steps that don't divide": {"dataset": toy.load, "steps_per_epoch": 4, "batch_size": 25},
    "arrays, not shuffled, momentum": {
        "dataset": toy.load,
        "shuffle": False,
        "class_weights": "balanced",
        "build_model_function": lambda model: _with_momentum(model),
    },
    "tf.data with shuffle": {"dataset": shuffled_tf_dataset},
    "endless tf.data": {"dataset": endless_tf_dataset, "steps_per_epoch": 4},
    "PyDataset": {"dataset": lambda subset: Batches()},
    "PyDataset, steps": {"dataset": lambda subset: Batches(), "steps_per_epoch": 2},
    "PyDataset, more steps, in order": {"dataset": lambda subset: Batches(), "steps_per_epoch": 4, "shuffle": False},
    "tf.data, steps that don't divide": {"dataset": shuffled_tf_dataset, "steps_per_epoch": 4},
    "generator": {"dataset": drawing_generator, "steps_per_epoch": 3},
    "stepped rate": {
        "dataset": toy.load,
        "train_callbacks": [SteppedLearnRateScheduler([(4, 0.1), (4, 0.05), (100, 0.01)])],
    },
    "averaged weights": {"dataset": toy.load, "train_callbacks": [StochasticWeightAveraging(from_epoch=1)]},
    "no seed given": {"dataset": toy.load, "seed": None},
}


def _with_momentum(model):
    keras_model = toy.build(model)
    keras_model.compile(keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True), model.loss, metrics=["accuracy"])
    return keras_model


@pytest.mark.parametrize("kind", SETTINGS)
def test_resumed_equals_uninterrupted(make_toy, kind):
    settings = {"epochs": EPOCHS, **SETTINGS[kind]}
    straight = fit(make_toy("straight", **settings))
    own = list(settings.get("train_callbacks", []))
    interrupted = {**settings, "train_callbacks": [*own, stop_in_epoch(STOP_AFTER)]}
    if settings.get("seed", 3) is None:
        interrupted["seed"] = straight.seed
    with pytest.raises(TrainingInterrupted, match=f"was stopped after {STOP_AFTER} epochs"):
        fit(make_toy("resumed", **interrupted))
    resumed = fit(make_toy("resumed", **settings), resume=True)
    assert resumed.seed == straight.seed
    assert len(resumed.history["loss"]) == EPOCHS
    assert_equal(straight, resumed)
    if "plateau" in str(settings):
        rates = resumed.history["learning_rate"]
        assert rates[-1] < 0.9 * rates[0]


@pytest.mark.parametrize("stopped", [False, True], ids=["before it stops", "after it stopped"])
def test_early_stopping_is_remembered(make_toy, stopped):
    settings = {
        "epochs": 8,
        "early_stopping": {"monitor": "loss", "patience": 3, "min_delta": 10.0, "restore_best_weights": True},
    }
    straight = fit(make_toy("straight", **settings))
    assert len(straight.epochs) == 4, "epoch 1 is the best, and 3 more are waited for"
    if stopped:  # killed after the last epoch, before the model was saved
        fit(make_toy("resumed", **settings))
    else:
        with pytest.raises(TrainingInterrupted):
            fit(make_toy("resumed", **settings, train_callbacks=[stop_in_epoch(2)]))
    resumed = fit(make_toy("resumed", **settings), resume=True)
    assert len(resumed.epochs) == 4
    assert_equal(straight, resumed)


def test_resume_epoch(make_toy):
    """Also an earlier epoch than the last can be gone on from."""
    straight = fit(make_toy("straight", epochs=EPOCHS))
    fit(make_toy("resumed", epochs=EPOCHS))
    resumed = fit(make_toy("resumed", epochs=EPOCHS), resume_epoch=1)
    assert_equal(straight, resumed)
    with pytest.raises(SettingError, match="No checkpoint of epoch 9") as e:
        fit(make_toy("resumed", epochs=EPOCHS), resume_epoch=9)
    assert "There are checkpoints of epochs 1–5" in e.value.hint


def test_more_epochs_than_first_planned(make_toy):
    straight = fit(make_toy("straight", epochs=EPOCHS))
    fit(make_toy("resumed", epochs=2))
    assert_equal(straight, fit(make_toy("resumed", epochs=2), epochs=EPOCHS, resume=True))


def dataset_of_unknown_size(subset):
    return shuffled_tf_dataset(subset).filter(lambda x, y: True)


def test_dataset_of_unknown_size(make_toy, caplog, recwarn):
    """It trains, and a word is said when it is resumed; with steps_per_epoch it resumes exactly."""
    with caplog.at_level("WARNING", "mltk"):
        assert len(fit(make_toy(dataset=dataset_of_unknown_size, epochs=3)).epochs) == 3
        assert not caplog.records
        assert not [w for w in recwarn if "ran out of data" in str(w.message)]
        assert len(fit(make_toy(dataset=dataset_of_unknown_size, epochs=4), resume=True).epochs) == 4
        assert "does not say how many batches it has" in caplog.text
    settings = {"dataset": dataset_of_unknown_size, "epochs": 3, "steps_per_epoch": 2}
    straight = fit(make_toy("straight", **settings))
    fit(make_toy("resumed", **settings), epochs=1)
    assert_equal(straight, fit(make_toy("resumed", **settings), resume=True))


def test_resume_without_checkpoint_starts_anew(make_toy):
    assert len(fit(make_toy(), resume=True).epochs) == 2


def test_the_seed_of_the_run_is_kept(make_toy, caplog):
    fit(make_toy(epochs=1, seed=3))
    results = fit(make_toy(epochs=2, seed=4), resume=True)
    assert results.seed == 3


def test_changed_callback_settings_are_taken(make_toy):
    """What the callback remembers is restored; what the user has since set is not overwritten."""
    options = {"monitor": "loss", "patience": 2, "min_delta": 10.0}
    assert len(fit(make_toy(epochs=2, early_stopping=options)).epochs) == 2
    results = fit(make_toy(epochs=9, early_stopping={**options, "patience": 5}), resume=True)
    assert len(results.epochs) == 6


def checkpoints_of(model):
    return Path(model.checkpoints_dir)


def test_damaged_checkpoint(make_toy):
    model = make_toy()
    fit(model)
    path = checkpoints_of(model) / "checkpoint-0002.npz"
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-3], bytes(len(whole)), b"PK" + whole[9:]):
        path.write_bytes(content)
        with pytest.raises(TrainingError, match=r"checkpoint-0002\.npz is damaged") as e:
            fit(make_toy(), resume=True)
        assert e.value.hint == "Resume from an earlier one with --resume-epoch 1."
    assert len(fit(make_toy(), resume_epoch=1).epochs) == 2


def test_no_bit_flip_in_a_checkpoint_goes_unseen(make_toy):
    """A flipped bit is an error, or is in a byte of the container that means nothing."""
    model = make_toy()
    fit(model)
    path = checkpoints_of(model) / "checkpoint-0002.npz"
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    good = Checkpoint.load(str(path))
    seen = 0
    for position in rng.integers(len(whole), size=150):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(bytes(damaged))
        try:
            read = Checkpoint.load(str(path))
        except TrainingError:
            seen += 1
            continue
        for kind in ("model", "optimizer"):
            for a, b in zip(good.variables[kind], read.variables[kind], strict=True):
                np.testing.assert_array_equal(a, b)
    assert seen > 50


def test_checkpoint_of_another_model(make_toy):
    fit(make_toy())

    def wider(model):
        m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(9), keras.layers.Dense(3, activation="softmax")])
        m.compile("sgd", model.loss, metrics=["accuracy"])
        return m

    with pytest.raises(TrainingError, match="The checkpoint of epoch 2 belongs to a different model") as e:
        fit(make_toy(build_model_function=wider), resume=True)
    assert e.value.hint == "The specification has changed since then. Start again with --clean."
    with pytest.raises(TrainingError, match="belongs to a different optimizer"):
        fit(make_toy(optimizer="adam"), resume=True)


def test_full_disk(make_toy, monkeypatch):
    """The training ends with an error that says so; what was reached is there, and can be resumed from."""
    real = np.lib.format.write_array
    written = []

    def full(stream, array, **kwargs):
        written.append(array)
        if len(written) > 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(stream, array, **kwargs)

    model = make_toy(epochs=EPOCHS)
    straight = fit(make_toy("straight", epochs=EPOCHS))
    with monkeypatch.context() as patch:
        patch.setattr(np.lib.format, "write_array", full)
        with pytest.raises(OutputError, match=r"Can't write .*checkpoint-000.\.npz: No space left on device\.") as e:
            fit(model)
    assert "mltk train toy --resume" in e.value.hint
    names = sorted(p.name for p in checkpoints_of(model).iterdir())
    assert names
    assert len(names) < EPOCHS
    assert all(n.startswith("checkpoint-") for n in names), "nothing half-written is left"
    assert_equal(straight, fit(make_toy(epochs=EPOCHS), resume=True))


def test_file_too_large(tmp_path):
    """A write that the system itself refuses half-way leaves nothing."""
    big = Checkpoint(1, 0, False, {}, [], {"model": [np.zeros(1 << 18)], "optimizer": []})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    try:
        with pytest.raises(OutputError, match="Can't write"):
            big.save(str(tmp_path / "checkpoint-0001.npz"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_unfinished_files_of_a_killed_run_are_removed(make_toy):
    model = make_toy()
    fit(model)
    leftover = checkpoints_of(model) / ".checkpoint-0003.abc123.npz"
    leftover.write_bytes(b"half")
    fit(make_toy(), resume=True)
    assert not leftover.exists()


def test_best_weights_are_written_whole_or_not_at_all(make_toy, monkeypatch):
    def full(self, path, **kwargs):
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(keras.Model, "save_weights", full)
    model = make_toy()
    with pytest.raises(OutputError, match=r"Can't write .*weights-001.*: No space left on device"):
        fit(model)
    assert not list(Path(model.weights_dir).iterdir())


def test_interrupt_in_the_first_epoch(make_toy):
    with pytest.raises(TrainingInterrupted, match="was stopped after 0 epochs") as e:
        fit(make_toy(train_callbacks=[stop_in_epoch(0)]))
    assert e.value.hint == "No epoch was finished, so there is nothing to resume."
    assert isinstance(e.value, KeyboardInterrupt)


def test_a_checkpoint_holds_no_pickle(make_toy):
    model = make_toy(early_stopping={"monitor": "loss", "restore_best_weights": True})
    fit(model)
    with zipfile.ZipFile(checkpoints_of(model) / "checkpoint-0002.npz") as archive:
        assert "state.json" in archive.namelist()
        assert all(n.endswith((".npy", ".json")) for n in archive.namelist())
        state = json.loads(archive.read("state.json"))
        assert state["epoch"] == 2
        assert any(n.startswith("callback/") for n in archive.namelist())


def test_interrupted_twice(make_toy):
    settings = {
        "epochs": 6,
        "optimizer": "adam",
        "early_stopping": {"monitor": "loss", "patience": 9, "restore_best_weights": True},
    }
    straight = fit(make_toy("straight", **settings))
    for stop in (1, 3):
        with pytest.raises(TrainingInterrupted):
            fit(make_toy("resumed", **settings, train_callbacks=[stop_in_epoch(stop)]), resume=True)
    shutil.rmtree(Path(make_toy("resumed").log_dir) / "train/weights")
    assert_equal(straight, fit(make_toy("resumed", **settings), resume=True))
