"""The JavaScript of a page computes what Python computes, from files to detections."""

from __future__ import annotations

import base64
import io
import wave
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from helpers.listening_models import CLASSES, RATE, listening_model, sounds
from helpers.page_scripts import Scripts
from mltk.audio.detector import Detector, DetectorSettings
from mltk.audio.files import to_int16, write_audio
from mltk.audio.frontend import AudioFeatureStream
from mltk.audio.listening import Listening
from mltk.browser.page_module import listener_module
from mltk.image.files import read_image
from mltk.image.image_format import INTERPOLATIONS, ImageFormat
from mltk.image.standardize import Statistics, standardize_images
from mltk.micro.engines.run import run_batch
from mltk.tflite.model import TfliteModel
from mltk.tflite.quantization import Affine, quantize


@pytest.fixture(scope="module")
def scripts() -> Scripts:
    return Scripts()


def test_base64_is_read_with_every_length(scripts: Scripts) -> None:
    for n in (0, 1, 2, 3, 100, 3001):
        data = np.random.default_rng(n).bytes(n)
        scripts.set("text", base64.b64encode(data).decode())
        assert scripts.array("bytesOfBase64(text)", np.uint8).tobytes() == data


def listen(scripts: Scripts, wav: bytes) -> tuple[npt.NDArray[Any], npt.NDArray[Any], list[dict[str, Any]]]:
    """Return the rows, scores and detections of the scripts' listener for a WAV file."""
    scripts.set("wav", wav)
    scripts.run("""
      listener.reset(); var rows = [], results = [], found = [], sound = readWav(wav);
      listener.feed(sound.samples, (row) => rows.push(row), (result, detection) => {
        results.push(result);
        if (detection) found.push(detection);
      });
    """)
    rows = scripts.array("Uint16Array.from(rows.flatMap((r) => [...r]))", np.uint16)
    scores = scripts.array("Uint8Array.from(results.flatMap((r) => [...r.scores]))", np.uint8)
    return rows, scores.reshape(-1, len(CLASSES)), scripts.value("found")


def test_20_wav_files_have_the_rows_scores_and_detections_of_python(scripts: Scripts, tmp_path: Path) -> None:
    tflite = TfliteModel(listening_model())
    listening = Listening.of(tflite)
    n_channels = listening.frontend.spectrogram_shape[1]
    scripts.set("wasm", base64.b64encode(listener_module(tflite.graph, listening).binary).decode())
    detector = {"window": 200, "count": 2, "suppression": 250, "thresholds": [90, 90, 255]}
    scripts.set("described", {"channels": n_channels, "classes": CLASSES, "detector": detector})
    scripts.run("var listener = new Listener(Machine.of(wasm), described)")
    n_found = 0
    for k in range(20):
        samples = sounds(2.0, seed=k)
        rows, scores, found = listen(scripts, Path(write_audio(str(tmp_path / "a.wav"), samples, RATE)).read_bytes())
        np.testing.assert_array_equal(
            rows.reshape(-1, n_channels), AudioFeatureStream(listening.frontend).feed(samples)
        )
        (inputs, times), *_ = listening.batches(samples)
        expected = listening.scores(run_batch(tflite, inputs, engine="tflm").outputs[0])
        np.testing.assert_array_equal(scores, expected)
        detections = [asdict(d) for d in listening.make_detector().feed(expected, times)]
        assert [(d["index"], d["name"], d["level"], d["timeMs"]) for d in found] == [
            tuple(d.values()) for d in detections
        ]
        assert scripts.value("listener.detector.replay(results)") == found
        n_found += len(found)
    assert n_found > 20
    # Other settings, for the scores that the page has kept.
    settings = DetectorSettings(1000, 80, (), 0, 1)
    changed = Detector(settings, CLASSES).feed(expected, times)
    scripts.run("listener.detector.set({window: 1000, count: 1, suppression: 0, thresholds: [80, 80, 255]})")
    replayed = scripts.value("listener.detector.replay(results)")
    assert [d["timeMs"] for d in replayed] == [d.time_ms for d in changed] != [d["timeMs"] for d in found]


