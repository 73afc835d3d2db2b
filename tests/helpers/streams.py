"""Recordings with label files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from helpers.listening_models import RATE, sounds
from mltk.audio.files import write_audio
from mltk.operations.evaluate_stream import evaluate_stream


def write_recording(
    folder: Path,
    name: str = "kitchen",
    samples: npt.ArrayLike | None = None,
    labels: list[tuple[float, float, str]] | None = None,
    rate: int = RATE,
) -> Path:
    """Write a WAV file, and a label track of Audacity beside it unless ``labels`` is None."""
    path = folder / f"{name}.wav"
    write_audio(str(path), np.zeros(4 * rate, np.int16) if samples is None else samples, rate)
    if labels is not None:
        text = "".join(f"{start:.6f}\t{end:.6f}\t{label}\n" for start, end, label in labels)
        path.with_suffix(".txt").write_text(text, encoding="utf-8")
    return path


def write_half_labeled_recording(folder: Path, spotter: Path) -> Path:
    """Write a minute of sounds, in which every other detection of ``spotter`` has a label. Returns its folder."""
    samples = sounds(60.0, seed=5)
    write_recording(folder / "first", samples=samples)
    found = evaluate_stream(spotter, folder / "first", output=folder / "unused", clips=False).detections
    labels = [(d["time_s"] - 0.1, d["time_s"] - 0.05, d["keyword"]) for d in found[::2]]
    assert len(labels) > 10
    write_recording(folder / "audio", samples=samples, labels=labels)
    return folder / "audio"


def matched_by_rule(
    detections: list[tuple[int, int]], events: list[tuple[int, int, int]]
) -> tuple[list[int | None], set[int]]:
    """Apply the rule of matching, literally.

    Args:
        detections: Time in ms and class, in order.
        events: Start in ms, latest time in ms and class, in order.

    Returns:
        The event that each detection counts for, and all events that were detected.
    """
    taken: set[int] = set()
    found: list[int | None] = []
    for time, class_index in detections:
        fitting = [
            i
            for i, (start, until, wanted) in enumerate(events)
            if wanted == class_index and start <= time <= until and i not in taken
        ]
        found.append(fitting[0] if fitting else None)
        taken |= set(fitting[:1])
    return found, taken
