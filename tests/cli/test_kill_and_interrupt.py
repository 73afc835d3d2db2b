"""Ctrl-C and SIGKILL at real processes: what was reached is kept, and resuming ends where no stop would have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from helpers import toy

# Slow steps, so that a signal lands in the middle of an epoch.
SLOW = toy.SPECIFICATION.replace(
    "my_model.epochs = 2",
    """my_model.epochs = 6
my_model.early_stopping = dict(monitor="val_loss", patience=9, restore_best_weights=True)
my_model.reduce_lr_on_plateau = dict(monitor="loss", patience=1, min_delta=0.2, factor=0.5)
my_model.validation_split = 0.2


class Slow(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        import os, time
        time.sleep(float(os.environ.get("SLOW", "0")))


my_model.train_callbacks = [Slow()]""",
)


def start(folder: Path, *words: str, slow: float = 0.0) -> subprocess.Popen:
    return subprocess.Popen(
        toy.mltk_command("train", "slow_spec", "--no-evaluate", *words),
        cwd=folder,
        env={**toy.environment(folder / "user"), "SLOW": str(slow)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def checkpoints(folder: Path) -> list[str]:
    path = folder / "user/models/slow_spec/train/checkpoints"
    return sorted(p.name for p in path.glob("checkpoint-*.npz"))


def wait_for(folder: Path, epochs: int, process: subprocess.Popen) -> None:
    end = time.monotonic() + 120
    while len(checkpoints(folder)) < epochs:
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow_spec.py").write_text(SLOW)
    return tmp_path


def final_weights(folder: Path) -> list[np.ndarray]:
    import keras

    return keras.saving.load_model(folder / "user/models/slow_spec/slow_spec.keras", compile=False).get_weights()


@pytest.mark.tf
def test_kill_and_resume(folder, tmp_path_factory):
    """Three kills, each at another moment, then a run to the end; the weights are those of a run without kills."""
    whole = tmp_path_factory.mktemp("whole")
    (whole / "slow_spec.py").write_text(SLOW)
    straight = start(whole)
    for i, (epochs, delay) in enumerate(((1, 0.1), (3, 0.25))):
        process = start(folder, *(["--resume"] if i else []), slow=0.15)
        wait_for(folder, epochs, process)
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not (folder / "slow_spec.mltk.zip").exists()
    last = start(folder, "--resume")
    out, err = last.communicate(timeout=120)
    assert last.returncode == 0, err
    assert "Resuming from" in err
    assert out.count("Epoch ") < 6, "only the rest was trained"
    _, err = straight.communicate(timeout=120)
    assert straight.returncode == 0, err
    for a, b in zip(final_weights(whole), final_weights(folder), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not [n for n in os.listdir(folder / "user/models/slow_spec/train/checkpoints") if n.startswith(".")]


def test_ctrl_c(folder):
    process = start(folder, slow=0.15)
    wait_for(folder, 1, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "error: Training of slow_spec was stopped after 1 epoch." in err
    assert "mltk train slow_spec --resume" in err
    assert "Traceback" not in err
    assert not (folder / "slow_spec.mltk.zip").exists()
    assert checkpoints(folder) == ["checkpoint-0001.npz"]


@pytest.mark.slow
def test_ten_kills():
    """The whole of ``benchmarks/kill_resume.py``."""
    script = Path(__file__).resolve().parents[2] / "benchmarks" / "kill_resume.py"
    done = subprocess.run([sys.executable, script, "--kills", "10"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 of 10 resumed trainings ended as the undisturbed one did" in done.stdout
