"""A page hears and sees what Python computes, in a real browser, and says what is wrong in plain words."""

from __future__ import annotations

import importlib.util
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from helpers.browser import Browser
from helpers.dense_models import dense_classifier
from helpers.listening_models import CLASSES, RATE, listening_model, settings, sounds
from helpers.try_page import PAGE, TRIED, choose_files, int16_of, open_page, status
from mltk.audio.detector import Detection, Detector, DetectorSettings
from mltk.audio.files import write_audio
from mltk.audio.frontend import AudioFeatureStream
from mltk.audio.listening import Listening
from mltk.browser.try_it import try_it, view_frontend
from mltk.errors import MissingDependencyError, SettingError, UnsupportedModelError
from mltk.image.files import read_image
from mltk.image.image_format import ImageFormat
from mltk.micro.engines.run import run_batch
from mltk.operations.classify_image import ClassifiedPictures, classify_image
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters
from mltk.tflite.quantization import quantize

FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as started:
        yield started


@pytest.fixture(scope="module")
def ear() -> TfliteModel:
    return TfliteModel(listening_model())


def detected(tflite: TfliteModel, samples: npt.NDArray[np.int16]) -> list[Detection]:
    """Return the detections of Python, with the scores of TensorFlow Lite Micro."""
    listening = Listening.of(tflite)
    detector, found = listening.make_detector(), []
    for inputs, times_ms in listening.batches(samples):
        scores = listening.scores(run_batch(tflite, inputs, engine="tflm").outputs[0])
        found += detector.feed(scores, times_ms)
    return found


def described(detections: list[Detection]) -> str:
    """Return detections as the page describes them."""
    if not detections:
        return "nothing was detected"
    return ", ".join(f"{d.class_name} at {d.time_ms / 1000:.2f} s ({d.score})" for d in detections)


def wav(folder: Path, samples: npt.NDArray[np.int16], rate: int = RATE) -> bytes:
    return Path(write_audio(str(folder / "written.wav"), samples, rate)).read_bytes()


def test_20_wav_files_have_the_detections_of_python(browser: Browser, ear: TfliteModel, tmp_path: Path) -> None:
    recordings = {f"{k}.wav": sounds(2.0, seed=k) for k in range(20)}
    page = open_page(browser, try_it(ear, name="ear", strict=True), tmp_path)
    rows = choose_files(page, {name: wav(tmp_path, samples) for name, samples in recordings.items()})
    assert rows == [(name, described(detected(ear, samples))) for name, samples in recordings.items()]
    assert sum(text.count(" at ") for _, text in rows) > 20
    assert page.errors == []
    assert page.outside == []


def test_moved_sliders_change_the_detections_as_in_python(browser: Browser, ear: TfliteModel, tmp_path: Path) -> None:
    page = open_page(browser, try_it(ear, name="ear", strict=True), tmp_path)
    samples = sounds(3.0)
    choose_files(page, {"a.wav": wav(tmp_path, samples)})
    for name, value in {"threshold": 150, "window": 500, "count": 4, "suppression": 100}.items():
        page.evaluate(
            f"(() => {{ const s = document.getElementById('try-{name}'); s.value = {value};"
            " s.dispatchEvent(new Event('input')); })()"
        )
    changed: dict[str, Any] = {"detection_threshold": 150, "average_window_duration_ms": 500, "minimum_count": 4}
    other = TfliteModel(listening_model(**changed, suppression_ms=100))
    expected = detected(other, samples)
    assert expected != detected(ear, samples)
    assert page.evaluate("document.querySelector('.try-files td').textContent") == described(expected)
    command = page.evaluate(f"[...{PAGE}.querySelectorAll('code')].map((c) => c.textContent).join('')")
    assert "mltk update_params ear detection_threshold=150" in command
    assert "average_window_duration_ms=500 minimum_count=4 suppression_ms=100" in command


