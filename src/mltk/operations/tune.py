"""Choose when a keyword spotter detects, for a wanted rate of false accepts, and write it into the ``.tflite``.

    mltk tune yes_no --stream recordings --max-false-accepts 1

The model's scores on the recordings are computed once. Then the settings of the detector are tried on them: a part of
the audio chooses averaging window and suppression, the rest chooses the threshold. The network is not changed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from mltk.audio.detector import DetectorSettings
from mltk.audio.streams.curve import Sweeper
from mltk.audio.streams.rates import share_interval
from mltk.audio.streams.tuning import CONFIDENCE, Choice, choose_settings
from mltk.errors import EvaluationError
from mltk.operations.results.tune import TuneResults
from mltk.operations.shared.stream_figures import outcomes_of, stream_figures
from mltk.operations.shared.streams import DETECTOR_PARAMETERS, ScoredStream, StreamOptions, scored_stream
from mltk.operations.update_params import update_model_parameters
from mltk.specification.model import MltkModel
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import stored_parameters
from mltk.workers.script_loading import stop_if_loading_script

_EXPECTED = 4.0
"""False accepts that should be expected in the audio."""
_LONGEST_HOURS = 24.0


def tune_model(
    model: MltkModel | TfliteModel | str | os.PathLike[str],
    stream: str | os.PathLike[str] | None = None,
    *,
    max_false_accepts: float = 1.0,
    hours: float | None = None,
    seed: int = 0,
    tolerance_s: float | None = None,
    output: str | os.PathLike[str] | None = None,
    dry_run: bool = False,
    keep: str | os.PathLike[str] | None = None,
    engine: str = "auto",
    test: bool = False,
    progress: Callable[[float, float], None] | None = None,
) -> TuneResults:
    """Choose threshold, averaging window, suppression and minimum count, and write them into the model.

    Runs the specification only if there is no recording.

    Args:
        model: A ``.tflite`` file, an archive, the name of a trained model, a specification, or a `TfliteModel`, which
            is changed in memory.
        stream: An audio file, or a folder of audio files with label files. None joins clips of the evaluation data.
        max_false_accepts: Most false accepts an hour.
        hours: Length of the joined recording. By default, four false accepts are expected in it, but at most 24 hours.
        seed: Seed of the joined recording.
        tolerance_s: Seconds after its end in which a keyword may be detected; None is the length of the model's clip.
        output: File or folder for the changed ``.tflite``; by default the model is written where it came from.
        dry_run: Write nothing.
        keep: Folder for the joined recording and its label file; None removes them.
        engine: As for `evaluate_stream`.
        test: Use the files of the dry run.
        progress: Is called with the seconds of audio that were scored, and the seconds of all audio.

    Returns:
        The chosen settings, and what they change.

    Raises:
        EvaluationError: The model does not listen to audio, the recordings are too short for the wanted rate, or no
            setting has it. Nothing is written.
        DatasetError: There is no audio, or a label file does not fit its recording.
        OutputError: The file cannot be written.
    """
    stop_if_loading_script()
    if not 0 < max_false_accepts <= 100_000:
        raise EvaluationError(
            f"The wanted rate is {max_false_accepts:g} false accepts an hour; it must be above 0.",
            hint="Take 0.1 for one false accept in ten hours; it needs that much audio.",
        )
    options = StreamOptions(
        None if stream is None else os.fspath(stream),
        hours=_hours(max_false_accepts) if hours is None else hours,
        seed=seed,
        keep=None if keep is None else os.path.abspath(os.path.expanduser(keep)),
        tolerance_s=tolerance_s,
        engine=engine,
        test=test,
        progress=progress,
    )
    with scored_stream(model, options) as scored:
        results = _tuned(scored, max_false_accepts)
    if not dry_run:
        changes: dict[str, Any] = dict(results.parameters)
        if "detection_threshold_list" in stored_parameters(scored.tflite_model):
            changes["detection_threshold_list"] = None
        written = update_model_parameters(model, changes, output=None if output is None else os.fspath(output))
        results.path = written if isinstance(written, str) else None
    return results


def _hours(max_false_accepts: float) -> float:
    return min(_LONGEST_HOURS, max(1.0, _EXPECTED / max_false_accepts))


def _tuned(scored: ScoredStream, max_false_accepts: float) -> TuneResults:
    listening = scored.listening
    own = listening.detector
    sweeper = Sweeper(scored.recordings, listening.classes, scored.tolerance_s)
    interval_ms = listening.samples_per_inference * 1000 / listening.frontend.sample_rate_hz
    choice = choose_settings(sweeper, own, interval_ms=interval_ms, max_false_accepts_per_hour=max_false_accepts)
    notes = list(scored.notes)
    if max_false_accepts * scored.hours < _EXPECTED:
        notes.append(
            f"{scored.hours:.3g} h of audio are short for this rate. Give {_EXPECTED / max_false_accepts:.3g} h or "
            "more."
        )
    if own.detection_threshold_list:
        notes.append("The thresholds of single classes (detection_threshold_list) are replaced by one threshold.")
    return TuneResults(
        scored.name,
        max_false_accepts,
        {name: getattr(choice.settings, name) for name in DETECTOR_PARAMETERS},
        _figures(scored, sweeper, own),
        _figures(scored, sweeper, choice.settings),
        _expected(choice),
        scored.hours,
        scored.n_keywords,
        scored.tolerance_s,
        choice.n_tried,
        sweeper.curve(choice.settings).to_dict(listening.classes),
        notes=notes,
    )


def _expected(choice: Choice) -> dict[str, Any]:
    n_keywords = int(choice.checked.n_events.sum())
    return {
        "false_accepts_per_hour": choice.expected_per_hour,
        "false_accepts_per_hour_interval": choice.expected_interval,
        "false_reject_rate": choice.false_rejects / n_keywords,
        "false_reject_rate_interval": share_interval(choice.false_rejects, n_keywords),
        "false_accepts": choice.false_accepts,
        "n_keywords": n_keywords,
        "hours": choice.checked.hours,
        "confidence": CONFIDENCE,
    }


def _figures(scored: ScoredStream, sweeper: Sweeper, settings: DetectorSettings) -> dict[str, Any]:
    figures = stream_figures(outcomes_of(scored, sweeper, settings), scored.listening.classes, scored.hours)
    own: dict[str, Any] = {name: getattr(settings, name) for name in DETECTOR_PARAMETERS}
    if settings.detection_threshold_list:
        own["detection_threshold"] = list(settings.detection_threshold_list)
    names = ("false_accepts", "false_accepts_per_hour", "false_accepts_per_hour_interval", "repeats", "confusions")
    more = ("false_rejects", "false_reject_rate", "false_reject_rate_interval")
    return {
        "settings": own,
        **{name: figures[name] for name in (*names, *more)},
        "median_latency_ms": figures["latency_ms"]["median"],
    }
