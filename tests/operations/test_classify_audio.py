"""``mltk classify_audio``: the terminal hears what Python hears, and the page is served."""

from __future__ import annotations

import contextlib
import io
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from helpers.browser import Browser
from helpers.listening_models import CLASSES, RATE, listening_model, sounds, streaming_model
from helpers.try_page import TRIED, status
from mltk.audio.files import read_audio_int16, write_audio
from mltk.audio.listening import Listening
from mltk.cli.main import cli
from mltk.errors import UnsupportedModelError
from mltk.micro.engines.run import run_batch
from mltk.operations.classify_audio import Classified, classify_audio
from mltk.operations.shared import page_server
from mltk.tflite.model import TfliteModel


def detected(model: bytes, samples: np.ndarray) -> list[Any]:
    tflite = TfliteModel(model)
    listening = Listening.of(tflite)
    (inputs, times), *_ = listening.batches(samples)
    result = run_batch(tflite, inputs, engine="tflm", reset_between_samples=not listening.keeps_state)
    return listening.make_detector().feed(listening.scores(result.outputs[0]), times)


@pytest.fixture
def ear(tmp_path: Path) -> str:
    (tmp_path / "ear.tflite").write_bytes(listening_model())
    return str(tmp_path / "ear.tflite")


@pytest.fixture
def spoken(tmp_path: Path) -> str:
    return write_audio(str(tmp_path / "spoken.wav"), sounds(3.0), RATE)


def test_a_file_has_the_detections_of_the_device(ear: str, spoken: str, tmp_path: Path) -> None:
    heard, features = str(tmp_path / "heard.wav"), str(tmp_path / "out" / "features.npy")
    found = classify_audio(ear, file=spoken, dump_audio=heard, dump_spectrograms=features)
    assert isinstance(found, Classified)
    assert found.detections == detected(listening_model(), sounds(3.0))
    assert found.seconds == 3.0
    np.testing.assert_array_equal(read_audio_int16(heard, RATE)[0], sounds(3.0))
    (inputs, _), *_ = Listening.of(TfliteModel(listening_model())).batches(sounds(3.0))
    np.testing.assert_array_equal(np.load(features), inputs)
    assert f"Wrote {heard}" in found.to_text()


def test_a_model_that_keeps_state_listens_too(spoken: str) -> None:
    model = TfliteModel(streaming_model())
    found = classify_audio(model, file=spoken)
    assert isinstance(found, Classified)
    assert len(found.detections) > 2
    assert found.detections == detected(streaming_model(), sounds(3.0))
    assert classify_audio(model, port=0, browser=False, timeout=0.01)  # the page


def test_settings_replace_those_of_the_model(tmp_path: Path, spoken: str) -> None:
    model = TfliteModel(listening_model(detection_threshold_list=[250, 250, 255]))
    settings: dict[str, Any] = {"detection_threshold": 130, "suppression_ms": 100, "latency_ms": 80, "volume_gain": 2.0}
    found = classify_audio(model, file=spoken, settings=settings)
    assert isinstance(found, Classified)
    wanted = detected(listening_model(**settings), sounds(3.0))
    assert found.detections == wanted != detected(listening_model(), sounds(3.0))


def test_the_command_prints_a_line_for_each_detection(ear: str, spoken: str) -> None:
    done = CliRunner().invoke(cli, ["classify_audio", ear, "--file", spoken])
    assert done.exit_code == 0, done.output
    wanted = detected(listening_model(), sounds(3.0))
    lines = done.stdout.splitlines()
    assert lines[:-1] == [f"{d.time_ms / 1000:9.2f} s  {d.class_name}  score {d.score}" for d in wanted]
    assert re.fullmatch(rf"{len(wanted)} detections in 3\.0 s, \d+ inferences", lines[-1])


def test_what_was_heard_is_written(ear: str, spoken: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["classify_audio", "-x", "--dump-spectrograms", ear, "-f", spoken])
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("Wrote ear.heard.wav\nWrote ear.inputs.npy\n")
    np.testing.assert_array_equal(read_audio_int16("ear.heard.wav", RATE)[0], sounds(3.0))


def test_the_served_page_listens(ear: str, spoken: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serving = threading.Thread(
        target=classify_audio, args=[ear], kwargs={"port": port, "browser": False, "timeout": 60}, daemon=True
    )
    serving.start()
    fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with Browser(*fake, f"--use-file-for-fake-audio-capture={spoken}") as browser:
        for _ in range(100):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.1)
        page = browser.open(f"http://127.0.0.1:{port}/")
        page.wait_for(f"{TRIED} !== undefined")
        page.evaluate("document.getElementById('try-start').click()")
        page.wait_for(f"{TRIED}.live.detections.length > 2", 30)
        assert status(page) == "Listening."
        assert page.errors == []
        assert {url for url in page.outside if not url.endswith(f":{port}/")} == set()


def test_standard_input_is_heard(ear: str) -> None:
    done = CliRunner().invoke(cli, ["classify_audio", ear, "-f", "-", "-t", "255"], input=sounds(3.0).tobytes())
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("0 detections in 3.0 s")
    assert "Nothing can be detected: all classes" in done.stderr
    assert "Highest score of each class (of 255): yes 255, no " in done.stdout


def test_sound_that_is_too_short_is_said(ear: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\0\0" * 100)))
    found = classify_audio(ear, file="-")
    assert isinstance(found, Classified)
    assert "The sound is shorter than one inference." in found.to_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--device"], "'mltk compile' writes C code that listens"),
        (["--port", "COM1"], "For the port of the page, use --http-port"),
        (["--app", "x.s37"], "openmltk has no firmware"),
        (["--dump-raw-spectrograms"], "'mltk view_audio' shows raw features"),
        (["-x"], "Add --terminal or --file"),
    ],
)
def test_options_of_boards_say_what_to_use_instead(ear: str, words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, ["classify_audio", ear, *words])
    assert done.exit_code == 2
    assert said in done.output


def test_options_that_change_nothing_are_ignored_aloud(ear: str, spoken: str) -> None:
    done = CliRunner().invoke(cli, ["classify_audio", ear, "-f", spoken, "-a", "mvp", "-i", "0.5"])
    assert done.exit_code == 0
    assert "--accelerator is ignored. An accelerator computes the same numbers." in done.stderr
    assert "--sensitivity is ignored. It is the brightness of a board's LED." in done.stderr


def test_the_page_is_served_with_the_settings(ear: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pages = []
    monkeypatch.setattr(page_server, "serve", lambda *a, **options: pages.append((*a, options)) or "url")
    assert classify_audio(ear, settings={"detection_threshold": 77}, port=0, browser=False, timeout=1) == "url"
    ((page, what, options),) = pages
    assert what == "ear listens"
    assert options == {"port": 0, "browser": False, "timeout": 1}
    assert '"thresholds":[77,77,255]' in page.replace(" ", "")
    for name in CLASSES:
        assert name in page


def test_a_model_that_does_not_listen_is_refused(spoken: str) -> None:
    model = TfliteModel(listening_model(logits=True))
    for file in (spoken, None):
        with pytest.raises(UnsupportedModelError, match="is not a probability"):
            classify_audio(model, file=file)
