"""False accepts an hour against false rejects, at all thresholds of the detector.

The model is not computed again: the curve is made from its scores. The whole curve of an hour takes some milliseconds.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.detector import MAX_SCORE, DetectorSettings
from mltk.audio.streams.matching import Candidates, EventTable, load
from mltk.audio.streams.pieces import Pieces, first_part
from mltk.audio.streams.scoring import ScoredRecording


@dataclass(frozen=True)
class Curve:
    """How often the detector is right, for each of several settings of its thresholds.

    Attributes:
        thresholds: int64 [n]: Threshold of all keywords.
        hits: int64 [n, classes]: Keywords that were detected, by class.
        false_accepts: int64 [n, classes]: False accepts, by the class of the detection.
        n_events: int64 [classes]: Keywords that were said.
        latency_ms: float64 [n]: Mean time from the end of a keyword to its detection; NaN without a hit. It is negative
            if keywords are detected before they end.
        hours: Length of the recordings.
    """

    thresholds: npt.NDArray[np.int64]
    hits: npt.NDArray[np.int64]
    false_accepts: npt.NDArray[np.int64]
    n_events: npt.NDArray[np.int64]
    latency_ms: npt.NDArray[np.float64]
    hours: float

    @property
    def false_accepts_per_hour(self) -> npt.NDArray[np.float64]:
        """float64 [n]: False accepts of all keywords in an hour."""
        return np.asarray(self.false_accepts.sum(axis=1) / self.hours, np.float64)

    @property
    def false_rejects(self) -> npt.NDArray[np.int64]:
        """int64 [n]: Keywords that were not detected."""
        return np.asarray(self.n_events.sum() - self.hits.sum(axis=1), np.int64)

    @property
    def false_reject_rate(self) -> npt.NDArray[np.float64]:
        """float64 [n]: Share of the keywords that were not detected; NaN without keywords."""
        total = int(self.n_events.sum())
        return self.false_rejects / total if total else np.full(len(self.thresholds), np.nan)

    def to_dict(self, classes: Sequence[str]) -> dict[str, Any]:
        """Return plain arrays by name, of all keywords and of each.

        Args:
            classes: Classes of the model.
        """
        keywords = [i for i, name in enumerate(classes) if not name.startswith("_")]
        misses = self.n_events - self.hits
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = misses / self.n_events
        return {
            "thresholds": self.thresholds,
            "false_accepts_per_hour": self.false_accepts_per_hour,
            "false_reject_rate": self.false_reject_rate,
            "mean_latency_ms": self.latency_ms,
            "keywords": {
                classes[i]: {
                    "false_accepts_per_hour": self.false_accepts[:, i] / self.hours,
                    "false_reject_rate": rates[:, i],
                }
                for i in keywords
            },
        }


class Sweeper:
    """Counts errors on scored recordings, for any settings of the detector.

    Args:
        scored: The recordings.
        classes: Classes of the model.
        tolerance_s: How long after its end a keyword may be detected.

    Attributes:
        hours: Length of the recordings.
        n_events: int64 [classes]: Keywords that were said.
    """

    def __init__(self, scored: Sequence[ScoredRecording], classes: Sequence[str], tolerance_s: float) -> None:
        self._scored = scored
        self._classes = list(classes)
        self._pieces: list[Pieces] | None = None
        self._use([EventTable(s.recording.events, tolerance_s) for s in scored], [s.duration_s for s in scored])

    def _use(self, tables: list[EventTable], durations_s: list[float]) -> None:
        self._tables, self._durations_s = tables, durations_s
        self.hours = sum(durations_s) / 3600
        self.n_events = np.zeros(len(self._classes), np.int64)
        for table in tables:
            self.n_events += np.bincount(table.classes, minlength=len(self._classes))
        self._window: tuple[int, int] | None = None
        self._candidates: list[Candidates] = []

    def split(self) -> tuple[Sweeper, Sweeper]:
        """Return a sweeper of a quarter of the audio, and one of the rest: see `mltk.audio.streams.pieces`."""
        quarter = first_part(self._durations_s, [(t.start_ms, t.until_ms) for t in self._tables])
        return self._part(quarter), self._part([p.others() for p in quarter])

    def _part(self, pieces: list[Pieces]) -> Sweeper:
        part = copy.copy(self)
        part._pieces = pieces
        part._use([t.within(p) for t, p in zip(self._tables, pieces, strict=True)], [p.seconds for p in pieces])
        return part

    def pairs(self, settings: DetectorSettings) -> list[tuple[Candidates, EventTable]]:
        """Return for each recording what could be a detection, and its keywords."""
        window = (settings.average_window_duration_ms, settings.minimum_count)
        if window != self._window:
            self._candidates = [Candidates(s, settings, self._classes) for s in self._scored]
            if self._pieces is not None:
                self._candidates = [c.within(p) for c, p in zip(self._candidates, self._pieces, strict=True)]
            self._window = window
        return list(zip(self._candidates, self._tables, strict=True))

    def count(self, settings: DetectorSettings, thresholds: npt.NDArray[np.uint8]) -> Curve:
        """Count hits and errors.

        Args:
            settings: The detector; its thresholds are ignored.
            thresholds: uint8 [n, classes].

        Returns:
            The counts; its thresholds are the lowest of each row.
        """
        ffi, lib = load()
        n, n_classes = thresholds.shape
        limits = np.ascontiguousarray(thresholds, np.uint8)
        hits, wrong = np.zeros((n, n_classes), np.int64), np.zeros((n, n_classes), np.int64)
        latency = np.zeros(n, np.int64)
        for candidates, events in self.pairs(settings):
            results, _kept = candidates.struct()
            wanted, _also_kept = events.struct()
            indices = np.empty(2 * len(candidates) + 1, np.int32)
            taken = np.empty(len(events) + 1, np.uint8)
            lib.mltk_sweep_count(
                results,
                wanted,
                ffi.from_buffer("int64_t[]", events.end_ms),
                n,
                n_classes,
                ffi.from_buffer("uint8_t[]", limits),
                settings.suppression_ms,
                ffi.from_buffer("int64_t[]", hits),
                ffi.from_buffer("int64_t[]", wrong),
                ffi.from_buffer("int64_t[]", latency),
                ffi.from_buffer("int32_t[]", indices),
                ffi.from_buffer("uint8_t[]", taken),
            )
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = latency / hits.sum(axis=1)
        return Curve(limits.min(axis=1).astype(np.int64), hits, wrong, self.n_events, mean, self.hours)

    def curve(self, settings: DetectorSettings) -> Curve:
        """Count hits and errors at each threshold from 0 to 254, the same for all keywords."""
        keyword = np.array([not name.startswith("_") for name in self._classes])
        levels = np.arange(MAX_SCORE, dtype=np.uint8)
        return self.count(settings, np.where(keyword[np.newaxis], levels[:, np.newaxis], np.uint8(MAX_SCORE)))