def test_the_microphone_has_the_detections_of_python(ear: TfliteModel, tmp_path: Path) -> None:
    spoken = tmp_path / "spoken.wav"
    spoken.write_bytes(wav(tmp_path, sounds(5.0)))
    with Browser(*FAKE, f"--use-file-for-fake-audio-capture={spoken}") as browser:
        page = open_page(browser, try_it(ear, name="ear", strict=True), tmp_path)
        page.evaluate(
            "(() => { const add = AudioWorklet.prototype.addModule; AudioWorklet.prototype.addModule = "
            "function (url) { globalThis.workletUrl = url; return add.call(this, url); }; })()"
        )
        page.evaluate("document.getElementById('try-start').click()")
        page.wait_for(f"{TRIED}.live.ring.total > {3 * RATE}", 30)
        assert page.evaluate("workletUrl").startswith("data:")  # Chrome loads no blob in a page of a file
        page.evaluate("document.getElementById('try-start').click()")
        page.wait_for("document.querySelector('.try-status').textContent === 'Stopped.'")
        heard = int16_of(page, f"{TRIED}.recorded()")
        found = page.evaluate(f"{TRIED}.live.detections")
        assert page.errors == []
    assert np.abs(heard).max() > 500
    expected = detected(ear, heard)
    assert [(d["index"], d["name"], d["level"], d["timeMs"]) for d in found] == [
        (d.class_index, d.class_name, d.score, d.time_ms) for d in expected
    ]
    assert len(expected) > 3


def test_the_drawings_of_the_microphone_show_the_same_seconds(
    browser: Browser, ear: TfliteModel, tmp_path: Path
) -> None:
    """The newest ten seconds, or from the left what there is of them."""
    page = open_page(browser, try_it(ear, strict=True), tmp_path)
    row_ms = page.evaluate("JSON.parse(document.getElementById('try-it-data').textContent).step_ms")
    fit = round(10_000 / row_ms)
    column = f"""(canvas, share) => {{
      const c = {PAGE}.querySelectorAll('canvas')[canvas], x = Math.floor(c.width * share);
      return c.getContext('2d').getImageData(x, 0, 1, c.height).data; }}"""
    page.evaluate(
        f"(() => {{ const rows = (n, v) => Array.from({{length: n}}, () => new Uint16Array(16).fill(v)), t = {TRIED};"
        f" t.live.rows = [...rows(200, 0), ...rows({fit}, 600)]; t.live.ring.push(new Int16Array({RATE}).fill(20000));"
        " t.draw(); })()"
    )
    assert page.evaluate(f"({column})(1, 0.02)[0]") > 200  # bright: the 200 dark rows are older than ten seconds
    painted = f"((c) => c.filter((v, i) => i % 4 === 3 && v > 200).length)(({column})(0, SHARE))"
    assert page.evaluate(painted.replace("SHARE", "0.05")) > 20  # a second of sound is the first tenth
    assert page.evaluate(painted.replace("SHARE", "0.5")) <= 2


def test_a_refused_microphone_is_explained(ear: TfliteModel, tmp_path: Path, browser: Browser) -> None:
    page = open_page(browser, try_it(ear, strict=True), tmp_path)
    for error, wanted in {
        "NotAllowedError": "Allow it at the symbol beside the address",
        "NotFoundError": "finds no microphone. Plug one in",
        "NotReadableError": "Another program may use it",
    }.items():
        page.evaluate(
            f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('no', '{error}'); }}"
        )
        page.evaluate("document.getElementById('try-start').click()")
        page.wait_for(f"document.querySelector('.try-status').textContent.includes('{wanted}')")
        assert "You can open sound files instead" in status(page)
        assert page.evaluate("document.getElementById('try-start').disabled") is False


def test_a_silent_microphone_is_noticed(ear: TfliteModel, tmp_path: Path) -> None:
    silent = tmp_path / "silent.wav"
    silent.write_bytes(wav(tmp_path, np.zeros(4 * RATE, np.int16)))
    with Browser(*FAKE, f"--use-file-for-fake-audio-capture={silent}") as browser:
        for part in (try_it(ear, strict=True), view_frontend(settings())):
            page = open_page(browser, part, tmp_path)
            page.evaluate("document.getElementById('try-start').click()")
            page.wait_for("document.querySelector('.try-status').textContent.includes('only zeros')")


