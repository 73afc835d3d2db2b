"""A stream in blocks has the inputs of a recording in one piece; the scores are those of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.listening_models import RATE, listening_model, settings, sounds
from helpers.streams import write_recording
from mltk.audio.listening import Listening
from mltk.audio.streams.labels import Event, LabelFileError
from mltk.audio.streams.recordings import Recording
from mltk.audio.streams.scoring import InputStream, score_recording
from mltk.micro.engines.run import run_batch
from mltk.tflite.model import TfliteModel

ODD = {"frontend": settings(window_size_ms=25, window_step_ms=11, quantize_dynamic_scale_enable=True)}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"volume_gain": 3.0},
        {"latency_ms": 700},  # rows between two inferences belong to neither
        {"scale": 666 / 255, "zero_point": -128},  # uint16 features
        {"float_input": True},
        {"scale": 0.75, "zero_point": 10},
        ODD,
    ],
)
def test_blocks_of_any_size_have_the_inputs_of_the_whole(changes: dict[str, Any]) -> None:
    listening = Listening.of(TfliteModel(listening_model(**changes)))
    samples, rng = sounds(4.0), np.random.default_rng(0)
    whole = list(listening.batches(samples))
    stream, parts, start = InputStream(listening), [], 0
    while start < len(samples):
        n = int(rng.choice([1, 7, 100, 3000, 9000]))
        parts.append(stream.feed(samples[start : start + n]))
        start += n
    np.testing.assert_array_equal(np.concatenate([x for x, _ in parts]), np.concatenate([x for x, _ in whole]))
    times = np.concatenate([t for _, t in parts])
    np.testing.assert_array_equal(times, np.concatenate([t for _, t in whole]))
    assert len(times) > 4


def test_the_scores_are_those_of_the_recording_in_one_piece(tmp_path: Path) -> None:
    model = TfliteModel(listening_model())
    listening = Listening.of(model)
    samples = sounds(7.0)
    path = write_recording(tmp_path, samples=samples)
    recording = Recording(str(path), "a.wav", 7.0, RATE, 1)
    seconds: list[float] = []
    scored = score_recording(recording, listening, lambda x: run_batch(model, x).outputs[0], seconds.append)
    ((inputs, times),) = listening.batches(samples, size=10_000)
    np.testing.assert_array_equal(scored.scores, listening.scores(run_batch(model, inputs).outputs[0]))
    np.testing.assert_array_equal(scored.times_ms, times)
    assert scored.duration_s == sum(seconds) == 7.0


def test_an_error_while_reading_is_raised(tmp_path: Path) -> None:
    path = write_recording(tmp_path)
    listening = Listening.of(TfliteModel(listening_model()))
    recording = Recording(str(path), "a.wav", 9.0, RATE, 1, [Event(8.0, 8.5, 0)])
    with pytest.raises(LabelFileError, match=r"ends after 4.0 s, although its header says 9.0 s. 1 label lies past"):
        score_recording(recording, listening, lambda x: np.zeros((len(x), 3), np.int8))
    with pytest.raises(ZeroDivisionError):
        score_recording(recording, listening, lambda x: x / (1 // 0))
