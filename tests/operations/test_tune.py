"""``tune``: what is written, what is not, and that the model keeps the rest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from helpers.listening_models import listening_model
from helpers.streams import write_half_labeled_recording
from mltk.errors import EvaluationError
from mltk.operations.evaluate_stream import evaluate_stream
from mltk.operations.results.protocol import Results
from mltk.operations.results.stream import rate_text
from mltk.operations.results.tune import TuneResults
from mltk.operations.tune import tune_model
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters

NAMES = ("average_window_duration_ms", "detection_threshold", "suppression_ms", "minimum_count")
WANTED = 600.0  # an hour: the model has random weights


@pytest.fixture
def spotter(tmp_path: Path) -> Path:
    path = tmp_path / "spotter.tflite"
    path.write_bytes(listening_model(detection_threshold_list=[10, 20, 30]))
    return path


@pytest.fixture
def audio(tmp_path: Path, spotter: Path) -> Path:
    return write_half_labeled_recording(tmp_path, spotter)


def test_the_settings_are_written_and_evaluated_again(spotter: Path, audio: Path, tmp_path: Path) -> None:
    before = TfliteModel.load_flatbuffer_file(str(spotter))
    results = tune_model(spotter, audio, max_false_accepts=WANTED, tolerance_s=0.1)
    after = TfliteModel.load_flatbuffer_file(str(spotter))
    old, new = stored_parameters(before), stored_parameters(after)
    assert {name: new[name] for name in NAMES} == results.parameters
    assert "detection_threshold_list" not in new
    changed = {*NAMES, "detection_threshold_list"}
    assert {k: v for k, v in new.items() if k not in changed} == {k: v for k, v in old.items() if k not in changed}
    assert results.path == str(spotter)
    evaluated = evaluate_stream(spotter, audio, output=tmp_path / "out", tolerance_s=0.1, clips=False)
    assert evaluated.false_accepts_per_hour == results.after["false_accepts_per_hour"] <= WANTED
    assert evaluated.false_reject_rate == results.after["false_reject_rate"]
    np.testing.assert_array_equal(evaluated.curve["false_accepts_per_hour"], results.curve["false_accepts_per_hour"])
    assert results.after["false_reject_rate"] < 1
    assert results.before["settings"]["detection_threshold"] == [10, 20, 30]
    assert any("detection_threshold_list) are replaced" in note for note in results.notes)


def test_a_dry_run_and_an_output_leave_the_model_as_it_is(spotter: Path, audio: Path, tmp_path: Path) -> None:
    content = spotter.read_bytes()
    dry = tune_model(spotter, audio, max_false_accepts=WANTED, tolerance_s=0.1, dry_run=True)
    assert dry.path is None
    other = tune_model(spotter, audio, max_false_accepts=WANTED, tolerance_s=0.1, output=tmp_path / "tuned")
    assert spotter.read_bytes() == content
    assert other.parameters == dry.parameters
    written = TfliteModel.load_flatbuffer_file(str(tmp_path / "tuned" / "spotter.tflite"))
    assert stored_parameters(written)["detection_threshold"] == dry.parameters["detection_threshold"]


def test_a_model_in_memory_is_changed_in_memory(spotter: Path, audio: Path) -> None:
    model = TfliteModel.load_flatbuffer_file(str(spotter))
    results = tune_model(model, audio, max_false_accepts=WANTED, tolerance_s=0.1)
    assert stored_parameters(model)["detection_threshold"] == results.parameters["detection_threshold"]
    assert results.path is None


def test_nothing_is_written_after_an_error(spotter: Path, audio: Path) -> None:
    content = spotter.read_bytes()
    with pytest.raises(EvaluationError, match="too short to see a rate of 1 false accepts"):
        tune_model(spotter, audio)
    assert spotter.read_bytes() == content


def test_short_audio_and_an_impossible_rate_are_named(spotter: Path, audio: Path) -> None:
    content = spotter.read_bytes()
    results = tune_model(spotter, audio, max_false_accepts=200, tolerance_s=0.1, dry_run=True)
    assert "0.0167 h of audio are short for this rate. Give 0.02 h or more." in results.notes
    with pytest.raises(EvaluationError, match="wanted rate is 0 false accepts"):
        tune_model(spotter, audio, max_false_accepts=0)
    assert spotter.read_bytes() == content


def test_the_results_say_what_to_write_into_the_specification(spotter: Path, audio: Path, tmp_path: Path) -> None:
    results = tune_model(spotter, audio, max_false_accepts=WANTED, tolerance_s=0.1, dry_run=True)
    assert isinstance(results, TuneResults)
    assert isinstance(results, Results)
    threshold = results.parameters["detection_threshold"]
    assert f'my_model.model_parameters["detection_threshold"] = {threshold}' in str(results)
    assert "false rejects" in str(results)
    expected = results.expected
    low, high = expected["false_accepts_per_hour_interval"]
    assert low < expected["false_accepts_per_hour"] < high
    text = " ".join(str(results).split())
    rate = rate_text(expected["false_accepts_per_hour"], 2)
    assert f"{rate} false accepts an hour ({rate_text(low, 2)} to {rate_text(high, 2)})" in text
    assert expected["false_accepts_per_hour"] == (expected["false_accepts"] + 1) / expected["hours"]
    # What chose the averaging window is not in the figures that are expected of other audio.
    assert 0.5 < expected["hours"] / results.hours < 0.9
    assert expected["n_keywords"] < results.n_keywords
    assert "One time in 5, the true rate is above the wanted rate." in text
    paths = results.save(str(tmp_path / "report"))
    assert json.loads(Path(paths[0]).read_text())["parameters"] == results.parameters
