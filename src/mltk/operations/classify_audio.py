"""Listen with a model: in the browser, or in the terminal to a microphone, a file or standard input.

    mltk classify_audio yes_no
    mltk classify_audio yes_no --file recording.wav

The browser and the terminal compute what the device computes: features, scores and detections are the same numbers.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.detector import Detection
from mltk.audio.files import write_audio
from mltk.audio.listening import Listening
from mltk.audio.live import Heard, LiveListener, Run
from mltk.files import make_folder, replacing
from mltk.micro.engines.process import Workers
from mltk.micro.engines.run import run_batch
from mltk.operations.shared.load import ModelReference, resolve
from mltk.operations.shared.sound_source import file_blocks, microphone_blocks, noticing_silence, stream_blocks
from mltk.operations.shared.stream_model import StreamModel
from mltk.tflite.model import TfliteModel
from mltk.workers.script_loading import stop_if_loading_script

_KEPT_SPECTROGRAMS = 100_000


@dataclass
class Classified:
    """What was heard.

    Attributes:
        detections: The detections in order.
        seconds: Length of the sound.
        n_inferences: Number of inferences.
        highest: uint8 [classes]: The highest score of each class.
        classes: Names of the classes.
        files: Files that were written.
    """

    detections: list[Detection] = field(default_factory=list)
    seconds: float = 0.0
    n_inferences: int = 0
    highest: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    classes: tuple[str, ...] = ()
    files: list[str] = field(default_factory=list)

    def to_text(self) -> str:
        """Return a summary for people."""
        n = len(self.detections)
        lines = [f"{n} detection{'' if n == 1 else 's'} in {self.seconds:.1f} s, {self.n_inferences} inferences"]
        if self.n_inferences and not n:
            pairs = zip(self.classes, self.highest.tolist(), strict=True)
            lines.append(f"Highest score of each class (of 255): {', '.join(f'{c} {s}' for c, s in pairs)}")
        if not self.n_inferences:
            lines.append("The sound is shorter than one inference.")
        return "\n".join([*lines, *[f"Wrote {path}" for path in self.files]])


def classify_audio(
    model: object,
    *,
    file: str | None = None,
    terminal: bool = False,
    microphone: str | None = None,
    settings: Mapping[str, Any] | None = None,
    dump_audio: str | None = None,
    dump_spectrograms: str | None = None,
    test: bool = False,
    port: int | None = None,
    browser: bool = True,
    timeout: float | None = None,
    on_heard: Callable[[Heard], None] | None = None,
) -> Classified | str:
    """Listen with a model.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        file: Audio file to listen to; ``-`` is standard input: a WAV file, or int16 samples at the model's rate.
        terminal: Listen to a microphone here instead of in the browser.
        microphone: Part of the name of the microphone, or its number; implies ``terminal``.
        settings: Settings of `mltk.audio.detector.DetectorSettings` that differ from those in the model.
        dump_audio: WAV file for what was heard.
        dump_spectrograms: ``.npy`` file for the input of each inference.
        test: Use the files of the dry run.
        port: Port of the page; None takes 8080, or any free port if 8080 is in use.
        browser: Open the browser.
        timeout: Seconds to serve the page; None serves until Ctrl-C.
        on_heard: Is called with the result of each inference.

    Returns:
        What was heard; or the address of the page.

    Raises:
        ModelNotFoundError: There is no such model.
        ArchiveError: The model has not been trained, or the archive is damaged.
        UnsupportedModelError: The model does not listen. The message has the reason.
        AudioFileError: The file can't be read.
        MissingDependencyError: What the page or the microphone needs is not installed.
        MltkError: The microphone can't be opened, or the port is in use.
    """
    stop_if_loading_script()
    reference = resolve(model, test=test)
    tflite_model = reference.tflite_model()
    changes = dict(settings or {})
    if file is None and not terminal and microphone is None:
        return _serve(reference, tflite_model, changes, port, browser, timeout)
    listening = _changed(Listening.of(tflite_model), changes)
    for problem in listening.problems():
        print(f"Note: {problem}", file=sys.stderr)
    rate = listening.frontend.sample_rate_hz
    if file == "-":
        blocks = stream_blocks(sys.stdin.buffer, rate)
    elif file is not None:
        blocks = file_blocks(os.path.expanduser(file), rate)
    else:
        blocks = noticing_silence(microphone_blocks(rate, microphone), rate)
    with _Recorder(rate, dump_audio, dump_spectrograms) as recorder:
        found = _listen(tflite_model, listening, blocks, recorder, on_heard, trusted=not reference.is_outside_file)
    found.files = recorder.written
    return found


def _changed(listening: Listening, changes: Mapping[str, Any]) -> Listening:
    if not changes:
        return listening
    if "detection_threshold" in changes:
        changes = {"detection_threshold_list": (), **changes}
    return replace(listening, detector=replace(listening.detector, **changes))


def _serve(
    reference: ModelReference,
    tflite_model: TfliteModel,
    changes: Mapping[str, Any],
    port: int | None,
    browser: bool,
    timeout: float | None,
) -> str:
    from mltk.browser.try_it import try_it
    from mltk.operations.shared.page_server import page_of, serve

    name = reference.name
    Listening.of(tflite_model)  # the page would also take a model of pictures
    part = try_it(tflite_model, name=name, detector=changes, strict=True)
    return serve(page_of(name, part), f"{name} listens", port=port, browser=browser, timeout=timeout)


def _listen(
    tflite_model: TfliteModel,
    listening: Listening,
    blocks: Iterator[npt.NDArray[np.int16]],
    recorder: _Recorder,
    on_heard: Callable[[Heard], None] | None,
    *,
    trusted: bool,
) -> Classified:
    """Listen to the end of the sound, or until Ctrl-C."""
    found = Classified(classes=listening.classes, highest=np.zeros(len(listening.classes), np.uint8))
    with _model_runner(tflite_model, trusted=trusted) as run, contextlib.suppress(KeyboardInterrupt):
        ear = LiveListener(listening, run)
        for block in blocks:
            recorder.sound(block)
            found.seconds += len(block) / listening.frontend.sample_rate_hz
            for heard in ear.feed(block):
                recorder.features(heard.features)
                found.n_inferences += 1
                found.highest = np.maximum(found.highest, heard.scores)
                if heard.detection is not None:
                    found.detections.append(heard.detection)
                if on_heard is not None:
                    on_heard(heard)
    return found


@contextlib.contextmanager
def _model_runner(tflite_model: TfliteModel, *, trusted: bool) -> Iterator[Run]:
    """Yield what computes the model. A model that keeps state is computed by its C code."""
    if tflite_model.graph.is_stateful:
        with StreamModel(tflite_model, trusted=trusted) as model:
            yield model.compute
        return
    with Workers() as children:
        yield lambda inputs: run_batch(tflite_model, inputs, trusted=trusted, children=children, processes=1).outputs[0]


class _Recorder:
    """Keeps what is written at the end."""

    def __init__(self, rate: int, audio_path: str | None, features_path: str | None) -> None:
        self._rate, self._audio_path, self._features_path = rate, audio_path, features_path
        self._blocks: list[npt.NDArray[np.int16]] = []
        self._features: list[npt.NDArray[Any]] = []
        self.written: list[str] = []

    def __enter__(self) -> _Recorder:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            return
        if self._audio_path is not None and self._blocks:
            self.written.append(write_audio(self._audio_path, np.concatenate(self._blocks), self._rate))
        if self._features_path is not None and self._features:
            make_folder(os.path.dirname(self._features_path))
            with replacing(self._features_path) as temporary, open(temporary, "wb") as file:
                np.save(file, np.stack(self._features))
            self.written.append(self._features_path)

    def sound(self, block: npt.NDArray[np.int16]) -> None:
        if self._audio_path is not None:
            self._blocks.append(block)

    def features(self, values: npt.NDArray[Any]) -> None:
        if self._features_path is not None and len(self._features) < _KEPT_SPECTROGRAMS:
            self._features.append(values)
