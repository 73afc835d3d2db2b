"""A page that listens compared with Python: every feature, every score, every detection, in a real browser.

    python benchmarks/page_exact.py MODEL ... [--sounds FOLDER] [--files 20]

Each MODEL is a ``.tflite`` or an archive of a model that listens. A recording is five clips of the folder in a row;
without a folder, it is generated sound. Three paths are compared with the features of Python, the scores of TensorFlow
Lite Micro and the detections of Python:

- WASM: the WebAssembly module in wasmtime;
- page, files: the page in the browser, with the recordings as WAV files;
- page, microphone: the page with the browser's fake microphone that plays a recording. The browser changes its sample
  rate on the way, so Python computes the samples that the page has heard.

The browser is the one in PySide6; MLTK_TEST_BROWSER names another Chromium. The script fails if a value differs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from helpers.browser import Browser, Page
from helpers.listening_models import sounds
from helpers.try_page import TRIED, choose_files, int16_of, open_page
from helpers.wasm_module import WasmListener
from mltk.audio.detector import Detection
from mltk.audio.files import read_audio_int16, write_audio
from mltk.audio.frontend import AudioFeatureStream
from mltk.audio.listening import Listening
from mltk.browser.page_module import listener_module
from mltk.browser.try_it import try_it
from mltk.errors import MltkError
from mltk.micro.engines.run import run_batch
from mltk.operations.shared.load import resolve
from mltk.tflite.model import TfliteModel

Samples = npt.NDArray[np.int16]
_CLIPS = 5  # of a recording
_MICROPHONE_SECONDS = 8


@dataclass
class Counts:
    """What was compared."""

    features: int = 0
    scores: int = 0
    detections: int = 0
    differing: int = 0

    def add(self, ours: Heard, theirs: Heard) -> None:
        self.features += theirs.rows.size
        self.scores += theirs.scores.size
        self.detections += len(theirs.detections)
        for a, b in ((ours.rows, theirs.rows), (ours.scores, theirs.scores)):
            self.differing += int(np.count_nonzero(a != b)) if a.shape == b.shape else max(a.size, b.size)
        self.differing += len(set(ours.detections) ^ set(theirs.detections))


@dataclass
class Heard:
    """What one path computes of one recording."""

    rows: npt.NDArray[Any]
    scores: npt.NDArray[Any]
    detections: list[Detection]


def in_python(model: TfliteModel, listening: Listening, samples: Samples) -> Heard:
    rows = AudioFeatureStream(listening.frontend).feed(listening.amplify(samples))
    detector, scores, found = listening.make_detector(), [], []
    for inputs, times in listening.batches(samples):
        part = listening.scores(run_batch(model, inputs, engine="tflm").outputs[0])
        scores.append(part)
        found += detector.feed(part, times)
    return Heard(rows, np.concatenate(scores) if scores else np.empty((0, len(listening.classes))), found)


def in_page(page: Page, expression: str) -> Heard:
    rows = np.array(page.evaluate(f"{expression}.rows.map((r) => [...r])"), np.uint16)
    scores = np.array(page.evaluate(f"{expression}.results.map((r) => [...r.scores])"), np.uint8)
    found = page.evaluate(f"{expression}.detections")
    return Heard(rows, scores, [Detection(d["index"], d["name"], d["level"], d["timeMs"]) for d in found])


def recordings(folder: Path | None, rate: int, n: int) -> list[Samples]:
    """Return int16 recordings."""
    if folder is None:
        return [sounds(6.0, rate, seed=k) for k in range(n)]
    paths = sorted(folder.rglob("*.wav"))
    if not paths:
        raise SystemExit(f"There is no .wav file in {folder}.")
    rng = np.random.default_rng(0)
    return [
        np.concatenate([read_audio_int16(str(paths[i]), rate)[0] for i in rng.integers(0, len(paths), _CLIPS)])
        for _ in range(n)
    ]


def compare(model: TfliteModel, folder: Path | None, n: int) -> dict[str, Counts]:
    """Compare the three paths."""
    listening = Listening.of(model)
    rate, n_channels = listening.frontend.sample_rate_hz, listening.frontend.spectrogram_shape[1]
    sound = recordings(folder, rate, n)
    expected = [in_python(model, listening, samples) for samples in sound]
    counts = {"WASM": Counts(), "page, files": Counts(), "page, microphone": Counts()}
    wasm = WasmListener(listener_module(model.graph, listening).binary, listening.classes, n_channels)
    for samples, wanted in zip(sound, expected, strict=True):
        wasm.call("listen_reset")
        counts["WASM"].add(Heard(*wasm.listen(samples)), wanted)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        played = write_audio(str(place / "played.wav"), np.concatenate(sound[:4]), rate)
        fake = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
        with Browser(*fake, f"--use-file-for-fake-audio-capture={played}") as browser:
            page = open_page(browser, try_it(model, strict=True), place)
            for k, (samples, wanted) in enumerate(zip(sound, expected, strict=True)):
                choose_files(page, {f"{k}.wav": Path(write_audio(str(place / "a.wav"), samples, rate)).read_bytes()})
                counts["page, files"].add(in_page(page, f"{TRIED}.files[{k}]"), wanted)
            counts["page, microphone"].add(*by_microphone(page, model, listening))
            if page.errors or page.outside:
                raise SystemExit(f"Errors in the page: {page.errors}; requests: {page.outside}")
    return counts


def by_microphone(page: Page, model: TfliteModel, listening: Listening) -> tuple[Heard, Heard]:
    """Listen for some seconds; return what the page computed, and what Python computes of the same samples."""
    press = "document.getElementById('try-start').click()"
    page.evaluate(press)
    page.wait_for(f"{TRIED}.live.ring.total > {_MICROPHONE_SECONDS * listening.frontend.sample_rate_hz}", 60)
    page.evaluate(press)
    page.wait_for("document.querySelector('.try-status').textContent === 'Stopped.'")
    heard = int16_of(page, f"{TRIED}.recorded()")
    ours, theirs = in_page(page, f"{TRIED}.live"), in_python(model, listening, heard)
    theirs.rows = theirs.rows[-len(ours.rows) :]  # the page forgets rows that it no longer shows
    return ours, theirs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--sounds", type=Path)
    parser.add_argument("--files", type=int, default=20)
    options = parser.parse_args()
    differing = 0
    print(f"{'model':32} {'path':17} {'features':>10} {'scores':>8} {'detections':>10} {'differing':>9}")
    for path in options.models:
        name = Path(path).name.removesuffix(".mltk.zip").removesuffix(".tflite")[:32]
        try:
            found = compare(resolve(path).tflite_model(), options.sounds, options.files)
        except MltkError as error:
            print(f"{name:32} refused: {error.message}")
            continue
        for way, c in found.items():
            print(f"{name:32} {way:17} {c.features:10,} {c.scores:8,} {c.detections:10,} {c.differing:9,}")
            differing += c.differing
    print("PASS" if not differing else f"FAIL: {differing} values differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
