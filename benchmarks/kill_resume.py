"""Kills a training run at random moments, resumes it, and compares the result with that of a run that was not killed.

    python benchmarks/kill_resume.py [--kills 10] [--seed 1]

A convolutional network with dropout learns scikit-learn's handwritten digits. It has early stopping that restores the
best weights, a learning rate that is reduced on plateaus, and shuffling. One run is not disturbed. For each kill,
another run starts in its own folder, gets SIGKILL at a random moment between its first message and the end of training,
and is resumed with ``mltk train --resume``. The weights of the Keras model must be equal to the last bit, and the
``.tflite`` byte for byte.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import numpy as np

SPECIFICATION = """# @mltk_model
import keras
import numpy as np
from sklearn.datasets import load_digits

import mltk


class Digits(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    pass


def load():
    images, labels = load_digits(return_X_y=True)
    return (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32), labels


def build(model):
    m = keras.Sequential([
        keras.Input(model.input_shape),
        keras.layers.Conv2D(12, 3, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.3),
        keras.layers.Flatten(),
        keras.layers.Dense(model.n_classes, activation="softmax"),
    ])
    m.compile(model.optimizer, model.loss, metrics=model.metrics)
    return m


my_model = Digits()
my_model.dataset = load
my_model.build_model_function = build
my_model.classes = [str(i) for i in range(10)]
my_model.input_shape = (8, 8, 1)
my_model.epochs = 14
my_model.validation_split = 0.2
my_model.loss = "sparse_categorical_crossentropy"
my_model.seed = 7
my_model.early_stopping = dict(monitor="val_loss", patience=3, restore_best_weights=True)
my_model.reduce_lr_on_plateau = dict(monitor="val_loss", patience=1, factor=0.5)
"""
NAME = "digits_to_kill"


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start ``mltk train`` in ``folder``, which is also its folder for logs."""
    environment = {
        **os.environ,
        "MLTK_USER_DIR": str(folder / "user"),
        "SOURCE_DATE_EPOCH": "1700000000",
        "PYTHONUNBUFFERED": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    command = [sys.executable, "-m", "mltk.cli.main", "train", NAME, "--no-evaluate", *words]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def wait_for(process: subprocess.Popen[str], text: str) -> float:
    """Read the output until a line has ``text`` in it. Return the time of that line."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return time.perf_counter()
    raise RuntimeError(f"The training ended without the message {text!r} (exit code {process.wait()}).")


def made(folder: Path) -> tuple[list[np.ndarray], bytes]:
    """Return the weights of the Keras model and the bytes of the ``.tflite`` in the archive."""
    import keras

    with zipfile.ZipFile(folder / f"{NAME}.mltk.zip") as archive:
        path = Path(archive.extract(f"{NAME}.keras", folder / "extracted"))
        return keras.saving.load_model(path, compile=False).get_weights(), archive.read(f"{NAME}.tflite")


def epochs_in(folder: Path) -> int:
    """Return the number of checkpoints."""
    return len(list((folder / f"user/models/{NAME}/train/checkpoints").glob("checkpoint-*.npz")))


def new_folder(parent: Path, name: str) -> Path:
    """Make a folder with the specification in it."""
    folder = parent / name
    folder.mkdir()
    (folder / f"{NAME}.py").write_text(SPECIFICATION)
    return folder


def main() -> int:
    """Run the benchmark and print a row for each kill. The exit code is 0 if all results are equal."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="Draws the moments.")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    equal = 0
    with tempfile.TemporaryDirectory() as temporary:
        parent = Path(temporary)
        folder = new_folder(parent, "undisturbed")
        process = start(folder)
        began = wait_for(process, "Training ")
        seconds = wait_for(process, "Model archive") - began
        process.communicate()
        weights, tflite = made(folder)
        epochs = epochs_in(folder)
        print(f"undisturbed: {epochs} epochs, {seconds:.1f} s from the first message to the archive\n")
        print(f"{'kill at':>8}  {'epochs then':>11}  weights  .tflite")
        for i in range(arguments.kills):
            folder = new_folder(parent, f"killed{i}")
            moment = rng.uniform(0, seconds)
            process = start(folder)
            began = wait_for(process, "Training ")
            time.sleep(max(0.0, began + moment - time.perf_counter()))
            process.send_signal(signal.SIGKILL)
            process.communicate()
            reached = epochs_in(folder)
            resumed = start(folder, "--resume")
            output, _ = resumed.communicate()
            if resumed.returncode:
                print(f"{moment:6.2f} s  {reached:>11}  the resumed run failed:\n{output}")
                continue
            found, found_tflite = made(folder)
            same = len(found) == len(weights) and all(np.array_equal(a, b) for a, b in zip(found, weights, strict=True))
            same_tflite = found_tflite == tflite
            equal += same and same_tflite
            words = ["equal" if s else "DIFFER" for s in (same, same_tflite)]
            print(f"{moment:6.2f} s  {reached:>11}  {words[0]:7}  {words[1]}", flush=True)
    print(f"\n{equal} of {arguments.kills} resumed trainings ended as the undisturbed one did")
    print(json.dumps({"kills": arguments.kills, "equal": equal}))
    return 0 if equal == arguments.kills else 1


if __name__ == "__main__":
    sys.exit(main())
