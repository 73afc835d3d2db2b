"""How a model listens, from its metadata: what is read, and what is refused with a reason."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mltk
from helpers.listening_models import RATE, listening_model, settings, sounds, streaming_model
from mltk.audio.listening import Listening
from mltk.errors import SettingError, UnsupportedModelError
from mltk.tflite.model import TfliteModel


def listening(**changes: Any) -> Listening:
    return Listening.of(TfliteModel(listening_model(**changes)))


def streaming(**changes: Any) -> Listening:
    return Listening.of(TfliteModel(streaming_model(**changes)))


@pytest.mark.parametrize(("latency_ms", "rows"), [(0, 1), (1, 1), (29, 1), (30, 2), (40, 2), (100, 5), (1000, 50)])
def test_the_latency_is_rounded_to_steps_of_the_frontend(latency_ms: int, rows: int) -> None:
    assert listening(latency_ms=latency_ms).rows_per_inference == rows


def test_a_recording_in_batches_has_one_input_for_each_inference() -> None:
    model = listening(latency_ms=40)
    samples = sounds(1.0)
    batches = list(model.batches(samples, size=7))
    inputs, times = np.concatenate([x for x, _ in batches]), np.concatenate([t for _, t in batches])
    assert inputs.shape == (16, 19, 16, 1)  # 49 rows; the first inference has 19, each next one 2 more
    assert inputs.dtype == np.int8
    assert times.tolist() == list(range(390, 1000, 40))
    assert list(model.batches(samples[: RATE // 5])) == []  # shorter than a clip


def test_the_volume_gain_is_rounded_and_limited_to_16_bits() -> None:
    model = listening(volume_gain=2.5)
    assert model.amplify(np.array([1, 3, -3, 20000, -20000], np.int16)).tolist() == [3, 8, -7, 32767, -32768]
    assert listening(volume_gain=0).amplify(np.array([5], np.int16)).tolist() == [5]
    assert listening(volume_gain=0.0001).amplify(np.array([512], np.int16)).tolist() == [2]  # not the factor 1


def test_the_detector_has_room_for_all_results_in_its_window() -> None:
    rng = np.random.default_rng(4)
    for _ in range(60):
        rate = int(rng.choice([8000, 11025, 16000]))
        frontend = settings(sample_rate_hz=rate, window_step_ms=int(rng.integers(5, 31)))
        window_ms = int(rng.integers(0, 700))
        model = listening(frontend=frontend, latency_ms=int(rng.integers(1, 200)), average_window_duration_ms=window_ms)
        times = np.concatenate([t for _, t in model.batches(np.zeros(2 * rate, np.int16))])
        in_window = np.arange(len(times)) - np.searchsorted(times, times - window_ms) + 1
        assert in_window.max() <= model.max_results <= in_window.max() + 3


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"samplewise_norm.mean_and_std": True}, "normalized before the model gets them"),
        ({"samplewise_norm.rescale": 0.5}, r"samplewise_norm.rescale = 0.5"),
        ({"samplewise_norm.center": True}, "samplewise_norm.center"),
        ({"classes": None}, "'classes' has 0 names, but the model has 3"),
        ({"classes": ["a", "b"]}, "'classes' has 2 names, but the model has 3"),
        ({"shape": (1, 20, 16, 1)}, r"\[1, 20, 16, 1\], but a clip of 400 ms has features of the shape \[19, 16\]"),
        ({"logits": True}, "not a probability in steps of 1/256"),
        ({"scale": 1 / 128}, r"values from -1 to 0.9922.*neither"),
        ({"scale": 1 / 255, "zero_point": -128}, r"values from 0 to 1.*neither"),
        ({"scale": 2.0}, "values from -256 to 254"),
    ],
)
def test_what_the_device_would_do_differently_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedModelError, match=reason):
        listening(**changes)


def test_a_streaming_model_gets_each_row_once() -> None:
    model = streaming(latency_ms=100)
    assert (model.keeps_state, model.n_rows, model.rows_per_inference) == (True, 3, 3)
    samples = sounds(1.0)
    ((inputs, times),) = model.batches(samples, size=2)  # one stream is one batch
    assert inputs.shape == (16, 3, 16)  # 49 rows
    assert times.tolist() == [70 + 60 * i for i in range(16)]
    rows = next(listening(frontend=settings(sample_length_ms=990), latency_ms=1).batches(samples))[0]
    np.testing.assert_array_equal(inputs.reshape(48, 16), rows[0, :48, :, 0])


def test_an_input_from_0_to_26_takes_the_bytes_of_the_features() -> None:
    samples = sounds(1.0)
    ((expected, _),) = streaming().batches(samples)
    model = streaming(scale=26 / 255, zero_point=-128)
    ((inputs, _),) = model.batches(samples)
    assert model.takes_bytes
    np.testing.assert_array_equal(inputs, expected)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"channels": 15}, r"\[1, 3, 15\], but a row of features has 16 channels"),
        ({"rows": 19}, r"\[1, 19, 16\] is a whole clip of 400 ms. Whether the state belongs to one clip"),
        (
            {"frontend": settings(quantize_dynamic_scale_enable=True)},
            "the scale of its features is that of a whole clip",
        ),
    ],
)
def test_what_a_streaming_model_cannot_hear_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedModelError, match=reason):
        streaming(**changes)


def test_a_model_without_a_frontend_and_impossible_settings_are_refused(cnn: bytes) -> None:
    with pytest.raises(UnsupportedModelError, match="no parameters of the audio frontend"):
        Listening.of(TfliteModel(cnn))
    with pytest.raises(SettingError, match="2 values, but the model has 3 classes"):
        listening(detection_threshold_list=[1, 2])


def test_settings_that_never_detect_anything_are_reported() -> None:
    assert listening().problems() == []
    (problem,) = listening(latency_ms=200, average_window_duration_ms=300, minimum_count=3).problems()
    assert "an inference each 200 ms, so the window of 300 ms" in problem
    (problem,) = listening(classes=["_a", "_b", "_c"]).problems()
    assert "all classes begin with '_'" in problem


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {}),
        ({"samplewise_center": True, "samplewise_std_normalization": True}, {}),
        ({"samplewise_center": True}, {"samplewise_norm.center": True}),
        ({"samplewise_std_normalization": True}, {"samplewise_norm.std": True}),
        ({"samplewise_normalize_range": (0, 1)}, {"samplewise_norm.range": [0.0, 1.0]}),
    ],
)
def test_the_metadata_says_how_features_are_normalized(options: dict[str, Any], expected: dict[str, Any]) -> None:
    class Spec(mltk.MltkModel, mltk.AudioDatasetMixin):
        pass

    model = Spec()
    model.datagen = mltk.ParallelAudioDataGenerator(frontend_settings=settings(), **options)
    model._populate_own_parameters()
    rest = {k: v for k, v in model.model_parameters.items() if k.startswith("samplewise_norm.")}
    assert {
        k: v for k, v in rest.items() if k not in ("samplewise_norm.rescale", "samplewise_norm.mean_and_std")
    } == expected
