"""The reference specifications: they load, their data is as they say, and each trains, if only a step."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mltk.audio.speech.engines.espeak import EspeakEngine

pytestmark = pytest.mark.tf
WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "cat", "bed"]


def write_clips(folder: Path, seconds: float, n: int) -> None:
    """``n`` files of noise, each by another speaker."""
    folder.mkdir(parents=True)
    draw = np.random.default_rng(1)
    for i in range(n):
        with wave.open(str(folder / f"speaker{i}_nohash_0.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(draw.integers(-5000, 5000, int(16000 * seconds)).astype("<i2").tobytes())


@pytest.fixture
def stand_ins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_user_dir: Path) -> None:
    """Noise in place of Speech Commands and ESC-50."""
    from mltk.datasets.audio.background_noise import esc50
    from mltk.datasets.audio.speech_commands import speech_commands_v2

    for word in WORDS:
        write_clips(tmp_path / "commands" / word, 0.5, 12)
    write_clips(tmp_path / "noise", 2, 2)
    monkeypatch.setenv("MLTK_DATASET_DIR", str(tmp_path / "datasets"))
    monkeypatch.setattr(speech_commands_v2, "load_data", lambda: str(tmp_path / "commands"))
    monkeypatch.setattr(esc50, "download", lambda: str(tmp_path / "noise"))


SPECIFICATIONS = {
    "micro_speech": ((49, 40, 1), 16_652),
    "mlperf_keyword_spotting": ((49, 10, 1), 24_908),
    "keyword_spotting_tenet": ((98, 40, 1), 119_980),
    "keyword_spotting_synthetic": ((49, 40, 1), 64_000),
}


@pytest.mark.parametrize(
    "name",
    ["micro_speech", "mlperf_keyword_spotting"]
    + [pytest.param(n, marks=pytest.mark.slow) for n in ("keyword_spotting_tenet", "keyword_spotting_synthetic")],
)
def test_a_specification_loads_and_trains_a_step(name: str, stand_ins: None) -> None:
    import mltk

    if name.endswith("synthetic") and not EspeakEngine.is_installed():
        pytest.skip("espeakng-loader is not installed")
    model: Any = mltk.load_mltk_model(name)
    shape, parameters = SPECIFICATIONS[name]
    assert model.input_shape == shape
    model.enable_test_mode()
    model.load_dataset("training", test=True)
    keras_model = model.build_model_function(model)
    assert keras_model.count_params() == pytest.approx(parameters, rel=0.1)
    x, y = model.x[0]
    assert x.shape[1:] == shape
    assert y.shape[1:] == (model.n_classes,)
    assert np.isfinite(keras_model.train_on_batch(x, y)).all()
    model.unload_dataset()
