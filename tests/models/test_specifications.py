"""The reference specifications: they load, their data is as they say, and each trains, if only a step."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import mltk
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.operations.shared.model_archive import create_model_archive

pytestmark = pytest.mark.tf
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
WORDS = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "bed", "cat", "dog", "happy", *DIGITS]
draw = np.random.default_rng(1)


def write_clips(folder: Path, seconds: float, n: int) -> None:
    """``n`` files of noise, each by another speaker."""
    folder.mkdir(parents=True)
    for i in range(n):
        with wave.open(str(folder / f"speaker{i}_nohash_0.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(draw.integers(-5000, 5000, int(16000 * seconds)).astype("<i2").tobytes())


def write_pictures(folder: Path, size: int, n: int) -> None:
    """``n`` gray pictures of circles, whose center is random, with noise."""
    folder.mkdir(parents=True)
    y, x = np.mgrid[:size, :size]
    for i in range(n):
        center = draw.uniform(0.3, 0.5, 2) * size
        values = 128 + 60 * np.sin(np.hypot(x - center[0], y - center[1]) / 3) + draw.normal(0, 8, x.shape)
        Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)).save(folder / f"{i}.png")


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Noise in place of Speech Commands and ESC-50, circles in place of hands and fingers."""
    folder = tmp_path_factory.mktemp("noise")
    for word in WORDS:
        write_clips(folder / "commands" / word, 0.5, 12)
    write_clips(folder / "noise", 2, 2)
    for name in ("rock", "paper", "scissor", "_unknown_"):
        write_pictures(folder / "hands" / name, 84, 10)
    for finger in range(12):
        write_pictures(folder / "fingers" / str(finger), 192, 3)
    return folder


@pytest.fixture
def stand_ins(noise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_user_dir: Path) -> None:
    """The noise, where the specifications look for their data."""
    from mltk.datasets.audio.background_noise import esc50
    from mltk.datasets.audio.speech_commands import speech_commands_v2
    from mltk.datasets.image import rock_paper_scissors_v2

    monkeypatch.setenv("MLTK_DATASET_DIR", str(tmp_path / "datasets"))
    monkeypatch.setattr(speech_commands_v2, "load_data", lambda: str(noise / "commands"))
    monkeypatch.setattr(esc50, "download", lambda: str(noise / "noise"))
    monkeypatch.setattr(rock_paper_scissors_v2, "load_data", lambda: str(noise / "hands"))


SPECIFICATIONS = {
    "keyword_spotting_mobilenetv2": ((49, 40, 1), 101_100),
    "keyword_spotting_numbers": ((98, 40, 1), 119_980),
    "keyword_spotting_on_off_v3": ((98, 40, 1), 119_716),
    "keyword_spotting_pacman_v3": ((98, 40, 1), 40_728),
    "keyword_spotting_synthetic": ((49, 40, 1), 64_000),
    "keyword_spotting_tenet": ((98, 40, 1), 119_980),
    "kws_bc_resnet": ((98, 40, 1), 10_184),
    "mlperf_keyword_spotting": ((49, 10, 1), 24_908),
    "rock_paper_scissors": ((84, 84, 1), 98_020),
    "tflite_micro_speech": ((49, 40, 1), 16_652),
}
"""Shape of the input and about the number of parameters."""
SLOW = ("keyword_spotting_synthetic",)


def specification(name: str) -> Any:
    """Load a specification of the package. A script of the same name in the current folder would come first."""
    return mltk.load_mltk_model(str(next(Path(mltk.__file__).parent.glob(f"models/*/{name}.py"))))


def trains_a_step(model: Any) -> Any:
    """Load a few samples and train one batch of three. Return the Keras model.

    TensorFlow does not trace the step, which takes half a minute for the deep networks.
    """
    model.enable_test_mode()
    model.batch_size = 3
    model.load_dataset("training", test=True)
    keras_model = model.build_model_function(model)
    before = [np.array(weights) for weights in keras_model.get_weights()]
    x, y = model.x[0][:2]
    if not isinstance(x, (list, tuple)):
        assert x.shape[1:] == model.input_shape
        assert y.shape[1:] == (model.n_classes,)
    keras_model.run_eagerly = True
    assert np.isfinite(keras_model.train_on_batch(x, y)).all()
    assert any((old != new).any() for old, new in zip(before, keras_model.get_weights(), strict=True))
    model.unload_dataset()
    return keras_model


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in SPECIFICATIONS])
def test_a_specification_loads_and_trains_a_step(name: str, stand_ins: None) -> None:
    if name.endswith("synthetic") and not EspeakEngine.is_installed():
        pytest.skip("espeakng-loader is not installed")
    model = specification(name)
    shape, parameters = SPECIFICATIONS[name]
    assert model.input_shape == shape
    assert trains_a_step(model).count_params() == pytest.approx(parameters, rel=0.1)


def test_fingerprints_train_on_circles_and_only_the_tower_is_quantized(noise: Path, stand_ins: None) -> None:
    model = specification("fingerprint_signature_generator")
    model.dataset.dataset_path_or_url = str(noise / "fingers")
    results = mltk.train_model(model, test=True, verbose=False)
    tflite = results.tflite_model
    assert [tensor.shape for tensor in (*tflite.inputs, *tflite.outputs)] == [(1, 180, 180, 1), (1, 16)]
    scale, zero_point = (tflite.inputs[0].quantization.scale[0], tflite.inputs[0].quantization.zeropoint[0])
    assert scale * (127 - zero_point) > 200  # the range is that of the pictures


def test_the_wake_word_trains_a_step_on_synthesized_words(stand_ins: None) -> None:
    if not EspeakEngine.is_installed():
        pytest.skip("espeakng-loader is not installed")
    model = specification("keyword_spotting_alexa")
    model.dataset = mltk.SpeechDataset(["alexa"], samples_per_keyword=12, samples_unknown=12)
    trains_a_step(model)


@pytest.mark.parametrize("name", ["keyword_spotting_on_off_v2", "keyword_spotting_pacman_v2"])
def test_a_student_trains_a_step_after_its_teacher(name: str, stand_ins: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAIN_TEACHER", "1")
    model = specification(name)
    model.on_save_keras_model(model, trains_a_step(model), mltk.get_mltk_logger())
    monkeypatch.delenv("TRAIN_TEACHER")
    trains_a_step(specification(name))


def test_transfer_learning_trains_a_step_from_another_spotter(stand_ins: None) -> None:
    base = specification("keyword_spotting_mobilenetv2")
    base.create_log_dir("train")
    base.build_model_function(base).save(base.keras_log_dir_path)
    create_model_archive(base, quantized=False)
    trains_a_step(specification("keyword_spotting_with_transfer_learning"))
