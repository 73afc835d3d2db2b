"""Scripts in the manner of users: each is loaded, built, trained in a dry run, quantized, evaluated and profiled.

The scripts are not changed for the test. It makes small files of random data where a script looks for its own data.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mltk

pytestmark = pytest.mark.tf
SCRIPTS = Path(__file__).parent / "user_scripts"
draw = np.random.default_rng(3)


def pictures(folder: str, classes: list[str], size: tuple[int, int], *, color: bool, n: int = 12) -> None:
    """Folders of PNG files of noise; the classes differ in brightness."""
    from PIL import Image

    for i, name in enumerate(classes):
        (Path(folder) / name).mkdir(parents=True)
        for k in range(n):
            pixels = draw.integers(40 * i, 40 * i + 90, (*size, 3) if color else size).astype(np.uint8)
            Image.fromarray(pixels).save(Path(folder) / name / f"img{k:02d}.png")


def faces() -> None:
    pictures("face_dataset", ["face", "not_face"], (120, 100), color=True)


def spectrograms() -> None:
    pictures("spectrograms", ["licht", "musik", "stopp"], (49, 40), color=False)


def hands() -> None:
    pictures("rps", ["rock", "paper", "scissor", "_unknown_"], (90, 110), color=True)


def recordings() -> None:
    for i, name in enumerate(["shake", "tap", "idle"]):
        folder = Path("recordings") / name
        folder.mkdir(parents=True)
        for who in ("anna", "ben", "carl"):
            rows = draw.normal(size=(200, 3)) * (3 - i)
            with (folder / f"{who}_1.csv").open("w", newline="") as file:
                csv.writer(file).writerows(rows.round(4).tolist())


def pump() -> None:
    line = np.linspace(-1, 1, 26)
    normal = draw.uniform(0.5, 1, (250, 1)) * line + 0.02 * draw.normal(size=(250, 26))
    np.savez("pump.npz", normal=normal.astype(np.float32), abnormal=draw.normal(size=(60, 26)).astype(np.float32))


def readings() -> None:
    who = np.repeat(np.arange(5), 20)
    np.savez("readings.npz", x=draw.normal(size=(100, 32, 2)) + who[:, None, None], who=who)


DATA: dict[str, Callable[[], None]] = {
    "face_detection": faces,
    "spoken_words": spectrograms,
    "rock_paper_scissors": hands,
    "accelerometer": recordings,
    "pump_anomaly": pump,
    "same_person": readings,
}
CONVOLUTIONS = {"face_detection": 27, "spoken_words": 9, "rock_paper_scissors": 2, "accelerometer": 2, "same_person": 2}
"""Convolutions that the .tflite has, among them those of depth. Conv1D layers become convolutions too."""

SLOW = {"face_detection", "spoken_words"}


def test_each_script_is_tested() -> None:
    assert {path.stem for path in SCRIPTS.glob("*.py")} == set(DATA)


# Users' scripts cause warnings of Keras, such as those about input_shape of a layer.
@pytest.mark.filterwarnings("ignore::UserWarning:keras")
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in DATA])
def test_a_script_of_a_user_works(
    name: str, tmp_path: Path, fresh_user_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / f"{name}.py"
    script.write_bytes((SCRIPTS / script.name).read_bytes())
    monkeypatch.chdir(tmp_path)
    DATA[name]()
    summary = str(mltk.summarize_model(str(script), build=True))
    assert "Total params" in summary
    results = mltk.train_model(f"{name}-test", verbose=False)
    assert results.epochs
    archive = tmp_path / f"{name}-test.mltk.zip"
    assert archive.is_file()
    model: Any = mltk.load_mltk_model(str(script), test=True)
    tflite = mltk.load_tflite_model(model, test=True)
    names = [layer.name for layer in tflite.layers]
    assert sum("conv" in n for n in names) == CONVOLUTIONS.get(name, 0), names
    profile = mltk.profile_model(tflite)
    assert profile.macs > 0
    for on_device in (False, True):
        figures = mltk.evaluate_model(model, tflite=on_device, test=True)
        assert figures["n_samples"] > 0
        assert figures["model_type"] == ("auto_encoder" if name == "pump_anomaly" else "classification")
