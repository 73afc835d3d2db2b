"""A tiny classifier for tests: three clouds of points in four dimensions, two dense layers, two epochs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from mltk import DatasetMixin, EvaluateClassifierMixin, MltkModel, TrainMixin

CLASSES = ["red", "green", "blue"]
FEATURES = 4

SPECIFICATION = '''# @mltk_model
"""Three clouds of points."""
import keras
import numpy as np

import mltk


class Toy(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    pass


def load(subset):
    rng = np.random.default_rng(0 if subset == "training" else 1)
    y = rng.integers(3, size=90)
    return (rng.normal(size=(90, 4)) + 3 * np.eye(3, 4)[y]).astype("float32"), y


def build(model):
    layers = keras.layers
    m = keras.Sequential([
        keras.Input(model.input_shape),
        layers.Dense(8, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(model.n_classes, activation="softmax"),
    ])
    m.compile(keras.optimizers.Adam(0.02), model.loss, metrics=model.metrics)
    return m


my_model = Toy()
my_model.classes = ["red", "green", "blue"]
my_model.input_shape = (4,)
my_model.dataset = load
my_model.build_model_function = build
my_model.loss = "sparse_categorical_crossentropy"
my_model.epochs = 2
my_model.seed = 3
my_model.model_parameters["threshold"] = 190
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"


@my_model.cli.command("greet")
def greet(name: str = "world"):
    """Say hello."""
    print(f"hello {name} from {my_model.name}")
'''


def clouds(n: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """``(x, y)``: ``n`` points ``[n, 4]`` of three classes ``[n]`` that mostly can be told apart."""
    rng = np.random.default_rng(seed)
    y = rng.integers(3, size=n)
    return (rng.normal(size=(n, FEATURES)) + 3 * np.eye(3, FEATURES)[y]).astype(np.float32), y


def build(model: Any) -> Any:
    """The toy's Keras model, with dropout so that random state matters."""
    import keras

    keras_model = keras.Sequential(
        [
            keras.Input(model.input_shape, name="points"),
            keras.layers.Dense(8, activation="relu", name="hidden"),
            keras.layers.Dropout(0.2, name="drop"),
            keras.layers.Dense(model.n_classes, activation="softmax", name="scores"),
        ],
        name=model.name,
    )
    keras_model.compile(model.optimizer, model.loss, metrics=model.metrics)
    return keras_model


def load(subset: str) -> tuple[np.ndarray, np.ndarray]:
    """The toy's dataset function."""
    return clouds(90, 0 if subset == "training" else 1)


class Toy(MltkModel, TrainMixin, DatasetMixin, EvaluateClassifierMixin):
    """The toy's specification class."""


def make_toy(folder: Path, name: str = "toy", **settings: Any) -> Toy:
    """A toy specification; its script is a stub in ``folder``, and ``settings`` take the place of its own."""
    path = folder / f"{name}.py"
    path.write_text("# @mltk_model\nraise RuntimeError('this specification must not be run')\n")
    model = Toy(path)
    model.classes = list(CLASSES)
    model.input_shape = (FEATURES,)
    model.dataset = load
    model.build_model_function = build
    model.loss = "sparse_categorical_crossentropy"
    model.optimizer = "sgd"
    model.epochs = 2
    model.seed = 3
    model.html_report = False  # half a second each time; tests of reports set it
    for key, value in settings.items():
        setattr(model, key, value)
    return model


def environment(user: Path) -> dict[str, str]:
    """Environment variables for a command in a child process, its user folder being ``user``."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MLTK_")}
    return {**kept, "MLTK_USER_DIR": str(user), "COLUMNS": "80", "PYTHONDONTWRITEBYTECODE": "1"}


def mltk_command(*words: str) -> list[str]:
    """The ``mltk`` command of this interpreter with its arguments."""
    return [sys.executable, "-m", "mltk.cli.main", *words]


def mltk(*words: str, cwd: Path, user: Path | None = None, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    """Run the real ``mltk`` command and wait for it."""
    return subprocess.run(
        mltk_command(*words),
        cwd=cwd,
        env=environment(user or cwd / "user"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **kwargs,
    )
