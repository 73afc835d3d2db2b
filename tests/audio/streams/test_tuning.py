"""The chosen settings are the best of all that were tried, and rarely enough wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mltk.audio.detector import DetectorSettings
from mltk.audio.streams.curve import Sweeper
from mltk.audio.streams.labels import Event
from mltk.audio.streams.rates import poisson_interval
from mltk.audio.streams.recordings import Recording
from mltk.audio.streams.scoring import ScoredRecording
from mltk.audio.streams.tuning import choose_settings, combinations, most_false_accepts
from mltk.errors import EvaluationError

CLASSES = ["yes", "no", "_unknown_"]
OWN = DetectorSettings(average_window_duration_ms=250, minimum_count=3, suppression_ms=600, latency_ms=50)


def noisy_stream(seconds: int = 1200, n_words: int = 100) -> ScoredRecording:
    """Return scores of a spotter that hears short spikes in noise, and each word for 300 ms."""
    rng = np.random.default_rng(2)
    n = seconds * 20
    scores = np.clip(rng.exponential(25, (n, 3)), 0, 255)
    starts = np.sort(rng.choice(np.arange(10, n - 40, 40), n_words, replace=False))
    events = []
    for start in starts:
        c = int(rng.integers(2))
        scores[start : start + 6, c] = np.clip(rng.normal(200, 40, 6), 0, 255)
        events.append(Event(start / 20, (start + 5) / 20, c))
    times = np.arange(n, dtype=np.int64) * 50
    recording = Recording("a.wav", "a.wav", float(seconds), 8000, 1, events)
    return ScoredRecording(recording, scores.astype(np.uint8), times, float(seconds))


@pytest.mark.parametrize(("expected", "most"), [(0.0, -1), (1.6, -1), (1.62, 0), (4.0, 1), (10.0, 6), (100.0, 91)])
def test_a_count_must_show_the_rate(expected: float, most: int) -> None:
    assert most_false_accepts(expected) == most
    if most >= 0:
        # The upper limit of a confidence interval of 60 % has 20 % above it.
        assert poisson_interval(most, 0.6)[1] <= expected < poisson_interval(most + 1, 0.6)[1]


def test_no_other_combination_misses_fewer_keywords() -> None:
    sweeper = Sweeper([noisy_stream()], CLASSES, tolerance_s=0.5)
    wanted = 20.0
    choice = choose_settings(sweeper, OWN, interval_ms=50, max_false_accepts_per_hour=wanted)
    threshold = choice.settings.detection_threshold
    chosen = (choice.curve.false_rejects[threshold], choice.curve.false_accepts[threshold].sum())
    assert choice.curve.false_accepts[threshold:].sum(axis=1).max() <= most_false_accepts(wanted * sweeper.hours)
    assert chosen[0] < 10
    tried = list(combinations(OWN, 50))
    assert choice.n_tried == len(tried) > 80
    for settings in tried:
        curve = sweeper.curve(settings)
        for level in range(255):
            wrong = curve.false_accepts[level:].sum(axis=1).max()
            if wrong <= most_false_accepts(wanted * sweeper.hours):
                assert (curve.false_rejects[level], curve.false_accepts[level].sum()) >= chosen
    np.testing.assert_array_equal(sweeper.curve(choice.settings).hits, choice.curve.hits)


def test_fewer_false_accepts_cost_detections() -> None:
    sweeper = Sweeper([noisy_stream()], CLASSES, tolerance_s=0.5)
    few, many = (
        choose_settings(sweeper, OWN, interval_ms=50, max_false_accepts_per_hour=rate) for rate in (6.0, 200.0)
    )
    few_misses, many_misses = (c.curve.false_rejects[c.settings.detection_threshold] for c in (few, many))
    assert few_misses >= many_misses
    assert few.curve.false_accepts[few.settings.detection_threshold].sum() == 0


def test_the_settings_to_try_can_detect_something() -> None:
    tried = list(combinations(OWN, 50.0))
    assert len(set(tried)) == len(tried)
    for settings in tried:
        assert (settings.minimum_count == 0) == (settings.average_window_duration_ms == 0)
        assert (settings.minimum_count - 1) * 50 <= settings.average_window_duration_ms
        assert replace(settings, average_window_duration_ms=1, minimum_count=1, suppression_ms=1) == replace(
            OWN, average_window_duration_ms=1, minimum_count=1, suppression_ms=1
        )
    assert {250} < {s.average_window_duration_ms for s in tried}
    assert 600 in {s.suppression_ms for s in tried}


@pytest.mark.parametrize(
    ("rate", "n_words", "message"),
    [
        (1.0, 50, r"0.333 h of audio are too short to see a rate of 1 false.*\nTake at least 1.6 h"),
        (10.0, 0, "No keyword is said in the recordings"),
    ],
)
def test_recordings_that_cannot_tell_are_refused(rate: float, n_words: int, message: str) -> None:
    sweeper = Sweeper([noisy_stream(n_words=n_words)], CLASSES, tolerance_s=0.5)
    with pytest.raises(EvaluationError, match=f"(?s){message}"):
        choose_settings(sweeper, OWN, interval_ms=50, max_false_accepts_per_hour=rate)


def test_a_rate_that_no_setting_has_is_refused() -> None:
    stream = noisy_stream()
    stream.scores[::40, 0] = 255
    stream.scores[:, 1:] = 0
    for k in range(1, 40):
        stream.scores[k::40, 0] = 255
    sweeper = Sweeper([stream], CLASSES, tolerance_s=0.0)
    with pytest.raises(EvaluationError, match=r"(?s)at most 6 false accepts an hour.*The fewest are \d+ in 0.333"):
        choose_settings(sweeper, OWN, interval_ms=50, max_false_accepts_per_hour=6.0)
