"""A recording that is joined of the evaluation clips of a specification."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import mltk
from helpers.audio_folder import CLASSES, noise_folder, tones_folder
from helpers.listening_models import listening_model
from mltk.errors import DatasetError, SpecificationError
from mltk.operations.evaluate_stream import evaluate_stream
from mltk.operations.tune import tune_model
from mltk.specification.archive_file import write_archive
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters

pytestmark = pytest.mark.tf


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """A spotter of tones."""


class WithoutAudio(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """A spotter whose dataset is not of audio files."""


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A specification with an archive, whose network has random weights."""
    model = Model(str(tmp_path / "spotter.py"))
    model.classes = list(CLASSES)
    model.dataset = str(tones_folder(tmp_path / "tones"))
    model.seed = 1
    frontend = mltk.AudioFeatureGeneratorSettings(window_size_ms=30, window_step_ms=20, filterbank_n_channels=16)
    model.datagen = mltk.ParallelAudioDataGenerator(
        frontend_settings=frontend, frontend_dtype="int8", validation_split=0.2
    )
    tflite = listening_model(frontend=frontend, classes=list(CLASSES))
    write_archive(model.archive_path, {"spotter.tflite": tflite}, {})
    return model


def test_the_evaluation_clips_are_joined_and_the_results_say_so(model: Model, tmp_path: Path) -> None:
    results = evaluate_stream(model, hours=0.05, output=tmp_path / "out", keep=tmp_path / "kept")
    assert results.is_joined
    assert results.hours == pytest.approx(0.05)
    assert 20 < results.n_keywords < 80
    assert "0.05 h of audio were joined from 12 evaluation clips and generated noise (seed 1)" in results["notes"][0]
    assert "joined from clips and noise" in str(results)
    with zipfile.ZipFile(model.archive_path) as archive:
        assert "eval/stream/eval-results.json" in archive.namelist()
    # The kept recording is one like any other.
    again = evaluate_stream(model, tmp_path / "kept", output=tmp_path / "again")
    assert again.detections == results.detections
    assert not again.is_joined


def test_background_recordings_of_the_data_generator_are_used(model: Model, tmp_path: Path) -> None:
    model.datagen.bg_noise_dir = str(noise_folder(tmp_path / "noise"))
    results = evaluate_stream(model, hours=0.02, output=tmp_path / "out", update_archive=False)
    assert "12 evaluation clips and 2 background recordings" in results["notes"][0]
    with zipfile.ZipFile(model.archive_path) as archive:
        assert "eval/stream/eval-results.json" not in archive.namelist()


def test_a_specification_is_tuned_and_its_archive_changed(model: Model) -> None:
    results = tune_model(model, hours=0.05, max_false_accepts=10_000)
    with zipfile.ZipFile(model.archive_path) as archive:
        stored = stored_parameters(TfliteModel(archive.read("spotter.tflite")))
    assert stored["detection_threshold"] == results.parameters["detection_threshold"]
    assert results.path == model.archive_path
    assert "(seed 0)" in results.notes[0]


def test_a_dataset_without_audio_files_cannot_be_joined(model: Model, tmp_path: Path) -> None:
    model.dataset = lambda: (np.zeros((4, 49, 16, 1), np.float32), np.zeros(4, int))
    with pytest.raises(DatasetError, match="are not audio files, of which clips could be joined"):
        evaluate_stream(model, hours=0.01, output=tmp_path / "out")
    other = WithoutAudio(str(tmp_path / "spotter.py"))
    with pytest.raises(SpecificationError, match="lacks AudioDatasetMixin"):
        evaluate_stream(other, hours=0.01, output=tmp_path / "out")
