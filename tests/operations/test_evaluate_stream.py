"""Spotters on streams: what is written, what is refused, and that the figures are those of the device's steps."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from helpers.listening_models import RATE, listening_model, settings, sounds, streaming_model
from helpers.streams import write_recording
from mltk.audio.files import read_audio_int16
from mltk.audio.listening import Listening
from mltk.errors import DatasetError, EvaluationError, RuntimeFailure
from mltk.files import write_file
from mltk.micro.engines.run import run_batch
from mltk.operations.evaluate_stream import evaluate_stream
from mltk.operations.report import report_model
from mltk.operations.results.stream import StreamEvaluationResults, rate_text
from mltk.operations.update_params import update_model_parameters
from mltk.specification.archive_file import write_archive
from mltk.tflite.model import TfliteModel

SECONDS = 60.0


def write_model(folder: Path, **changes: object) -> Path:
    write_file(folder / "spotter.tflite", listening_model(**changes))  # type: ignore[arg-type]
    return folder / "spotter.tflite"


def detections_in_python(model: TfliteModel, samples: np.ndarray) -> list[tuple[str, float, int]]:
    """Compute the detections in one piece, with the interpreter."""
    listening = Listening.of(model)
    ((inputs, times),) = listening.batches(samples, size=100_000)
    scores = listening.scores(run_batch(model, inputs, reset_between_samples=not listening.keeps_state).outputs[0])
    return [(d.class_name, d.time_ms / 1000, d.score) for d in listening.make_detector().feed(scores, times)]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> tuple[StreamEvaluationResults, Path, TfliteModel]:
    """Two recordings. Some detections of the first have a label, and one label is of a word that is not detected."""
    folder = tmp_path_factory.mktemp("stream")
    model = TfliteModel.load_flatbuffer_file(str(write_model(folder)))
    first = sounds(SECONDS, seed=5)
    found = detections_in_python(model, first)
    assert len(found) > 10
    name, time_s, _ = found[3]
    other = "no" if name == "yes" else "yes"
    labels = [(time_s - 0.3, time_s - 0.1, name), (found[5][1] - 0.1, found[5][1] - 0.05, "yes"), (55.0, 55.1, other)]
    write_recording(folder / "audio", "first", first, labels=labels)
    write_recording(folder / "audio", "second", sounds(20.0, seed=6), labels=[])
    results = evaluate_stream(folder / "spotter.tflite", folder / "audio", output=folder / "out", tolerance_s=0.2)
    return results, folder, model


def test_the_detections_are_those_of_the_device(
    evaluated: tuple[StreamEvaluationResults, Path, TfliteModel],
) -> None:
    results, folder, model = evaluated
    for name in ("first", "second"):
        samples, _ = read_audio_int16(str(folder / "audio" / f"{name}.wav"), RATE)
        own = [d for d in results.detections if d["recording"] == f"{name}.wav"]
        assert [(d["keyword"], d["time_s"], d["score"]) for d in own] == detections_in_python(model, samples)
    assert results.hours == pytest.approx((SECONDS + 20) / 3600)


def test_the_figures_agree_with_each_other(evaluated: tuple[StreamEvaluationResults, Path, TfliteModel]) -> None:
    results, _, _ = evaluated
    hits = [d for d in results.detections if d["verdict"] == "hit"]
    assert hits
    assert results.n_keywords == 3
    assert results.false_rejects == len(results.missed) == 3 - len(hits)
    assert results.false_accepts == len(results.detections) - len(hits)
    assert results.false_accepts_per_hour == pytest.approx(results.false_accepts / results.hours)
    low, high = results["false_accepts_per_hour_interval"]
    assert low < results.false_accepts_per_hour < high
    assert sum(k["false_accepts"] for k in results.keywords.values()) == results.false_accepts
    threshold = results.settings["detection_threshold"]
    assert results.curve["false_accepts_per_hour"][threshold] == results.false_accepts_per_hour
    assert results.curve["false_reject_rate"][threshold] == results.false_reject_rate
    assert results.curve["mean_latency_ms"][threshold] == pytest.approx(results.latency_ms["mean"])
    assert results.settings["latency_ms"] == 40


def test_the_results_are_written_as_plain_data_text_and_plots(
    evaluated: tuple[StreamEvaluationResults, Path, TfliteModel],
) -> None:
    results, folder, _ = evaluated
    plain = json.loads((folder / "out" / "eval-results.json").read_text())
    assert plain["model_type"] == "stream"
    assert len(plain["curve"]["thresholds"]) == len(plain["curve"]["keywords"]["no"]["false_reject_rate"]) == 255
    assert plain["detections"] == results.detections
    assert (folder / "out" / "spotter-stream_errors.png").stat().st_size > 5000
    assert (folder / "out" / "spotter-stream_thresholds.png").exists()
    text = (folder / "out" / "summary.txt").read_text()
    for part in ("recordings, 3 keywords", "False accepts: ", " an hour (", "times real time", "(the model's)"):
        assert part in text
    assert text == results.generate_summary() + "\n"


def test_errors_are_written_as_clips_in_class_folders(
    evaluated: tuple[StreamEvaluationResults, Path, TfliteModel],
) -> None:
    results, folder, _ = evaluated
    clips = folder / "out" / "clips"
    wrong = [d for d in results.detections if d["verdict"] in ("false accept", "confusion")]
    paths = sorted(p.relative_to(clips).as_posix() for p in clips.rglob("*.wav"))
    assert len(paths) == results["n_clips"] == len(wrong) + results.false_rejects
    frontend = settings()
    length = frontend.window_size + 18 * frontend.window_step
    d = next(d for d in wrong if d["verdict"] == "false accept")
    stem = Path(d["recording"]).stem
    path = clips / "_unknown_" / f"false-{d['keyword']}-{stem}-{d['time_s']:010.3f}.wav"
    audio, rate = read_audio_int16(str(path), RATE)
    recording, _ = read_audio_int16(str(folder / "audio" / d["recording"]), RATE)
    end = round(d["time_s"] * RATE)
    assert (len(audio), rate) == (length, RATE)
    np.testing.assert_array_equal(audio, recording[end - length : end])
    assert {p.split("/")[1].split("-")[0] for p in paths if not p.startswith("_")} <= {"missed", "false"}


def archived(folder: Path, **settings_of_model: object) -> Path:
    path = folder / "spotter.mltk.zip"
    members: dict[str, bytes | str] = {"spotter.tflite": listening_model(), "spotter.py": b"# @mltk_model"}
    write_archive(str(path), members, {"name": "spotter", "settings": settings_of_model})
    return path


def test_the_report_in_the_archive_shows_the_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltk.operations.shared.archived_report.user_dir", lambda: tmp_path / "user")
    path = archived(tmp_path)
    audio = write_recording(tmp_path, samples=sounds(20.0, seed=5), labels=[(1.0, 1.2, "yes")])
    results = evaluate_stream(path, audio, clips=False)
    with zipfile.ZipFile(path) as archive:
        page = archive.read("report.html").decode()
    assert "Keywords in hours of audio" in page
    assert f"{results.false_accepts + results.false_rejects} errors at the settings of the model" in page
    assert (tmp_path / "user" / "models" / "spotter" / "report.html").read_text("utf-8") == page


def test_a_report_says_that_the_detector_was_changed_after_the_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mltk.operations.shared.archived_report.user_dir", lambda: tmp_path / "user")
    path = archived(tmp_path)
    evaluate_stream(path, write_recording(tmp_path, samples=sounds(5.0, seed=5)), clips=False)
    told = "After the evaluation of the stream, the detector was changed"
    page = Path(report_model(path, output=tmp_path / "a.html", parity=False)).read_text("utf-8")
    assert told not in page
    update_model_parameters(str(path), {"detection_threshold": 231, "suppression_ms": 1234})
    page = Path(report_model(path, output=tmp_path / "a.html", parity=False)).read_text("utf-8")
    assert told in page
    assert "to 231, suppression_ms from" in page


def test_changed_parameters_renew_the_stored_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltk.operations.shared.archived_report.user_dir", lambda: tmp_path / "user")
    path = archived(tmp_path)
    evaluate_stream(path, write_recording(tmp_path, samples=sounds(5.0, seed=5)), clips=False)
    update_model_parameters(str(path), {"detection_threshold": 231, "suppression_ms": 1234})
    with zipfile.ZipFile(path) as archive:
        page = archive.read("report.html").decode()
    assert "to 231, suppression_ms from" in page
    # The archive was named by its path. The log folder may be that of another model of this name.
    assert (tmp_path / "user" / "models" / "spotter" / "report.html").read_text("utf-8") != page


@pytest.mark.parametrize(("html_report", "report", "expected"), [(False, None, False), (False, True, True)])
def test_the_setting_decides_about_the_report_unless_the_call_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, html_report: bool, report: bool | None, expected: bool
) -> None:
    monkeypatch.setattr("mltk.operations.shared.archived_report.user_dir", lambda: tmp_path / "user")
    path = archived(tmp_path, html_report=html_report)
    evaluate_stream(path, write_recording(tmp_path), clips=False, report=report)
    with zipfile.ZipFile(path) as archive:
        assert ("report.html" in archive.namelist()) == expected
        assert "eval/stream/eval-results.json" in archive.namelist()


def test_rates_are_written_without_an_exponent() -> None:
    rates = {637.0: "637", 1234.4: "1234", 99.6: "99.6", 3.504: "3.5", 0.012345: "0.0123", 0.0: "0"}
    assert {rate: rate_text(rate) for rate in rates} == rates
    assert [rate_text(rate, 2) for rate in (132.58, 90.4, 9.04, 0.123)] == ["133", "90", "9", "0.12"]


def test_a_second_run_replaces_only_its_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mltk.operations.shared.archived_report.user_dir", lambda: tmp_path / "user")
    model = write_model(tmp_path)
    audio = write_recording(tmp_path, samples=sounds(10.0, seed=5))
    folder = Path(evaluate_stream(model, audio)["folder"])
    assert folder == tmp_path / "user" / "models" / "spotter" / "eval" / "stream"
    (folder / "clips" / "old").mkdir(parents=True)
    results = evaluate_stream(model, audio, clips=False)
    assert not (folder / "clips").exists()
    assert results.get("clips") is None
    assert "no label files: every detection counts as a false accept" in str(results)


def test_several_batches_and_other_engines_have_the_same_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, audio = write_model(tmp_path), write_recording(tmp_path, samples=sounds(30.0, seed=5))
    one = evaluate_stream(model, audio, output=tmp_path / "a", engine="c")
    assert one["engine"] == "c"
    assert "random inferences equal to" in one["engine_description"]
    monkeypatch.setattr("mltk.audio.streams.scoring._BATCH_BYTES", 1)  # blocks of a second
    assert evaluate_stream(model, audio, output=tmp_path / "b").detections == one.detections
    monkeypatch.setenv("CC", "/nowhere/cc")
    other = evaluate_stream(model, audio, output=tmp_path / "c")
    assert other["engine"] != "c"
    assert any("not computed by its C code" in note for note in other["notes"])
    assert other.detections == one.detections


def test_c_code_that_differs_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mltk.codegen.host import HostModel

    run = HostModel.run
    monkeypatch.setattr(HostModel, "run", lambda self, inputs: [o ^ 1 for o in run(self, inputs)])
    with pytest.raises(RuntimeFailure, match="C code of the model differs from"):
        evaluate_stream(write_model(tmp_path), write_recording(tmp_path), output=tmp_path / "out")


def test_missing_parameters_of_the_detector_are_reported(tmp_path: Path) -> None:
    model = write_model(tmp_path, minimum_count=None, suppression_ms=None)
    results = evaluate_stream(model, write_recording(tmp_path), output=tmp_path / "out")
    (note,) = [note for note in results["notes"] if "has no parameters" in note]
    assert note.endswith("The defaults are used: suppression_ms 750, minimum_count 3.")


def test_thresholds_for_each_class_are_used(tmp_path: Path) -> None:
    audio = write_recording(tmp_path, samples=sounds(30.0, seed=5))
    never = evaluate_stream(write_model(tmp_path, detection_threshold_list=[255, 90, 0]), audio, output=tmp_path / "a")
    assert {d["keyword"] for d in never.detections} == {"no"}
    assert never.settings["detection_threshold_list"] == [255, 90, 0]
    assert "(the model's)" not in str(never)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"logits": True}, "spotter can't be evaluated on a stream: The output .* is not a probability"),
        ({"samplewise_norm.center": True}, "can't be evaluated on a stream: The features are normalized"),
    ],
)
def test_a_model_that_no_device_could_run_is_refused(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        evaluate_stream(write_model(tmp_path, **changes), write_recording(tmp_path))


def test_a_model_keeps_its_state_through_each_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "stream.tflite"
    write_file(path, streaming_model())
    monkeypatch.setattr("mltk.audio.streams.scoring._BATCH_BYTES", 1)  # blocks of a second
    for name, seed in (("a", 5), ("b", 6)):
        write_recording(tmp_path / "audio", name, sounds(30.0, seed=seed), labels=[])
    results = evaluate_stream(path, tmp_path / "audio", output=tmp_path / "out")
    model = TfliteModel.load_flatbuffer_file(str(path))
    for name, seed in (("a", 5), ("b", 6)):
        own = [(d["keyword"], d["time_s"], d["score"]) for d in results.detections if d["recording"] == f"{name}.wav"]
        assert own == detections_in_python(model, sounds(30.0, seed=seed))
        assert len(own) > 5
    assert "; 32 inferences equal to" in results["engine_description"]
    assert results.tolerance_s == pytest.approx(0.39)  # the clip, not the rows of an inference


def test_a_model_that_keeps_state_needs_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "stream.tflite", streaming_model())
    monkeypatch.setenv("CC", "/nowhere/cc")
    with pytest.raises(RuntimeFailure, match="The compiler /nowhere/cc can't be started"):
        evaluate_stream(tmp_path / "stream.tflite", write_recording(tmp_path))


def test_a_model_that_is_not_of_audio_is_refused(tmp_path: Path, cnn: bytes) -> None:
    write_file(tmp_path / "cnn.tflite", cnn)
    with pytest.raises(EvaluationError, match=r"(?s)no parameters of the audio frontend.*A stream needs a quantized"):
        evaluate_stream(tmp_path / "cnn.tflite", write_recording(tmp_path))


def test_impossible_arguments_are_refused(tmp_path: Path) -> None:
    model = write_model(tmp_path)
    with pytest.raises(DatasetError, match=r"(?s)A .tflite has no dataset.*--stream FOLDER"):
        evaluate_stream(model)
    with pytest.raises(EvaluationError, match="tolerance is -1 s"):
        evaluate_stream(model, tmp_path, tolerance_s=-1)
    with pytest.raises(EvaluationError, match="has 0 h; a joined one has up to 24 h"):
        evaluate_stream(model, hours=0)
    with pytest.raises(EvaluationError, match="no engine 'x'"):
        evaluate_stream(model, write_recording(tmp_path), engine="x")
