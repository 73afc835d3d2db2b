"""A spotter and the scores that it has on a stream: what ``evaluate --stream`` and ``tune`` begin with."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from mltk.audio.listening import Listening
from mltk.audio.mixin import AudioDatasetMixin
from mltk.audio.streams.joining import Clip, Joiner
from mltk.audio.streams.recordings import Recordings, find_recordings
from mltk.audio.streams.scoring import ScoredRecording, score_recording
from mltk.errors import DatasetError, EvaluationError, MltkError
from mltk.operations.shared.check_dataset import load_dataset
from mltk.operations.shared.load import ModelKind, ModelReference, resolve
from mltk.operations.shared.prepare import prepare
from mltk.operations.shared.stream_model import StreamModel
from mltk.specification.model import MltkModel
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters

DETECTOR_PARAMETERS = ("average_window_duration_ms", "detection_threshold", "suppression_ms", "minimum_count")
_LONGEST_HOURS = 24.0


@dataclass
class StreamOptions:
    """What is listened to.

    Attributes:
        stream: An audio file or a folder of audio files; None joins clips of the specification's dataset.
        hours: Length of the joined recording.
        seed: Seed of the joined recording.
        keep: Folder for the joined recording; None removes it afterwards.
        tolerance_s: How long after its end a keyword may be detected; None is the length of the model's clip.
        engine: As for `StreamModel`.
        test: Use the files of the dry run.
        progress: Is called with the seconds of audio that were scored, and the seconds of all audio.
    """

    stream: str | None = None
    hours: float = 1.0
    seed: int = 0
    keep: str | None = None
    tolerance_s: float | None = None
    engine: str = "auto"
    test: bool = False
    progress: Callable[[float, float], None] | None = None

    def check(self) -> None:
        """Check the numbers.

        Raises:
            EvaluationError: A number is impossible.
        """
        if not 0 < self.hours <= _LONGEST_HOURS:
            raise EvaluationError(f"The recording has {self.hours:g} h; a joined one has up to {_LONGEST_HOURS:g} h.")
        if self.tolerance_s is not None and not 0 <= self.tolerance_s <= 60:
            raise EvaluationError(f"The tolerance is {self.tolerance_s:g} s; it must be 0 to 60.")


@dataclass
class ScoredStream:
    """The scores of a spotter on a stream.

    Attributes:
        name: The model's name.
        reference: The model that was meant.
        tflite_model: The ``.tflite``.
        listening: How it listens.
        recordings: The recordings with their scores.
        tolerance_s: How long after its end a keyword may be detected.
        is_joined: Whether the recording was joined.
        notes: What a reader of the results must know.
        facts: What computed the model.
        seconds: Time that scoring took; compiling the C code does not count.
    """

    name: str
    reference: ModelReference
    tflite_model: TfliteModel
    listening: Listening
    recordings: list[ScoredRecording]
    tolerance_s: float
    is_joined: bool
    notes: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def hours(self) -> float:
        """Hours of audio."""
        return sum(s.duration_s for s in self.recordings) / 3600

    @property
    def n_keywords(self) -> int:
        """Keywords that were said."""
        return sum(len(s.recording.events) for s in self.recordings)

    @property
    def clip_samples(self) -> int:
        """Samples that the model hears at once."""
        return clip_samples(self.listening)


def clip_samples(listening: Listening) -> int:
    """Return how many samples the model hears at once: the rows of a clip, also if it gets a few rows at a time."""
    n_rows, _ = listening.frontend.spectrogram_shape
    return listening.frontend.window_size + (n_rows - 1) * listening.frontend.window_step


@contextlib.contextmanager
def scored_stream(
    model: MltkModel | TfliteModel | str | os.PathLike[str], options: StreamOptions
) -> Iterator[ScoredStream]:
    """Compute the scores of a model on a stream. The recordings can be read until the block ends.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        options: What is listened to.

    Raises:
        EvaluationError: The model does not listen to audio, or is not quantized as a device needs it.
        DatasetError: There is no audio, or the label files do not fit.
        ModelNotFoundError: There is no such model.
    """
    options.check()
    reference = resolve(model, test=options.test)
    tflite_model = reference.tflite_model()
    name = reference.given.name if reference.kind is ModelKind.SPECIFICATION else tflite_model.name
    listening = _listening(tflite_model, name)
    with contextlib.ExitStack() as stack:
        found = _recordings(reference, listening, options, stack)
        keyword_length_s = clip_samples(listening) / listening.frontend.sample_rate_hz
        scored = ScoredStream(
            name,
            reference,
            tflite_model,
            listening,
            [],
            keyword_length_s if options.tolerance_s is None else options.tolerance_s,
            is_joined=options.stream is None,
            notes=[*found.notes, *_parameter_notes(tflite_model, listening)],
        )
        _score(scored, found, options)
        yield scored


def _listening(tflite_model: TfliteModel, name: str) -> Listening:
    try:
        return Listening.of(tflite_model)
    except MltkError as error:
        raise EvaluationError(
            f"{name} can't be evaluated on a stream: {error.message}",
            hint=error.hint or "A stream needs a quantized classifier of audio, with the parameters of its frontend.",
        ) from None


def _parameter_notes(tflite_model: TfliteModel, listening: Listening) -> list[str]:
    stored = stored_parameters(tflite_model)
    missing = [name for name in (*DETECTOR_PARAMETERS, "latency_ms") if name not in stored]
    if "detection_threshold_list" in stored and "detection_threshold" in missing:
        missing.remove("detection_threshold")
    notes = []
    if missing:
        defaults = ", ".join(f"{name} {getattr(listening.detector, name)}" for name in missing)
        notes.append(f"The model has no parameters {', '.join(missing)}. The defaults are used: {defaults}.")
    return [*notes, *listening.problems()]


def _recordings(
    reference: ModelReference, listening: Listening, options: StreamOptions, stack: contextlib.ExitStack
) -> Recordings:
    rate = listening.frontend.sample_rate_hz
    shortest_s = clip_samples(listening) / rate
    path, notes = options.stream, list[str]()
    if path is None:
        folder = options.keep or stack.enter_context(tempfile.TemporaryDirectory(prefix="mltk-stream-"))
        path, notes = _join(reference, listening, options, folder)
    found = find_recordings(path, listening.classes, sample_rate_hz=rate, shortest_s=shortest_s)
    return Recordings(found.recordings, [*notes, *found.notes])


def _join(
    reference: ModelReference, listening: Listening, options: StreamOptions, folder: str
) -> tuple[str, list[str]]:
    """Join clips of the evaluation data. Returns the path of the recording, and what to know about it."""
    if reference.is_tflite:
        raise DatasetError(
            "A .tflite has no dataset, of which a recording could be joined.",
            hint="Name a recording or a folder of recordings: --stream FOLDER. Or give the model's name or archive.",
        )
    loaded = prepare(reference.given, AudioDatasetMixin, test=options.test, operation="join its clips to a recording")
    clips, backgrounds = _clips_of(loaded)
    rate = listening.frontend.sample_rate_hz
    path, _ = Joiner(clips, backgrounds, rate, seed=options.seed).write(folder, options.hours)
    noise = f"{len(backgrounds)} background recordings" if backgrounds else "generated noise"
    notes = [
        f"There is no long recording. {options.hours:g} h of audio were joined from {len(clips)} evaluation clips and "
        f"{noise} (seed {options.seed}). Real rooms have other sounds: evaluate on recordings too."
    ]
    if options.keep:
        notes.append(f"The joined recording and its labels: {path}.")
    return path, notes


def _clips_of(model: MltkModel) -> tuple[list[Clip], list[npt.NDArray[np.int16]]]:
    """Return the clips of the evaluation data, and the background recordings of the data generator."""
    loaded = cast("Any", model)
    load_dataset(loaded, "evaluation")
    batches = loaded.x
    if not hasattr(batches, "bank"):
        raise DatasetError(f"{model.name}: its evaluation data are not audio files, of which clips could be joined.")
    names = {index: name for name, index in batches.class_indices.items()}
    clips = []
    for index in np.unique(batches.order(0)).tolist():
        clips.append(Clip(batches.bank.sample(index), names[int(batches.labels[index])]))
    generator = loaded._generator_for("evaluation")
    bank = generator.backgrounds().bank
    backgrounds = [] if bank is None else [bank.sample(i) for i in range(len(bank))]
    loaded.unload_dataset()
    return clips, backgrounds


def _score(scored: ScoredStream, found: Recordings, options: StreamOptions) -> None:
    total, done = found.hours * 3600, 0.0

    def report(seconds: float) -> None:
        nonlocal done
        done += seconds
        if options.progress is not None:
            options.progress(done, total)

    trusted = not scored.reference.is_outside_file
    with StreamModel(scored.tflite_model, engine=options.engine, trusted=trusted) as model:
        start = time.perf_counter()
        for recording in found.recordings:
            model.restart()
            scored.recordings.append(score_recording(recording, scored.listening, model.compute, report))
        scored.seconds = time.perf_counter() - start
        scored.notes += model.notes
        scored.facts = model.facts
