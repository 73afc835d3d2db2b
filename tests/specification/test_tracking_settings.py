"""Runs that are recorded with Weights & Biases, on this machine: ``WANDB_MODE=offline``."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import mltk
from mltk.errors import MissingDependencyError, SettingError
from mltk.specification.events import MltkModelEvent

SPECIFICATION = """# @mltk_model
import keras, numpy, mltk
class Toy(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin, mltk.WeightsAndBiasesMixin):
    pass
my_model = Toy()
my_model.classes = ["a", "b"]
my_model.input_shape = (3,)
my_model.epochs = 2
my_model.x = numpy.random.default_rng(1).random((32, 3), "float32")
my_model.y = numpy.eye(2, dtype="float32")[(my_model.x[:, 0] > 0.5).astype(int)]
my_model.validation_split = 0.25
my_model.wandb_init_kwargs["project"] = "own_project"
def build(model):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model
my_model.build_model_function = build
"""
SCRIPT = """
import json, sys, mltk, wandb
model = mltk.load_mltk_model("toy.py")
results = mltk.train_model(model, post_process=True)
evaluation = mltk.evaluate_model(model, tflite=True)
model.wandb_log({"own": 3})
summary = {k: wandb.run.summary[k] for k in wandb.run.summary.keys() if not k.startswith("_")}
print(json.dumps(dict(
    id=model.wandb_session_id, run=wandb.run.id, project=wandb.run.project, config=dict(wandb.run.config),
    summary=summary, history=results.history, accuracy=evaluation.overall_accuracy, engine=evaluation["engine"],
)))
"""


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.WeightsAndBiasesMixin):
    """A specification whose runs can be recorded."""


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user folder; nothing is sent."""
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run() -> Any:
    """Train and evaluate in a process of its own. Returns what the record has."""
    Path("toy.py").write_text(SPECIFICATION)
    words = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(words, check=True, capture_output=True, text=True, timeout=300)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.tf
def test_a_training_and_its_evaluation_are_recorded() -> None:
    found = run()
    assert found["id"] == found["run"]
    assert found["project"] == "own_project"
    assert found["config"] == {"epochs": 2, "batch_size": 32, "classes": ["a", "b"], "class_weights": None}
    summary = found["summary"]
    assert summary["epoch/loss"] == pytest.approx(found["history"]["loss"][-1])
    assert summary["epoch/val_accuracy"] == pytest.approx(found["history"]["val_accuracy"][-1])
    assert summary[f"{found['engine']}/overall_accuracy"] == pytest.approx(found["accuracy"])
    assert summary["own"] == 3
    records = list(Path("user/models/toy/wandb").glob("offline-run-*"))
    assert len(records) == 1
    assert [p.name for p in (records[0] / "files").glob("*.zip")] == ["toy.mltk.zip"]


def test_without_post_nothing_is_recorded() -> None:
    model = Model("toy.py")
    for event in (MltkModelEvent.TRAIN_STARTUP, MltkModelEvent.EVALUATE_STARTUP):
        model.trigger_event(event, post_process=False)
    callbacks: list[Any] = []
    model.trigger_event(MltkModelEvent.POPULATE_TRAIN_CALLBACKS, keras_callbacks=callbacks)
    assert not model.wandb_is_initialized
    assert callbacks == []


def test_a_disabled_record() -> None:
    model = Model("toy.py")
    model.wandb_is_disabled = True
    model.trigger_event(MltkModelEvent.TRAIN_STARTUP, post_process=True)
    assert not model.wandb_is_initialized
    assert model.wandb_session_id is None
    model.wandb_log({"a": 1})
    model.wandb_save("toy.py")


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(MissingDependencyError, match="wandb is not installed") as error:
        Model("toy.py").trigger_event(MltkModelEvent.TRAIN_STARTUP, post_process=True)
    assert "openmltk[wandb]" in str(error.value.hint)


def test_a_record_that_cannot_begin_is_an_error() -> None:
    model = Model("toy.py")
    model.wandb_init_kwargs = {"no_such_argument": 1}
    with pytest.raises(SettingError, match=r"cannot record the run: .*no_such_argument") as error:
        model.trigger_event(MltkModelEvent.TRAIN_STARTUP, post_process=True)
    assert "wandb login" in str(error.value.hint)


class _Broken:
    def log(self, *args: object, **kwargs: object) -> None:
        raise ConnectionError("no network")


def test_a_failed_record_does_not_stop_a_training(caplog: pytest.LogCaptureFixture) -> None:
    from mltk.specification import tracking_settings

    model = Model("toy.py")
    tracking_settings._RUNS[model] = _Broken()
    assert model.wandb_is_initialized
    model.wandb_log({"a": 1})
    assert "Weights & Biases: log failed: no network" in caplog.text
    assert not pickle.loads(pickle.dumps(model)).wandb_is_initialized