def test_files_that_are_not_sound_are_explained(browser: Browser, ear: TfliteModel, tmp_path: Path) -> None:
    page = open_page(browser, try_it(ear, strict=True), tmp_path)
    other_rate = sounds(2.0, rate=16000)
    rows = choose_files(
        page,
        {
            "notes.txt": b"not a sound",
            "empty.wav": b"",
            "header.wav": wav(tmp_path, sounds(1.0))[:44],
            "short.wav": wav(tmp_path, sounds(0.2)),
            "16k.wav": wav(tmp_path, other_rate, 16000),
        },
    )
    texts = dict(rows)
    assert texts["notes.txt"].startswith("The browser can't read this file as sound.")
    assert texts["empty.wav"] == "The file is empty."
    assert texts["header.wav"] == "The file has no samples."
    assert texts["short.wav"] == "shorter than the 390 ms of one inference"
    assert "changed from 16000 Hz" in texts["16k.wav"]


def test_what_was_heard_is_saved_for_training(browser: Browser, ear: TfliteModel, tmp_path: Path) -> None:
    page = open_page(browser, try_it(ear, strict=True), tmp_path)
    page.evaluate("document.getElementById('try-save').click()")
    page.wait_for(f"{PAGE}.textContent.includes('There is nothing to save yet.')")
    choose_files(page, {"a.wav": wav(tmp_path, sounds(3.0))})
    page.evaluate("document.getElementById('try-save-class').value = 'no'; document.getElementById('try-save').click()")
    page.wait_for("!document.getElementById('try-download').disabled")
    text = page.evaluate(f"{PAGE}.textContent")
    assert "no/own_" in text
    assert "1 in all" in text


