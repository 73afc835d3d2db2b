"""Detections from scores: what each setting does, and the same result in whatever pieces the stream comes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from mltk.audio.detector import Detection, Detector, DetectorSettings, to_scores
from mltk.errors import SettingError

CLASSES = ["yes", "no", "_unknown_"]


def spoken(n: int, *words: tuple[int, int, int], level: int = 250) -> np.ndarray:
    """Scores of ``n`` results: "_unknown_", but class ``c`` in the results ``start`` to ``stop`` of each word."""
    scores = np.zeros((n, 3), np.uint8)
    scores[:, 2] = level
    for c, start, stop in words:
        scores[start:stop] = 0
        scores[start:stop, c] = level
    return scores


def detect(scores: np.ndarray, step_ms: int = 100, **settings: object) -> list[Detection]:
    made = DetectorSettings.from_parameters(settings)
    return Detector(made, CLASSES).feed(scores, np.arange(len(scores)) * step_ms)


def test_a_word_is_detected_once_when_its_average_passes_the_threshold() -> None:
    # At 1700 ms the window has the results 7 to 17, of which 10 to 17 are "yes": 8 * 250 // 11 = 181.
    scores = spoken(40, (0, 10, 20))
    assert detect(scores, detection_threshold=180) == [Detection(0, "yes", 181, 1700)]
    assert detect(scores, detection_threshold=181)[0].time_ms == 1800
    assert detect(scores, detection_threshold=255) == []


def test_nothing_is_detected_after_a_detection_for_the_suppression_time() -> None:
    scores = spoken(40, (0, 0, 40))
    times = [d.time_ms for d in detect(scores, suppression_ms=750)]
    assert times == [300, 1100, 1900, 2700, 3500]
    both = spoken(60, (0, 0, 10), (1, 10, 30))
    found = detect(both, average_window_duration_ms=300, suppression_ms=1500)
    assert [(d.class_name, d.time_ms) for d in found] == [("yes", 200), ("no", 1800)]


def test_few_results_or_a_quarter_of_the_window_are_not_enough() -> None:
    scores = spoken(20, (0, 0, 20))
    assert detect(scores, average_window_duration_ms=400, minimum_count=5)[0].time_ms == 400
    assert detect(scores, average_window_duration_ms=2000, minimum_count=2)[0].time_ms == 500
    assert detect(scores, average_window_duration_ms=300, minimum_count=5) == []  # the window has 4 results


def test_a_minimum_count_of_0_turns_averaging_off() -> None:
    scores = spoken(20, (0, 7, 8))
    assert detect(scores, minimum_count=0) == [Detection(0, "yes", 250, 700)]
    assert detect(scores, minimum_count=1) == []


def test_classes_with_an_underscore_win_but_are_never_detected() -> None:
    assert detect(spoken(20), detection_threshold=0) == []
    scores = np.full((20, 3), 200, np.uint8)
    scores[:, 2] = 201
    assert detect(scores, detection_threshold=10) == []


def test_each_class_may_have_its_threshold() -> None:
    scores = spoken(60, (0, 0, 20), (1, 40, 60), level=200)
    found = detect(scores, detection_threshold_list=[220, 190, 255])
    assert {d.class_name for d in found} == {"no"}
    with pytest.raises(SettingError, match="2 values, but the model has 3 classes"):
        detect(scores, detection_threshold_list=[220, 190])


def test_published_parameters_are_read_and_the_defaults_are_those_of_mltk_0_20() -> None:
    assert DetectorSettings.from_parameters({"other": "x"}) == DetectorSettings(1000, 160, (), 750, 3, 100, 0.0)
    alexa = dict(latency_ms=200, minimum_count=2, average_window_duration_ms=440, detection_threshold=204)
    assert DetectorSettings.from_parameters({**alexa, "suppression_ms": 900, "volume_gain": 0}) == DetectorSettings(
        440, 204, (), 900, 2, 200, 0.0
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("detection_threshold", 256),
        ("detection_threshold", 0.5),
        ("detection_threshold_list", [1, 300]),
        ("detection_threshold_list", "abc"),
        ("suppression_ms", -1),
        ("minimum_count", True),
        ("volume_gain", -2),
        ("volume_gain", float("nan")),
        ("latency_ms", "fast"),
    ],
)
def test_impossible_settings_are_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(SettingError, match=name):
        DetectorSettings.from_parameters({name: value})


def test_scores_are_steps_of_1_256() -> None:
    int8 = np.arange(-128, 128).astype(np.int8)
    floats = (int8.astype(np.float32) + 128) / 256
    assert to_scores(int8).tolist() == to_scores(floats).tolist() == list(range(256))
    assert to_scores(np.array([1.0, 2.0, -1.0, np.nan])).tolist() == [255, 255, 0, 0]
    with pytest.raises(ValueError, match="int32"):
        to_scores(np.zeros(3, np.int32))


def test_wrong_shapes_and_times_that_decrease_are_refused() -> None:
    detector = Detector(DetectorSettings(), CLASSES)
    with pytest.raises(ValueError, match=r"uint8 \[4, 3\]"):
        detector.feed(np.zeros((4, 2), np.uint8), range(4))
    detector.feed(np.zeros((2, 3), np.uint8), [0, 100])
    with pytest.raises(ValueError, match="decrease"):
        detector.feed(np.zeros((1, 3), np.uint8), [50])


@given(st.data())
@limits(max_examples=50)
def test_a_stream_in_pieces_has_the_detections_of_the_whole(data: st.DataObject) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    n = data.draw(st.integers(0, 80))
    scores = rng.integers(0, 256, (n, 3)).astype(np.uint8)
    times = np.cumsum(rng.integers(0, 200, n))
    settings = DetectorSettings(
        data.draw(st.integers(0, 1500)), 120, (), data.draw(st.integers(0, 800)), data.draw(st.integers(0, 4))
    )
    whole = Detector(settings, CLASSES)
    expected = whole.feed(scores, times)
    cut = data.draw(st.integers(0, n))
    pieces = Detector(settings, CLASSES)
    assert pieces.feed(scores[:cut], times[:cut]) + pieces.feed(scores[cut:], times[cut:]) == expected
    whole.reset()
    assert whole.feed(scores, times) == expected
