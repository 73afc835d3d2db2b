"""A stream in blocks has the results of the whole recording, whatever the size of the blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers.listening_models import listening_model, settings, sounds
from mltk.audio.listening import Listening
from mltk.audio.live import Heard, LiveListener
from mltk.micro.engines.run import run_batch
from mltk.tflite.model import TfliteModel

MODELS: dict[str, dict[str, Any]] = {
    "int8": {},
    "dynamic scale": {"frontend": settings(quantize_dynamic_scale_enable=True), "volume_gain": 2.0},
    "inferences further apart than a clip": {"latency_ms": 500, "average_window_duration_ms": 1100},
}


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize("block", [37, 800, 100_000])
def test_blocks_have_the_results_of_the_recording(kind: str, block: int) -> None:
    tflite = TfliteModel(listening_model(**MODELS[kind]))
    listening, samples = Listening.of(tflite), sounds(2.5)
    calls = []

    def run(inputs: Any) -> Any:
        calls.append(len(inputs))
        return run_batch(tflite, inputs, processes=1).outputs[0]

    ear = LiveListener(listening, run)
    heard: list[Heard] = []
    for start in range(0, len(samples), block):
        heard += ear.feed(samples[start : start + block])
    (inputs, times), *_ = listening.batches(samples)
    scores = listening.scores(run_batch(tflite, inputs).outputs[0])
    np.testing.assert_array_equal([h.features for h in heard], inputs)
    np.testing.assert_array_equal([h.scores for h in heard], scores)
    assert [h.time_ms for h in heard] == times.tolist()
    assert [h.detection for h in heard if h.detection] == listening.make_detector().feed(scores, times)
    assert sum(calls) == len(times)
