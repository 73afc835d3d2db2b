"""Evaluate a keyword spotter on hours of audio, continuously, as the device hears them.

    mltk evaluate yes_no --stream recordings
    mltk evaluate yes_no --stream

The audio frontend, the int8 model and the detector run as in the firmware. Detections are matched with label files; the
rule is in `mltk.audio.streams.matching`. Without a recording, clips of the evaluation data are joined with noise.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from typing import Any

from mltk.audio.streams.clips import WantedClip, folder_of_other_sounds, write_clips
from mltk.audio.streams.curve import Sweeper
from mltk.audio.streams.matching import Verdict
from mltk.files import make_folder
from mltk.operations.results.stream import StreamEvaluationResults
from mltk.operations.shared.archived_report import logs_of, with_report
from mltk.operations.shared.report_facts import name_in
from mltk.operations.shared.stream_figures import Outcome, outcomes_of, stream_figures
from mltk.operations.shared.streams import DETECTOR_PARAMETERS, ScoredStream, StreamOptions, scored_stream
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.archive_file import update_archive as update_archive_file
from mltk.specification.model import MltkModel
from mltk.tflite.model import TfliteModel
from mltk.workers.script_loading import stop_if_loading_script

_FOLDER = "stream"
_MOST_CLIPS = 1000


def evaluate_stream(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    stream: str | os.PathLike[str] | None = None,
    *,
    hours: float = 1.0,
    seed: int = 1,
    tolerance_s: float | None = None,
    output: str | os.PathLike[str] | None = None,
    clips: bool = True,
    keep: str | os.PathLike[str] | None = None,
    engine: str = "auto",
    show: bool = False,
    update_archive: bool = True,
    report: bool | None = None,
    test: bool = False,
    progress: Callable[[float, float], None] | None = None,
) -> StreamEvaluationResults:
    """Evaluate a keyword spotter on long recordings. Runs the specification only if there is no recording.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`.
        stream: An audio file, or a folder of audio files with label files. None joins clips of the evaluation data.
        hours: Length of the joined recording.
        seed: Seed of the joined recording.
        tolerance_s: Seconds after its end in which a keyword may be detected; None is the length of the model's clip.
        output: Folder for the results and the clips; by default ``eval/stream`` in the folder of the model's logs.
        clips: Write the seconds that were heard wrongly as clips in class folders.
        keep: Folder for the joined recording and its label file; None removes them.
        engine: ``"c"`` needs the model's C code. ``"auto"`` uses it if there is a compiler. Both compute the numbers of
            TensorFlow Lite Micro.
        show: Open windows with the plots.
        update_archive: Store the results in the model's archive.
        report: Write the report, if the archive is updated; by default as ``model.html_report`` says.
        test: Use the files of the dry run.
        progress: Is called with the seconds of audio that were scored, and the seconds of all audio.

    Returns:
        The results.

    Raises:
        EvaluationError: The model does not listen to audio.
        DatasetError: There is no audio, or a label file does not fit its recording.
        ModelNotFoundError: There is no such model.
    """
    stop_if_loading_script()
    options = StreamOptions(
        None if stream is None else os.fspath(stream),
        hours=hours,
        seed=seed,
        keep=None if keep is None else os.path.abspath(os.path.expanduser(keep)),
        tolerance_s=tolerance_s,
        engine=engine,
        test=test,
        progress=progress,
    )
    with scored_stream(model, options) as scored:
        results, outcomes = stream_results(scored)
        folder = os.path.abspath(os.path.expanduser(output)) if output else _new_default_folder(scored)
        if clips:
            written_clips = _write_clips(scored, outcomes, os.path.join(folder, "clips"))
            results["notes"] += written_clips.pop("clip_notes")
            results.update(written_clips)
    written = results.save(folder, plots=False)
    written += results.generate_plots(show=show, output_dir=folder)
    results["folder"] = folder
    if update_archive and not scored.reference.is_tflite:
        _update_archive(scored, {f"eval/{_FOLDER}/{os.path.basename(path)}": path for path in written}, report)
    return results


def stream_results(scored: ScoredStream) -> tuple[StreamEvaluationResults, list[Outcome]]:
    """Compute all figures of a stream at the model's own settings.

    Args:
        scored: The scores.

    Returns:
        The results, and what happened in each recording.
    """
    listening = scored.listening
    sweeper = Sweeper(scored.recordings, listening.classes, scored.tolerance_s)
    outcomes = outcomes_of(scored, sweeper, listening.detector)
    results = StreamEvaluationResults(
        scored.name,
        list(listening.classes),
        **scored.facts,
        notes=list(scored.notes),
        hours=scored.hours,
        recordings=[s.recording.name for s in scored.recordings],
        is_joined=scored.is_joined,
        tolerance_s=scored.tolerance_s,
        settings=_settings(scored),
        seconds=scored.seconds,
        times_real_time=scored.hours * 3600 / max(scored.seconds, 1e-9),
        **stream_figures(outcomes, listening.classes, scored.hours),
        curve=sweeper.curve(listening.detector).to_dict(listening.classes),
    )
    return results, outcomes


def _update_archive(scored: ScoredStream, members: dict[str, bytes | str], report: bool | None) -> None:
    """Store the results in the archive, and the report that shows them."""
    reference = scored.reference
    path, given = reference.archive_path(), reference.given
    with ArchiveReader(path) as archive:
        name = name_in(archive, reference.name)
        settings = archive.manifest().get("settings")
    stored = settings.get("html_report") if isinstance(settings, dict) else None
    wanted = given.html_report if isinstance(given, MltkModel) else stored is not False
    if wanted if report is None else report:
        command = given if isinstance(given, str) else name
        members = with_report(path, name, command, members, lambda: make_folder(logs_of(reference, scored.name)))
    update_archive_file(path, members)


def _new_default_folder(scored: ScoredStream) -> str:
    """Empty the folder of the results below the folder of the model's logs, and return it."""
    folder = os.path.join(logs_of(scored.reference, scored.name), "eval", _FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    return make_folder(folder)


def _settings(scored: ScoredStream) -> dict[str, Any]:
    detector = scored.listening.detector
    settings = {name: getattr(detector, name) for name in DETECTOR_PARAMETERS}
    if detector.detection_threshold_list:
        settings.pop("detection_threshold")
        settings["detection_threshold_list"] = list(detector.detection_threshold_list)
    frontend = scored.listening.frontend
    settings["latency_ms"] = scored.listening.rows_per_inference * frontend.window_step_ms
    return settings


def _write_clips(scored: ScoredStream, outcomes: Sequence[Outcome], folder: str) -> dict[str, Any]:
    """Write what was heard wrongly as clips. Returns where they are, and what to know about them."""
    classes, notes = scored.listening.classes, []
    rate, n_written, n_left = scored.listening.frontend.sample_rate_hz, 0, _MOST_CLIPS
    others = folder_of_other_sounds(classes)
    for one, outcome in zip(scored.recordings, outcomes, strict=True):
        wanted = _wanted(outcome, classes, others, scored.clip_samples / rate)
        if len(wanted) > n_left:
            notes.append(f"Only the first {_MOST_CLIPS} clips of errors were written.")
        wanted = wanted[:n_left]
        n_left -= len(wanted)
        if wanted:
            n_written += len(write_clips(one.recording, wanted, folder, rate, scored.clip_samples))
        if notes:
            break
    return {"clips": folder if n_written else None, "n_clips": n_written, "clip_notes": notes}


def _wanted(outcome: Outcome, classes: Sequence[str], others: str, clip_s: float) -> list[WantedClip]:
    """Return the clips of one recording. A repeat is heard rightly, so that it is not among them."""
    wanted = []
    for d in outcome.detections:
        said = others if d.event is None else classes[outcome.events[d.event].class_index]
        if d.verdict in (Verdict.FALSE_ACCEPT, Verdict.CONFUSION):
            wanted.append(WantedClip(d.time_ms / 1000, said, f"false-{classes[d.class_index]}"))
    for event, detected in zip(outcome.events, outcome.detected, strict=True):
        if not detected:  # the word is in the middle, as far as it fits
            end_s = (event.start_s + event.end_s + clip_s) / 2
            wanted.append(WantedClip(end_s, classes[event.class_index], "missed"))
    return wanted
