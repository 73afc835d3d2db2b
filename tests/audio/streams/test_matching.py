"""Detections and keywords: the C code does what the rule says, and finds what the detector finds."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

from helpers.streams import matched_by_rule
from mltk.audio.detector import Detector, DetectorSettings
from mltk.audio.streams import matching
from mltk.audio.streams.labels import Event
from mltk.audio.streams.matching import Candidates, EventTable, SweepUnavailableError, Verdict, judge
from mltk.audio.streams.recordings import Recording
from mltk.audio.streams.scoring import ScoredRecording

CLASSES = ["yes", "no", "up", "_unknown_"]


def scored(scores: np.ndarray, times: np.ndarray, events: list[Event] | None = None) -> ScoredRecording:
    recording = Recording("a.wav", "a.wav", 60.0, 8000, 1, events or [])
    return ScoredRecording(recording, scores, times, 60.0)


def random_scores(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    walk = np.cumsum(rng.normal(0, 40, (n, len(CLASSES))), axis=0)
    times = np.cumsum(rng.integers(0, 60, n))
    return np.clip(np.abs(walk) % 300, 0, 255).astype(np.uint8), times.astype(np.int64)


def test_the_detections_are_those_of_the_detector_and_match_by_the_rule() -> None:
    rng, n_hits = np.random.default_rng(5), 0
    for _ in range(150):
        settings = DetectorSettings(
            average_window_duration_ms=int(rng.integers(0, 500)),
            suppression_ms=int(rng.integers(0, 600)),
            minimum_count=int(rng.integers(0, 4)),
        )
        scores, times = random_scores(rng, int(rng.integers(0, 400)))
        starts = np.sort(rng.uniform(0, 12, int(rng.integers(0, 40))))
        events = [Event(float(s), float(s + rng.uniform(0, 0.6)), int(rng.integers(0, 3))) for s in starts]
        tolerance = float(rng.choice([0, 0.2, 1.0]))
        threshold = int(rng.integers(0, 255))
        expected = Detector(replace(settings, detection_threshold=threshold), CLASSES).feed(scores, times)
        thresholds = np.array([threshold] * 3 + [255], np.uint8)
        table = EventTable(events, tolerance)
        found, detected = judge(
            Candidates(scored(scores, times), settings, CLASSES), table, thresholds, settings.suppression_ms
        )
        assert [(d.class_index, d.score, d.time_ms) for d in found] == [
            (d.class_index, d.score, d.time_ms) for d in expected
        ]
        matched, taken = matched_by_rule(
            [(d.time_ms, d.class_index) for d in expected],
            list(zip(table.start_ms.tolist(), table.until_ms.tolist(), table.classes.tolist(), strict=True)),
        )
        assert [d.event if d.verdict is Verdict.HIT else None for d in found] == matched
        assert set(np.flatnonzero(detected).tolist()) == taken
        n_hits += len(taken)
    assert n_hits > 200


@pytest.mark.parametrize(
    ("time_ms", "class_index", "expected"),
    [
        (999, 0, Verdict.FALSE_ACCEPT),  # before the word begins
        (1000, 0, Verdict.HIT),
        (2500, 0, Verdict.HIT),  # the word ends at 1500, the tolerance is 1 s
        (2501, 0, Verdict.FALSE_ACCEPT),
        (1500, 1, Verdict.CONFUSION),
    ],
)
def test_the_limits_of_the_rule(time_ms: int, class_index: int, expected: Verdict) -> None:
    scores = np.zeros((1, 4), np.uint8)
    scores[0, class_index] = 200
    events = EventTable([Event(1.0, 1.5, 0)], 1.0)
    settings = DetectorSettings(minimum_count=0)
    candidates = Candidates(scored(scores, np.array([time_ms])), settings, CLASSES)
    (found,), detected = judge(candidates, events, np.array([100, 100, 100, 255], np.uint8), 0)
    assert (found.verdict, found.score, found.time_ms) == (expected, 200, time_ms)
    assert found.event == (None if expected is Verdict.FALSE_ACCEPT else 0)
    assert detected.tolist() == [expected is Verdict.HIT]


def test_a_second_detection_of_a_keyword_is_a_repeat() -> None:
    scores = np.array([[200, 0, 0, 0]] * 2, np.uint8)
    candidates = Candidates(scored(scores, np.array([1600, 1900])), DetectorSettings(minimum_count=0), CLASSES)
    events = EventTable([Event(1.0, 1.5, 0)], 1.0)
    limits = np.full(4, 100, np.uint8)
    found, _ = judge(candidates, events, limits, 100)
    assert [d.verdict for d in found] == [Verdict.HIT, Verdict.REPEAT]
    assert len(judge(candidates, events, limits, 300)[0]) == 1  # suppressed


def test_nothing_at_all_is_no_error() -> None:
    candidates = Candidates(scored(np.empty((0, 4), np.uint8), np.empty(0, np.int64)), DetectorSettings(), CLASSES)
    found, detected = judge(candidates, EventTable([], 1.0), np.full(4, 100, np.uint8), 0)
    assert found == []
    assert detected.tolist() == []


def test_without_the_c_extension_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mltk.native._detections", None)
    matching.load.cache_clear()
    try:
        with pytest.raises(SweepUnavailableError, match=r"(?s)was not compiled.*Install a C compiler"):
            matching.load()
    finally:
        matching.load.cache_clear()
