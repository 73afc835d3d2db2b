"""Which detections are right, and what went wrong with the others.

The rule: a detection at the time t counts for a keyword that was said from ``start`` to ``end`` if it has the same
class and ``start <= t <= end + tolerance``. Each keyword takes the first of these detections. All other detections are
false accepts, also a second one of the same keyword: a device would act twice. A keyword without a detection is a false
reject. So a keyword that is detected as another one is a false reject and a false accept.

The time of a detection is the end of the audio that the newest scores were computed from, as in
:class:`~mltk.audio.detector.Detection`. The natural tolerance is the length of the model's clip: up to then, the model
hears a part of the word.
"""

from __future__ import annotations

import copy
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.detector import DetectorSettings, averages
from mltk.audio.streams.labels import Event
from mltk.audio.streams.pieces import Pieces
from mltk.audio.streams.scoring import ScoredRecording
from mltk.errors import MltkError

_TAKEN = -2


class SweepUnavailableError(MltkError, ImportError):
    """mltk was installed without its C extension, because there was no C compiler."""


@cache
def load() -> tuple[Any, Any]:
    """Load the extension.

    Returns:
        cffi's ``ffi`` and ``lib``.

    Raises:
        SweepUnavailableError: The extension was not compiled.
    """
    try:
        module = importlib.import_module("mltk.native._detections")
    except ImportError as error:
        raise SweepUnavailableError(
            f"Streams are evaluated by C code, which was not compiled when mltk was installed here ({error}).",
            hint="Install a C compiler, then install mltk again: pip install --force-reinstall --no-deps openmltk",
        ) from error
    return module.ffi, module.lib


class Verdict(StrEnum):
    """What a detection is."""

    HIT = "hit"
    """It counts for a keyword."""
    REPEAT = "repeat"
    """It is of the right class, but an earlier detection counts for the keyword. A false accept."""
    CONFUSION = "confusion"
    """Another keyword was said at this time. A false accept."""
    FALSE_ACCEPT = "false accept"
    """No keyword was said at this time."""


@dataclass(frozen=True)
class Judged:
    """A detection, and what it is.

    Attributes:
        class_index: Position in the model's classes.
        score: Averaged score, 1 to 255.
        time_ms: Time in the recording.
        verdict: What it is.
        event: Index of the keyword that was said at this time; None if there was none.
    """

    class_index: int
    score: int
    time_ms: int
    verdict: Verdict
    event: int | None


class EventTable:
    """The keywords of a recording as arrays.

    Args:
        events: The keywords, ordered by their start.
        tolerance_s: How long after its end a keyword may be detected.

    Attributes:
        start_ms: int64 [events].
        until_ms: int64 [events]: Latest time of a detection that counts.
        end_ms: int64 [events].
        classes: uint8 [events].
    """

    def __init__(self, events: Sequence[Event], tolerance_s: float) -> None:
        self.start_ms = np.array([int(e.start_s * 1000) for e in events], np.int64)
        self.end_ms = np.array([int(np.ceil(e.end_s * 1000)) for e in events], np.int64)
        self.until_ms = self.end_ms + round(tolerance_s * 1000)
        self.classes = np.array([e.class_index for e in events], np.uint8)

    def within(self, pieces: Pieces) -> EventTable:
        """Return the keywords that begin in pieces that count."""
        kept = pieces.contain(self.start_ms)
        part = copy.copy(self)
        part.start_ms, part.end_ms = self.start_ms[kept], self.end_ms[kept]
        part.until_ms, part.classes = self.until_ms[kept], self.classes[kept]
        return part

    def __len__(self) -> int:
        return len(self.classes)

    def struct(self) -> tuple[Any, list[Any]]:
        """Return ``mltk_sweep_events *`` of cffi, and what must be kept as long as it is used."""
        ffi, _ = load()
        pointers = [
            ffi.from_buffer("int64_t[]", self.start_ms),
            ffi.from_buffer("int64_t[]", self.until_ms),
            ffi.from_buffer("uint8_t[]", self.classes),
        ]
        return ffi.new("mltk_sweep_events *", [len(self), *pointers]), pointers


