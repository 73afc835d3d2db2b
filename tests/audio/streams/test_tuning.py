"""The chosen settings miss few keywords, and are as rarely wrong as promised, also on other audio."""

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
from mltk.audio.streams.tuning import CONFIDENCE, choose_settings, combinations, most_false_accepts
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


def test_the_first_part_chooses_the_window_and_the_second_part_the_threshold() -> None:
    sweeper = Sweeper([noisy_stream()], CLASSES, tolerance_s=0.5)
    wanted = 20.0
    choice = choose_settings(sweeper, OWN, interval_ms=50, max_false_accepts_per_hour=wanted)
    quarter, rest = sweeper.split()
    tried = list(combinations(OWN, 50))
    assert choice.n_tried == len(tried) > 80

    def mean_misses(settings: DetectorSettings) -> float:
        curve = quarter.curve(settings)
        worst = [curve.false_accepts[level:].sum(axis=1).max() for level in range(255)]
        misses = [
            min((int(curve.false_rejects[t]) for t in range(255) if worst[t] <= count), default=quarter.n_events.sum())
            for count in range(5)  # 20 an hour are 1.67 in a quarter of a third of an hour
        ]
        return float(np.mean(misses))

    assert mean_misses(choice.settings) == min(mean_misses(settings) for settings in tried[::5])
    most = most_false_accepts(wanted * rest.hours)
    curve, threshold = choice.checked, choice.settings.detection_threshold
    np.testing.assert_array_equal(curve.hits, rest.curve(choice.settings).hits)
    chosen = (choice.false_rejects, choice.false_accepts)
    assert chosen == (curve.false_rejects[threshold], curve.false_accepts[threshold].sum())
    assert chosen[0] < 10
    for level in range(255):
        if curve.false_accepts[level:].sum(axis=1).max() <= most:
            assert (curve.false_rejects[level], curve.false_accepts[level].sum()) >= chosen
        else:
            assert level < threshold


def test_fewer_false_accepts_cost_detections() -> None:
    sweeper = Sweeper([noisy_stream()], CLASSES, tolerance_s=0.5)
    few, many = (
        choose_settings(sweeper, OWN, interval_ms=50, max_false_accepts_per_hour=rate) for rate in (8.0, 200.0)
    )
    assert few.false_rejects >= many.false_rejects
    assert few.false_accepts == 0
    assert few.expected_per_hour == 1 / few.checked.hours
    assert few.expected_interval[0] == 0 < few.expected_interval[1] < many.expected_interval[1]


def sparse_stream(seed: int, hours: float) -> ScoredRecording:
    """Return scores five times a second: 300 words an hour, and 600 other sounds that are sometimes like a word."""
    rng = np.random.default_rng(seed)
    n = int(hours * 18000)
    n_words, n_sounds = int(hours * 300), int(hours * 600)
    starts = 15 * np.sort(rng.choice(n // 15 - 1, n_words + n_sounds, replace=False))
    is_word = rng.permutation(np.arange(len(starts)) < n_words)
    classes = rng.integers(2, size=len(starts))
    length = np.where(is_word, 4, rng.integers(1, 10, len(starts)))
    level = np.where(is_word, rng.normal(225, 30, len(starts)), rng.exponential(40, len(starts)))
    scores = np.zeros((n, 3))
    for k in range(10):
        on = k < length
        scores[starts[on] + k, classes[on]] = level[on] + rng.normal(0, 60, on.sum())
    events = [
        Event(start / 5, (start + 3) / 5, c)
        for start, c, word in zip(starts.tolist(), classes.tolist(), is_word, strict=True)
        if word
    ]
    recording = Recording("a.wav", "a.wav", hours * 3600, 8000, 1, events)
    times = np.arange(n, dtype=np.int64) * 200
    return ScoredRecording(recording, np.clip(scores, 0, 255).astype(np.uint8), times, hours * 3600)


def test_the_rate_on_other_audio_is_as_promised() -> None:
    """The true rate comes from 60 other hours of the same kind. The seeds are fixed, so that the shares are too."""
    wanted, own = 12.0, replace(OWN, latency_ms=200)
    truth = Sweeper([sparse_stream(1_000_000, 60.0)], CLASSES, tolerance_s=1.0)
    rates, expected, inside = [], [], []
    for seed in range(30):
        sweeper = Sweeper([sparse_stream(seed, 1.0)], CLASSES, tolerance_s=1.0)
        choice = choose_settings(sweeper, own, interval_ms=200, max_false_accepts_per_hour=wanted)
        threshold = choice.settings.detection_threshold
        curve = truth.count(choice.settings, np.array([[threshold, threshold, 255]], np.uint8))
        rates.append(float(curve.false_accepts_per_hour[0]))
        expected.append(choice.expected_per_hour)
        inside.append(choice.expected_interval[0] <= rates[-1] <= choice.expected_interval[1])
    too_many = float(np.mean(np.array(rates) > wanted))
    assert too_many <= 1 - CONFIDENCE
    assert np.mean(inside) >= 0.9
    assert 0.8 < np.mean(expected) / np.mean(rates) < 1.25
    assert np.mean(rates) > wanted / 3  # no rate is missed by far, which would cost detections


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
        (1.0, 50, r"0.333 h of audio are too short to see a rate of 1 false.*\nTake at least 2.1 h"),
        (15.0, 0, "No keyword is said in the recordings"),
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
    with pytest.raises(EvaluationError, match=r"(?s)at most 8 false accepts an hour.*The fewest are \d+ in 0.25"):
        choose_settings(sweeper, OWN, interval_ms=50, max_false_accepts_per_hour=8.0)
