"""The cost of training through openmltk, compared with a bare ``keras.Model.fit`` on the same arrays.

    python benchmarks/training_overhead.py [--rounds 6] [--model cnn|dense]

Both sides run in this process in turn, with the same model, arrays, batch size and shuffling. The mltk side does what
it does by default: a checkpoint and the best weights after every epoch, the history, progress lines. The time of an
epoch ends when the next epoch begins, so that the work at its end counts. The first epoch of each run compiles, and
the last one has no next epoch, so both are left out. The figure is the median over rounds of the ratio of the
medians. openmltk promises at most 1.05.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from epoch_times import EpochTimes

import mltk

EPOCHS = 5
BATCH = 32
SAMPLES = 20_000
LIMIT = 1.05


def cnn() -> keras.Model:
    """A small convolutional network, like those for keyword spotting."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Conv2D(8, 3, strides=2, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )


def dense() -> keras.Model:
    """A model so small that most of the time is spent around the steps."""
    return keras.Sequential(
        [keras.Input((16,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(10, activation="softmax")]
    )


MODELS = {"cnn": (cnn, (32, 32, 1)), "dense": (dense, (16,))}


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """The specification of the mltk side."""


def bare(build: Any, x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Seconds of an epoch of ``keras.Model.fit``, without its progress bar."""
    keras.utils.set_random_seed(1)
    times = EpochTimes()
    model = build()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, verbose=0, callbacks=[times])
    return times.medians()


def through_mltk(build: Any, x: np.ndarray, y: np.ndarray, folder: str) -> tuple[float, float]:
    """Seconds of an epoch of ``mltk.train_model``."""
    times = EpochTimes()
    model = Model(str(Path(folder) / "overhead.py"))
    model.log_dir = os.path.join(folder, "logs")
    model.dataset = (x, y)
    model.classes = [str(i) for i in range(10)]
    model.batch_size = BATCH
    model.epochs = EPOCHS
    model.loss = "sparse_categorical_crossentropy"
    model.train_callbacks = [times]

    def build_model(mltk_model: Any) -> keras.Model:
        keras_model = build()
        keras_model.compile(mltk_model.optimizer, mltk_model.loss, metrics=mltk_model.metrics)
        return keras_model

    model.build_model_function = build_model
    mltk.train_model(model, quantize=False, create_archive=False)
    return times.medians()


def main() -> int:
    """Run the comparison and print a row for each model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--model", choices=MODELS, action="append")
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    worst = 0.0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.model or MODELS:
            build, shape = MODELS[name]
            x = rng.normal(size=(SAMPLES, *shape)).astype(np.float32)
            y = rng.integers(10, size=SAMPLES)
            pairs = []
            for i in range(arguments.rounds):
                if i % 2:  # each side is first in every other round
                    first = bare(build, x, y)
                    pairs.append((first, through_mltk(build, x, y, folder)))
                else:
                    first = through_mltk(build, x, y, folder)
                    pairs.append((bare(build, x, y), first))
            wall = statistics.median(m[0] / b[0] for b, m in pairs)
            cpu = statistics.median(m[1] / b[1] for b, m in pairs)
            seconds = statistics.median(b[0] for b, _ in pairs), statistics.median(m[0] for _, m in pairs)
            rows.append(f"{name:8} {seconds[0]:8.3f} s {seconds[1]:8.3f} s {wall:8.3f} {cpu:8.3f}")
            worst = max(worst, wall)
    print(f"\n{'model':8} {'bare fit':>10} {'mltk':>10} {'ratio':>8} {'CPU':>8}   ({os.cpu_count()} cores)")
    print("\n".join(rows))
    print(f"\nworst ratio {worst:.3f}, at most {LIMIT} wanted: {'ok' if worst <= LIMIT else 'TOO SLOW'}")
    return 0 if worst <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