class Candidates:
    """The results of one recording that could be a detection, for one averaging window.

    Args:
        scored: The scores.
        settings: The averaging window and its fewest results. Thresholds and suppression are ignored.
        classes: Classes of the model.

    Attributes:
        times_ms: int64 [candidates].
        tops: uint8 [candidates]: The class with the highest average.
        levels: uint8 [candidates]: This average.
    """

    def __init__(self, scored: ScoredRecording, settings: DetectorSettings, classes: Sequence[str]) -> None:
        tops, levels = averages(settings, scored.scores, scored.times_ms)
        detectable = np.array([not name.startswith("_") for name in classes])
        kept = np.flatnonzero(detectable[tops] & (levels > 0))
        self.times_ms = np.ascontiguousarray(scored.times_ms[kept])
        self.tops = tops[kept].astype(np.uint8)
        self.levels = levels[kept].astype(np.uint8)

    def within(self, pieces: Pieces) -> Candidates:
        """Return the results in pieces that count. Their averages are those of the whole recording."""
        kept = pieces.contain(self.times_ms)
        part = copy.copy(self)
        part.times_ms, part.tops, part.levels = self.times_ms[kept], self.tops[kept], self.levels[kept]
        return part

    def __len__(self) -> int:
        return len(self.tops)

    def struct(self) -> tuple[Any, list[Any]]:
        """Return ``mltk_sweep_results *`` of cffi, and what must be kept as long as it is used."""
        ffi, _ = load()
        pointers = [
            ffi.from_buffer("int64_t[]", self.times_ms),
            ffi.from_buffer("uint8_t[]", self.tops),
            ffi.from_buffer("uint8_t[]", self.levels),
        ]
        return ffi.new("mltk_sweep_results *", [len(self), *pointers]), pointers


def judge(
    candidates: Candidates, events: EventTable, thresholds: npt.NDArray[np.uint8], suppression_ms: int
) -> tuple[list[Judged], npt.NDArray[np.bool_]]:
    """Find the detections, and say what each is.

    Args:
        candidates: What could be a detection.
        events: The keywords.
        thresholds: uint8 [classes].
        suppression_ms: After a detection, nothing is detected for this time.

    Returns:
        The detections in order, and for each keyword whether it was detected.
    """
    ffi, lib = load()
    results, _kept = candidates.struct()
    wanted, _also_kept = events.struct()
    limits = np.ascontiguousarray(thresholds, np.uint8)
    found = np.zeros(max(1, len(candidates)), np.int32)
    indices = ffi.from_buffer("int32_t[]", found)
    n = lib.mltk_sweep_detect(results, ffi.from_buffer("uint8_t[]", limits), suppression_ms, indices)
    of, taken = np.zeros(max(1, n), np.int32), np.zeros(max(1, len(events)), np.uint8)
    lib.mltk_sweep_match(
        results, wanted, indices, n, ffi.from_buffer("int32_t[]", of), ffi.from_buffer("uint8_t[]", taken)
    )
    detections = []
    for i, event in zip(found[:n].tolist(), of[:n].tolist(), strict=True):
        time, top = int(candidates.times_ms[i]), int(candidates.tops[i])
        if event >= 0:
            verdict, near = Verdict.HIT, event
        else:
            near = _said_at(events, time, top if event == _TAKEN else None)
            verdict = Verdict.REPEAT if event == _TAKEN else Verdict.FALSE_ACCEPT if near is None else Verdict.CONFUSION
        detections.append(Judged(top, int(candidates.levels[i]), time, verdict, near))
    return detections, taken[: len(events)].astype(bool)


def _said_at(events: EventTable, time_ms: int, class_index: int | None) -> int | None:
    """Return the latest keyword, of a class if it is given, that a detection at this time could count for."""
    said = (events.start_ms <= time_ms) & (time_ms <= events.until_ms)
    if class_index is not None:
        said &= events.classes == class_index
    found = np.flatnonzero(said)
    return int(found[-1]) if len(found) else None