def test_a_wav_file_is_written_and_read(scripts: Scripts) -> None:
    samples = sounds(0.5)
    scripts.set("samples", samples)
    written = scripts.array("writeWav(samples, 11025)", np.uint8).tobytes()
    with wave.open(io.BytesIO(written)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (11025, 1, 2)
        np.testing.assert_array_equal(np.frombuffer(file.readframes(10**6), np.int16), samples)
    np.testing.assert_array_equal(scripts.array("readWav(writeWav(samples, 11025)).samples", np.int16), samples)


def test_the_first_of_two_channels_is_read_and_other_files_are_not(scripts: Scripts) -> None:
    data = io.BytesIO()
    with wave.open(data, "wb") as file:
        file.setparams((2, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.array([[1, 9], [-2, 9], [3, 9]], np.int16).tobytes())
    scripts.set("stereo", data.getvalue())
    assert scripts.value("[...readWav(stereo).samples]") == [1, -2, 3]
    for content in (b"", b"RIFF", b"RIFF\0\0\0\0WAVE", b"OggS" + bytes(100), data.getvalue()[:30]):
        scripts.set("other", content)
        assert scripts.value("readWav(other)") is None


def test_floats_become_int16_as_in_python(scripts: Scripts) -> None:
    floats = np.random.default_rng(0).uniform(-1.2, 1.2, 5000).astype(np.float32)
    floats[:5] = np.array([0.5, 1.5, 2.5, -0.5, -1.5], np.float32) / 32768
    scripts.set("floats", floats)
    np.testing.assert_array_equal(scripts.array("toInt16(floats)", np.int16), to_int16(floats))


@pytest.mark.parametrize(("source", "to"), [(48000, 16000), (44100, 16000), (8000, 16000), (44100, 8000)])
def test_a_changed_sample_rate_keeps_tones_and_removes_those_above(scripts: Scripts, source: int, to: int) -> None:
    t = np.arange(source) / source
    scripts.set("tone", np.sin(2 * np.pi * 1000 * t).astype(np.float32))
    scripts.run(f"""
      var resampler = new Resampler({source}, {to}), parts = [];
      for (let i = 0; i < tone.length; i += 128) parts.push(...resampler.feed(tone.subarray(i, i + 128)));
      parts.push(...resampler.end());
    """)
    out = scripts.array("Float32Array.from(parts)", np.float32)
    assert abs(len(out) - to) <= 1
    wanted = np.sin(2 * np.pi * 1000 * np.arange(len(out)) / to)
    assert np.abs(out - wanted)[200:-200].max() < 1e-3
    if to < source:
        scripts.set("tone", np.sin(2 * np.pi * (to / 2 + 600) * t).astype(np.float32))
        scripts.run("resampler.reset()")
        assert np.abs(scripts.array("resampler.feed(tone)", np.float32))[200:-200].max() < 1e-3


def test_the_ring_keeps_the_newest_samples(scripts: Scripts) -> None:
    samples = np.arange(1000, dtype=np.int16)
    scripts.set("samples", samples)
    for sizes in ([10, 90, 30], [300, 7, 64, 65], [99, 1, 100, 100]):
        scripts.set("sizes", sizes)
        scripts.run("""
          var ring = new Ring(100), at = 0;
          for (const size of sizes) { ring.push(samples.subarray(at, at + size)); at += size; }
        """)
        wanted = samples[: sum(sizes)][-100:]
        np.testing.assert_array_equal(scripts.array("ring.latest()", np.int16), wanted)
        np.testing.assert_array_equal(scripts.array("ring.latest(30)", np.int16), wanted[-30:])


def test_a_zip_has_the_files_in_their_class_folders(scripts: Scripts) -> None:
    scripts.run("var files = [{name: 'ja/1.wav', bytes: utf8('abc')}, {name: 'für/2.wav', bytes: new Uint8Array(0)}]")
    data = scripts.array("writeZip(files, new Date(2026, 10, 26, 13, 30, 20))", np.uint8).tobytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["ja/1.wav", "für/2.wav"]
        assert archive.read("ja/1.wav") == b"abc"
        assert archive.infolist()[0].date_time == (2026, 11, 26, 13, 30, 20)
    assert scripts.value("['a/b', '..', 'on:off', ' ', 'größe'].map(folderName)") == [
        "a_b",
        "..",
        "on_off",
        "class",
        "größe",
    ]


class Tensor:
    """A quantized tensor."""

    name, shape = "x", (1, 2000)

    def __init__(self, dtype: str, scale: float, zero: int) -> None:
        self.dtype_str, self.affine = dtype, Affine.of([scale], [zero])


@pytest.mark.parametrize(("dtype", "scale", "zero"), [("int8", 0.0371, -5), ("uint8", 1 / 255, 0), ("int16", 2e-4, 0)])
def test_values_are_quantized_as_in_python(scripts: Scripts, dtype: str, scale: float, zero: int) -> None:
    tensor = Tensor(dtype, scale, zero)
    values = np.random.default_rng(1).normal(0, scale * 100, 2000).astype(np.float32)
    values[:100] = (np.arange(100) - 50 + 0.5) * np.float32(scale)
    values[100:104] = [np.nan, np.inf, -np.inf, 0]
    scripts.set("values", values)
    described = {"type": dtype, "scale": float(np.float32(scale)), "zero": zero}
    scripts.set("tensor", described)
    stored = scripts.array("toStored(values, tensor)", dtype)
    finite = np.isfinite(values)
    np.testing.assert_array_equal(stored[finite], quantize(values, tensor)[finite])


@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_resized_as_in_python(scripts: Scripts, tmp_path: Path, interpolation: str, channels: int) -> None:
    rng = np.random.default_rng(channels)
    for size, to in (((40, 61), (28, 28)), ((13, 9), (32, 24)), ((96, 96), (96, 96)), ((200, 300), (96, 96))):
        rgb = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        Image.fromarray(rgb).save(tmp_path / "a.png")
        wanted = read_image(str(tmp_path / "a.png"), ImageFormat(*to, channels, interpolation))
        scripts.set("rgba", np.dstack([rgb, np.full(size, 255, np.uint8)]).ravel())
        height, width = to
        scripts.set("to", {"height": height, "width": width, "channels": channels, "interpolation": interpolation})
        pixels = scripts.array(f"picturePixels(rgba, {size[1]}, {size[0]}, to)", np.uint8)
        np.testing.assert_array_equal(pixels.reshape(wanted.shape), wanted)


@pytest.mark.parametrize(("rescale", "both"), [(0.0, False), (1 / 255, False), (0.0, True), (1 / 127.5, True)])
def test_pictures_are_normalized_as_in_python(scripts: Scripts, rescale: float, both: bool) -> None:
    pixels = np.random.default_rng(2).integers(0, 256, (1, 16, 16, 3)).astype(np.uint8)
    wanted = standardize_images(
        pixels,
        np.dtype(np.float32),
        rescale=rescale,
        center=both,
        std_normalization=both,
        normalize_range=None,
        statistics=Statistics(),
    )
    scripts.set("pixels", pixels.ravel())
    scripts.set("how", {"rescale": rescale, "meanAndStd": both})
    values = scripts.array("normalizePixels(pixels, how)", np.float32)
    np.testing.assert_allclose(values, wanted.ravel(), rtol=3e-7, atol=1e-7)
    if not both:
        np.testing.assert_array_equal(values, wanted.ravel())


def test_lines_of_csv_become_samples_and_wrong_lines_are_named(scripts: Scripts) -> None:
    scripts.set("text", "t,x,y\n0, 1.5,2\n\n# comment\n10,-3,4e1\r\n")
    assert scripts.value("readCsv(text, 2).rows.map((r) => [...r])") == [[1.5, 2], [-3, 40]]
    assert scripts.value("readCsv(text, 2).problem") == ""
    assert scripts.value("readCsv('1 2 3 4', 2).problem").startswith("Line 1 has 4 values; the model takes 2, or 3")
    assert scripts.value("readCsv('1;2\\n3;x', 2).problem") == 'Line 2 has "x", which is not a number.'
    assert scripts.value("readCsv('', 2).problem") == "There are no lines with numbers."


def test_windows_of_samples_overlap_or_leave_gaps(scripts: Scripts) -> None:
    scripts.run("""
      var seen = [], network = {reset() {}, scores(values) { seen.push([...values]); return [0]; }};
      var windows = (step) => new Windows(network, {length: 3, axes: 1}, step, 100);
      var rows = Array.from({length: 10}, (_, i) => Float32Array.of(i));
      var overlapping = windows(2).feed(rows).map((r) => r.timeMs);
    """)
    assert scripts.value("seen") == [[0, 1, 2], [2, 3, 4], [4, 5, 6], [6, 7, 8]]
    assert scripts.value("overlapping") == [30, 50, 70, 90]
    scripts.run("seen = []; windows(5).feed(rows)")
    assert scripts.value("seen") == [[0, 1, 2], [5, 6, 7]]


def test_a_browser_without_webassembly_is_told_what_to_use() -> None:
    scripts = Scripts()
    assert scripts.value("missingInBrowser()") == ""
    scripts.run("delete globalThis.WebAssembly")
    assert "Open the page in a current Firefox" in scripts.value("missingInBrowser()")
