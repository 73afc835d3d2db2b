"""A report of each kind, from a real training, in a real browser: no error, nothing requested, small and fast."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import mltk
from helpers.audio_folder import CLASSES, tones_folder
from helpers.browser import Browser, Page
from mltk.models.examples import digits
from mltk.operations.report import report_model

pytestmark = pytest.mark.tf
MAX_BYTES = 3_000_000
"""Largest size of a report without samples."""


class Machine(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateAutoEncoderMixin):
    """Waves are normal, noise is not."""


class Tones(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """Low, middle and high tones."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLTK_USER_DIR", str(folder / "user"))
        yield folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


def done(model: Any) -> str:
    """Train and evaluate a model, and return the path of its archive."""
    results = mltk.train_model(model)
    for tflite in (False, True):
        mltk.evaluate_model(model, tflite=tflite)
    assert results.model_archive_path is not None
    return results.model_archive_path


def script(folder: Path, name: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text("# @mltk_model\n")
    return path


def dense(n_outputs: int, activation: str, loss: str) -> Any:
    def build(model: Any) -> Any:
        layers = keras.layers
        shape = model.input_shape
        n = n_outputs or int(np.prod(shape))
        last = [] if n_outputs else [layers.Reshape(shape)]
        built = keras.Sequential(
            [keras.Input(shape), layers.Flatten(), layers.Dense(16, "relu"), layers.Dense(n, activation), *last]
        )
        built.compile("adam", loss, metrics=["accuracy"] if n_outputs else [])
        return built

    return build


@pytest.fixture(scope="module")
def pictures(folder: Path) -> str:
    model = digits.Digits(script(folder, "pictures"))
    model.dataset = digits.digits_dataset
    model.classes, model.input_shape = [str(d) for d in range(10)], (8, 8, 1)
    model.build_model_function = dense(10, "softmax", "sparse_categorical_crossentropy")
    model.validation_split, model.epochs, model.seed = 0.1, 2, 1
    model.tflite_converter |= {"inference_input_type": "int8", "inference_output_type": "int8"}
    return done(model)


@pytest.fixture(scope="module")
def sounds(folder: Path) -> str:
    model = Tones(script(folder, "sounds"))
    model.classes, model.dataset = list(CLASSES), str(tones_folder(folder / "tones", takes=2))
    settings = mltk.AudioFeatureGeneratorSettings(window_size_ms=30, window_step_ms=20, filterbank_n_channels=16)
    model.datagen = mltk.ParallelAudioDataGenerator(
        frontend_settings=settings, frontend_dtype="int8", validation_split=0.5
    )
    model.build_model_function = dense(3, "softmax", "categorical_crossentropy")
    model.epochs, model.batch_size, model.seed = 1, 8, 1
    model.optimizer = keras.optimizers.SGD(1e-6)
    model.tflite_converter |= {"inference_input_type": "int8", "inference_output_type": "int8"}
    return done(model)


@pytest.fixture(scope="module")
def autoencoder(folder: Path) -> str:
    def load(subset: str) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(len(subset))
        waves = np.sin(np.linspace(0, 6, 50)[None, :, None] + rng.uniform(0, 6, (150, 1, 3)))
        noise = rng.normal(size=(150, 50, 3))
        if subset == "training":
            return waves.astype(np.float32), waves.astype(np.float32)
        return np.concatenate([waves, noise]).astype(np.float32), np.repeat([0, 1], 150)

    model = Machine(script(folder, "autoencoder"))
    model.dataset, model.input_shape = load, (50, 3)
    model.classes = model.eval_classes = ["wave", "noise"]
    model.build_model_function = dense(0, "linear", "mse")
    model.epochs, model.seed = 3, 1
    model.tflite_converter |= {"inference_input_type": "int8", "inference_output_type": "int8"}
    return done(model)


def samples_bytes(page: Page) -> int:
    """Bytes of embedded pictures and sounds."""
    return int(
        page.evaluate("[...document.querySelectorAll('img, audio, svg')].reduce((n, e) => n + e.outerHTML.length, 0)")
    )


def check(browser: Browser, path: str, capsys: pytest.CaptureFixture[str]) -> Page:
    """Open a report, check it at all widths, and print its size and the time to load it."""
    size = Path(path).stat().st_size
    page = browser.page
    for width in (390, 820, 1440):
        for dark in (False, True):
            page.resize(width, mobile=width < 600, dark=dark)
            browser.open(Path(path).as_uri())
            assert page.errors == []
            assert page.outside == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "can't be shown" not in page.evaluate("document.body.textContent")
    assert page.evaluate("document.querySelectorAll('[role=alert]').length") == 0
    samples = samples_bytes(page)
    assert size - samples <= MAX_BYTES
    with capsys.disabled():
        name = Path(path).name
        print(
            f"\n{name}: {size / 1000:.0f} kB, of which samples {samples / 1000:.0f} kB; opens in {page.load_ms:.0f} ms"
        )
    return page


def test_a_classifier_of_pictures(browser: Browser, pictures: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = check(browser, report_model(pictures), capsys)
    assert page.evaluate("document.querySelectorAll('#mistakes img').length") > 3
    assert page.evaluate("[...document.querySelectorAll('#mistakes img')].every(i => i.naturalWidth === 8)")
    assert page.evaluate("document.querySelectorAll('canvas').length") >= 6


def test_a_classifier_of_sounds(browser: Browser, sounds: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = check(browser, report_model(sounds), capsys)
    assert page.evaluate("document.querySelectorAll('#mistakes audio').length") > 3
    # A sound plays: the browser decodes its data and knows its length.
    duration = page.evaluate(
        "new Promise(done => { const a = document.querySelector('#mistakes audio'); a.onloadedmetadata = () => "
        "done(a.duration); a.onerror = () => done(-1); a.load(); a.preload = 'metadata'; })"
    )
    assert 0.4 < duration < 1.0
    assert page.evaluate("document.querySelector('#mistakes img').naturalWidth") == 49
    assert ".wav" in page.evaluate("document.querySelector('#mistakes .sample').innerText")


def test_an_autoencoder(browser: Browser, autoencoder: str, capsys: pytest.CaptureFixture[str]) -> None:
    page = check(browser, report_model(autoencoder), capsys)
    assert page.evaluate("document.querySelectorAll('#mistakes svg').length") >= 4
    assert "normal samples" in page.evaluate("document.querySelector('#summary').innerText")


def test_two_models_compared(
    browser: Browser, pictures: str, sounds: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = check(browser, report_model(pictures, sounds, output=folder / "comparison.html"), capsys)
    assert page.evaluate("document.querySelector('h1').innerText") == "pictures, sounds"
    assert "different classes" in page.evaluate("document.querySelector('#summary').innerText")


def test_the_mistakes_name_the_files_that_are_wrong(sounds: str) -> None:
    """Each name is a file of the true class, and the stored sound is that of the file."""
    import zipfile

    with zipfile.ZipFile(sounds) as archive:
        evidence = json.loads(archive.read("eval/tflite/evidence.json"))
    assert evidence["samples"]
    for sample in evidence["samples"]:
        assert sample["name"].startswith(f"{evidence['classes'][sample['true']]}/")
        assert sample["predicted"] != sample["true"]
