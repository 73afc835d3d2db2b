"""The curve over thresholds counts what the detector finds at each of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mltk.audio.detector import DetectorSettings
from mltk.audio.streams.curve import Sweeper
from mltk.audio.streams.labels import Event
from mltk.audio.streams.matching import EventTable, Verdict, judge
from mltk.audio.streams.recordings import Recording
from mltk.audio.streams.scoring import ScoredRecording

CLASSES = ["yes", "_unknown_", "no"]


def random_recording(rng: np.random.Generator, name: str) -> ScoredRecording:
    n = 600
    scores = np.clip(np.abs(np.cumsum(rng.normal(0, 30, (n, 3)), axis=0)) % 300, 0, 255).astype(np.uint8)
    starts = np.sort(rng.uniform(0, 29, 12))
    events = [Event(float(s), float(s + 0.4), int(rng.choice([0, 2]))) for s in starts]
    recording = Recording(name, name, 30.0, 8000, 1, events)
    return ScoredRecording(recording, scores, np.arange(n, dtype=np.int64) * 50, 30.0)


def test_each_point_of_the_curve_is_what_the_detector_finds() -> None:
    rng = np.random.default_rng(8)
    recordings = [random_recording(rng, "a.wav"), random_recording(rng, "b.wav")]
    settings = DetectorSettings(average_window_duration_ms=200, minimum_count=2, suppression_ms=300)
    sweeper = Sweeper(recordings, CLASSES, tolerance_s=0.5)
    curve = sweeper.curve(settings)
    assert curve.thresholds.tolist() == list(range(255))
    assert curve.n_events.sum() == 24
    assert curve.n_events[1] == 0
    for threshold in (0, 60, 100, 180, 254):
        detections, latencies = [], []
        limits = np.array([threshold, 255, threshold], np.uint8)
        for candidates, events in sweeper.pairs(settings):
            found, _ = judge(candidates, events, limits, settings.suppression_ms)
            detections += found
            latencies += [d.time_ms - events.end_ms[d.event] for d in found if d.verdict is Verdict.HIT]
        for c in range(3):
            hits = [d for d in detections if d.class_index == c and d.verdict is Verdict.HIT]
            wrong = [d for d in detections if d.class_index == c and d.verdict is not Verdict.HIT]
            assert (curve.hits[threshold, c], curve.false_accepts[threshold, c]) == (len(hits), len(wrong))
        assert curve.false_rejects[threshold] == 24 - len(latencies)
        if latencies:
            assert curve.latency_ms[threshold] == pytest.approx(np.mean(latencies))
        else:
            assert np.isnan(curve.latency_ms[threshold])
    assert curve.false_accepts_per_hour[0] == pytest.approx(curve.false_accepts[0].sum() * 60)
    assert curve.hits[60].sum() > 0
    assert curve.false_accepts[60].sum() > 0


def test_another_window_is_averaged_again() -> None:
    recordings = [random_recording(np.random.default_rng(1), "a.wav")]
    sweeper = Sweeper(recordings, CLASSES, tolerance_s=0.5)
    short = sweeper.curve(DetectorSettings(minimum_count=0))
    long = sweeper.curve(DetectorSettings(average_window_duration_ms=2000, minimum_count=1))
    again = sweeper.curve(replace(DetectorSettings(), minimum_count=0))
    assert not np.array_equal(short.hits, long.hits)
    np.testing.assert_array_equal(short.hits, again.hits)


def test_without_keywords_nothing_is_rejected() -> None:
    recording = random_recording(np.random.default_rng(1), "a.wav")
    recording.recording.events = []
    curve = Sweeper([recording], CLASSES, tolerance_s=0.5).curve(DetectorSettings())
    assert np.isnan(curve.false_reject_rate).all()
    assert curve.false_rejects.tolist() == [0] * 255
    plain = curve.to_dict(CLASSES)
    assert list(plain["keywords"]) == ["yes", "no"]
    assert len(EventTable([], 1.0)) == 0


def test_both_parts_of_a_split_make_the_whole() -> None:
    rng = np.random.default_rng(3)
    recordings = [random_recording(rng, name) for name in ("a.wav", "b.wav", "c.wav")]
    settings = DetectorSettings(average_window_duration_ms=200, minimum_count=2, suppression_ms=0)
    whole = Sweeper(recordings, CLASSES, tolerance_s=0.1)
    whole.curve(settings)  # what a sweeper keeps must not reach its parts
    quarter, rest = whole.split()
    assert quarter.hours + rest.hours == pytest.approx(whole.hours)
    assert 0.1 < quarter.hours / whole.hours < 0.4
    curves = [sweeper.curve(settings) for sweeper in (quarter, rest, whole)]
    np.testing.assert_array_equal(curves[0].n_events + curves[1].n_events, curves[2].n_events)
    # Without suppression, each result is a detection, and each belongs to one part.
    np.testing.assert_array_equal(curves[0].hits + curves[1].hits, curves[2].hits)
    np.testing.assert_array_equal(curves[0].false_accepts + curves[1].false_accepts, curves[2].false_accepts)
    assert all(curve.hits.any() and curve.false_accepts.any() for curve in curves)