def test_a_browser_without_webassembly_is_told(ear: TfliteModel, tmp_path: Path, browser: Browser) -> None:
    added = browser.page.call("Page.addScriptToEvaluateOnNewDocument", source="delete globalThis.WebAssembly")
    try:
        page = open_page(browser, try_it(ear, strict=True), tmp_path)
        assert "can't run WebAssembly" in status(page)
        assert "current Firefox" in status(page)
    finally:
        browser.page.call("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])


def test_the_frontend_page_computes_the_features_of_python(browser: Browser, tmp_path: Path) -> None:
    wanted = settings()
    page = open_page(browser, view_frontend(wanted), tmp_path)
    samples = sounds(1.0)
    encoded = ",".join(map(str, wav(tmp_path, samples)))
    page.evaluate(f"{TRIED}.openFile(new File([Uint8Array.of({encoded})], 'a.wav'))")
    for changes in ({}, {"filterbank_n_channels": 24}, {"noise_reduction_enable": 0}, {"log_scale_shift": 4}):
        for name, value in changes.items():
            page.evaluate(f"{TRIED}.change('{name}', {value})")
            setattr(wanted, name, bool(value) if name.endswith("enable") else value)
        rows = np.array(page.evaluate(f"{TRIED}.rows().map((r) => [...r])"), np.uint16)
        np.testing.assert_array_equal(rows, AudioFeatureStream(wanted).feed(samples))
    assert "filterbank_n_channels = 24" in page.evaluate(f"{PAGE}.querySelector('pre').textContent")
    page.evaluate(f"{TRIED}.change('window_step_ms', 90)")
    assert "These settings are impossible" in status(page)
    assert page.errors == []


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_have_the_scores_of_python(browser: Browser, tmp_path: Path, channels: int) -> None:
    model = dense_classifier((20, 24, channels))
    rng = np.random.default_rng(channels)
    sizes = [(20, 24), (61, 40), (9, 11), (300, 200)]
    pictures = {f"{k}.png": png(rng.integers(0, 256, (*size, 3)).astype(np.uint8)) for k, size in enumerate(sizes)}
    page = open_page(browser, try_it(model, strict=True), tmp_path)
    rows = choose_files(page, {**pictures, "text.png": b"not a picture"})
    for (name, text), k in zip(rows, range(4), strict=False):
        (tmp_path / name).write_bytes(pictures[name])
        pixels = read_image(str(tmp_path / name), ImageFormat(20, 24, channels))
        inputs = quantize(pixels.astype(np.float32), model.graph.inputs[0])[np.newaxis]
        outputs = run_batch(model, inputs, engine="tflm").outputs[0].ravel().astype(int) + 128
        assert page.evaluate(f"[...{TRIED}.files[{k}].scores]") == outputs.tolist()
        assert text.startswith(f"{CLASSES[int(outputs.argmax())]}, score {outputs.max()} of 255")
    assert "has only 11 × 9 pixels" in rows[2][1]
    assert rows[4] == ("text.png", "The browser can't read this file as a picture.")
    assert page.errors == []


@pytest.mark.parametrize(("scale", "zero"), [(1 / 255, -128), (2 / 255, 0)])
def test_the_range_of_the_input_says_how_pixels_become_values(
    browser: Browser, tmp_path: Path, scale: float, zero: int
) -> None:
    model = dense_classifier((20, 24, 3), scale=scale, zero=zero)
    pixels = np.random.default_rng(2).integers(0, 256, (20, 24, 3)).astype(np.uint8)
    page = open_page(browser, try_it(model, strict=True), tmp_path)
    choose_files(page, {"a.png": png(pixels)})
    (tmp_path / "a.png").write_bytes(png(pixels))
    expected = classify_image(model, files=[str(tmp_path / "a.png")])
    assert isinstance(expected, ClassifiedPictures)
    assert page.evaluate(f"[...{TRIED}.files[0].scores]") == expected.scores[0].tolist()
    assert expected.note in page.evaluate(f"{PAGE}.textContent")


def test_the_camera_has_the_detections_of_python(tmp_path: Path) -> None:
    detector: dict[str, Any] = {
        "average_window_duration_ms": 300,
        "minimum_count": 1,
        "detection_threshold": 1,
        "suppression_ms": 400,
    }
    model = dense_classifier((20, 24, 3), **detector)
    with Browser(*FAKE) as browser:
        page = open_page(browser, try_it(model, strict=True), tmp_path)
        page.evaluate("document.getElementById('try-start').click()")
        page.wait_for(f"{TRIED}.live.results.length > 15", 60)
        assert status(page) == "Looking."
        page.evaluate("document.getElementById('try-start').click()")
        assert status(page) == "Stopped."
        results = page.evaluate(f"{TRIED}.live.results.map((r) => [[...r.scores], r.timeMs])")
        found = page.evaluate(f"{TRIED}.live.detections")
        assert page.errors == []
    python = Detector(DetectorSettings.from_parameters(detector), CLASSES)
    expected = python.feed(np.array([scores for scores, _ in results], np.uint8), [time for _, time in results])
    assert [(d["name"], d["level"], d["timeMs"]) for d in found] == [
        (d.class_name, d.score, d.time_ms) for d in expected
    ]


def test_a_browser_that_keeps_its_own_rate_is_helped(ear: TfliteModel, tmp_path: Path) -> None:
    spoken = tmp_path / "spoken.wav"
    spoken.write_bytes(wav(tmp_path, sounds(5.0)))
    with Browser(*FAKE, f"--use-file-for-fake-audio-capture={spoken}") as browser:
        page = open_page(browser, try_it(ear, strict=True), tmp_path)
        page.evaluate("""(() => {
          const Real = AudioContext;
          globalThis.AudioContext = class extends Real {
            constructor(options) {
              if (options?.sampleRate) throw new Error("not supported");
              super({sampleRate: 48000});
            }
          };
        })()""")
        page.evaluate("document.getElementById('try-start').click()")
        page.wait_for(f"{TRIED}.live.ring.total > {2 * RATE}", 30)
        assert "The browser delivers 48000 Hz; the page makes 8000 Hz of it." in status(page)
        page.evaluate("document.getElementById('try-start').click()")
        page.wait_for("document.querySelector('.try-status').textContent === 'Stopped.'")
        heard = int16_of(page, f"{TRIED}.recorded()")
        found = page.evaluate(f"{TRIED}.live.detections.map((d) => [d.name, d.timeMs])")
        assert page.errors == []
    assert np.abs(heard).max() > 500
    assert found == [[d.class_name, d.time_ms] for d in detected(ear, heard)]


def test_the_keyboard_reaches_every_control(ear: TfliteModel, tmp_path: Path, browser: Browser) -> None:
    page = open_page(browser, try_it(ear, strict=True), tmp_path)
    page.evaluate(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', 'NotAllowedError'); }"
    )
    page.evaluate(f"{PAGE}.querySelector('details').open = true")
    reached = set()
    for _ in range(40):
        page.press("Tab")
        reached.add(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
        if page.evaluate("document.activeElement.id") == "try-start":
            page.press("Enter")
            page.wait_for("document.querySelector('.try-status').textContent.includes('may not use the microphone')")
    controls = {"try-start", "Open sound files…", "yes", "no", "_unknown_", "Settings of the model", "try-save-class"}
    sliders = {"try-threshold", "try-threshold-0", "try-threshold-1", "try-window", "try-count", "try-suppression"}
    assert {*controls, *sliders, "try-save", "try-save-seconds"} <= reached
    unnamed = f"[...{PAGE}.querySelectorAll('input:not([type=file]),select')].filter((e) => !e.labels.length"
    assert page.evaluate(f"{unnamed} && !e.ariaLabel).length") == 0
    live = f"[...{PAGE}.querySelectorAll('[aria-live], [role=status]')].map((e) => e.className)"
    assert {"try-status bad", "try-log"} <= set(page.evaluate(live))


def test_lines_of_csv_have_the_detections_of_python(browser: Browser, tmp_path: Path) -> None:
    model = dense_classifier((16, 3), scale=0.02, zero=3, minimum_count=1, detection_threshold=100, suppression_ms=90)
    signal = np.random.default_rng(4).normal(0, 1, (200, 3)).astype(np.float32)
    text = "t,x,y,z\n" + "\n".join(f"{i},{','.join(map(repr, row.tolist()))}" for i, row in enumerate(signal))
    page = open_page(browser, try_it(model, strict=True), tmp_path)
    rows = choose_files(page, {"a.csv": text.encode(), "wrong.csv": b"1,2\n", "short.csv": b"1,2,3\n"})
    starts = range(0, 200 - 16 + 1, 4)  # a quarter of a window further each time
    inputs = np.stack([quantize(signal[s : s + 16], model.graph.inputs[0]) for s in starts])
    scores = (run_batch(model, inputs, engine="tflm").outputs[0].reshape(-1, 3).astype(int) + 128).astype(np.uint8)
    detector = Detector(DetectorSettings.from_parameters(stored_parameters(model)), CLASSES)
    found = detector.feed(scores, [(s + 16) * 1000 // 50 for s in starts])
    assert len(found) > 3
    assert rows[0] == ("a.csv", described(found))
    assert rows[1][1].startswith("Line 1 has 2 values; the model takes 3, or 4 with the time first.")
    assert rows[2][1] == "only 1 lines; one window has 16"
    assert page.errors == []


def lines(rows: npt.NDArray[np.float32]) -> bytes:
    """Return a signal as CSV."""
    return "\n".join(",".join(map(repr, row.tolist())) for row in rows).encode()


def test_the_parameters_of_the_model_say_how_a_signal_is_read(browser: Browser, tmp_path: Path) -> None:
    """Their names are those of the examples: sample_rate_hz and axis_scale."""
    options: dict[str, Any] = {"minimum_count": 1, "detection_threshold": 1, "suppression_ms": 90}
    plain = dense_classifier((16, 3), scale=0.02, zero=3, **options)
    scaled = dense_classifier((16, 3), scale=0.02, zero=3, sample_rate_hz=25, axis_scale=[2.0, 4.0, 8.0], **options)
    signal = np.random.default_rng(4).normal(0, 0.5, (80, 3)).astype(np.float32)
    scores = []
    for model, rows in ((plain, signal), (scaled, signal * np.array([2, 4, 8], np.float32))):
        page = open_page(browser, try_it(model, strict=True), tmp_path)
        choose_files(page, {"a.csv": lines(rows)})
        scores.append(page.evaluate(f"{TRIED}.files[0].results.map((r) => [[...r.scores], r.timeMs])"))
        assert status(page) == "Shown: a.csv, 80 lines."
    assert [s for s, _ in scores[1]] == [s for s, _ in scores[0]]
    assert [t for _, t in scores[1]] == [2 * t for _, t in scores[0]]  # 25 lines in a second instead of 50
    choose_files(page, {"b.csv": lines(signal * np.array([200, 4, 8], np.float32))})
    assert "of the values are beyond the input of the model, which takes -2.62 to 2.48" in status(page)


def test_settings_that_can_never_detect_are_said(browser: Browser, tmp_path: Path) -> None:
    """An answer each second, and three of them within a second."""
    model = dense_classifier((100, 3), minimum_count=3, average_window_duration_ms=1000, sample_rate_hz=25)
    page = open_page(browser, try_it(model, strict=True), tmp_path)
    told = "Nothing can be detected: 3 results take 2000 ms, but scores are averaged over 1000 ms."
    assert told in page.evaluate(f"{PAGE}.textContent")
    page.evaluate(
        "(s => { s.value = 2000; s.dispatchEvent(new Event('input')); })(document.getElementById('try-window'))"
    )
    assert "Nothing can be detected" not in page.evaluate(f"{PAGE}.textContent")


def test_lines_of_a_serial_port_have_the_detections_of_python(browser: Browser, tmp_path: Path) -> None:
    model = dense_classifier((16, 3), scale=0.02, zero=3, minimum_count=1, detection_threshold=100, suppression_ms=90)
    signal = np.random.default_rng(6).normal(0, 1, (150, 3)).astype(np.float32)
    text = "".join(f"{','.join(map(repr, row.tolist()))}\r\n" for row in signal)
    cuts = [text[k : k + 37] for k in range(0, len(text), 37)]
    added = browser.page.call(
        "Page.addScriptToEvaluateOnNewDocument",
        source=f"""
          const parts = {json.dumps(cuts)}.map((part) => new TextEncoder().encode(part));
          const readable = new ReadableStream({{
            pull(controller) {{ parts.length ? controller.enqueue(parts.shift()) : controller.close(); }}
          }});
          const close = async () => {{ globalThis.portWasClosed = true; }};
          const port = {{ readable, open: async () => {{}}, close }};
          Object.defineProperty(navigator, "serial", {{ value: {{ requestPort: async () => port }} }});
        """,
    )
    try:
        page = open_page(browser, try_it(model, strict=True), tmp_path)
        page.evaluate("document.getElementById('try-start').click()")
        page.wait_for("document.querySelector('.try-status').textContent === 'Stopped after 150 lines.'")
        assert page.evaluate("portWasClosed") is True
        shown = page.evaluate("[...document.querySelectorAll('.try-log li')].map((e) => e.textContent).reverse()")
        assert page.errors == []
    finally:
        browser.page.call("Page.removeScriptToEvaluateOnNewDocument", identifier=added["identifier"])
    starts = range(0, 150 - 16 + 1, 4)
    inputs = np.stack([quantize(signal[s : s + 16], model.graph.inputs[0]) for s in starts])
    scores = (run_batch(model, inputs, engine="tflm").outputs[0].reshape(-1, 3).astype(int) + 128).astype(np.uint8)
    detector = Detector(DetectorSettings.from_parameters(stored_parameters(model)), CLASSES)
    found = detector.feed(scores, [(s + 16) * 1000 // 50 for s in starts])
    assert len(found) > 3
    assert shown == [f"{d.class_name} at {d.time_ms / 1000:.2f} s, score {d.score}" for d in found]


def test_a_model_that_can_not_run_in_a_page_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    normalized: dict[str, Any] = {"samplewise_norm.mean_and_std": True}
    model = TfliteModel(listening_model(**normalized))
    with pytest.raises(UnsupportedModelError, match="normalized before"):
        try_it(model, strict=True)
    part = try_it(model)
    assert not part.script
    assert "This model can't be tried in a page. The features are normalized" in part.html
    with pytest.raises(UnsupportedModelError, match="is not a probability"):
        try_it(TfliteModel(listening_model(logits=True)), strict=True)
    with pytest.raises(UnsupportedModelError, match="'classes' has 0 names, but the model has 3"):
        try_it(dense_classifier((20, 24, 3), classes=5), strict=True)
    with pytest.raises(UnsupportedModelError, match=r"as that of an auto-encoder\. A page runs classifiers\."):
        try_it(dense_classifier((3,), logits=True), strict=True)
    assert try_it(dense_classifier((20, 24, 3), classes=None), strict=True).data["classes"][2] == "class 2"
    with pytest.raises(SettingError, match="detection_threshold is 300"):
        try_it(TfliteModel(listening_model()), detector={"detection_threshold": 300}, strict=True)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="compiler for WebAssembly") as caught:
        try_it(TfliteModel(listening_model()), strict=True)
    assert "openmltk[device]" in caught.value.hint
    assert "openmltk[device]" in try_it(TfliteModel(listening_model())).problem
