"""The WebAssembly of a page computes what Python and TensorFlow Lite Micro compute: features, scores, detections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from helpers.listening_models import CLASSES, RATE, listening_model, settings, sounds, streaming_model
from helpers.random_networks import random_network
from helpers.wasm_module import Module, WasmListener
from mltk.audio.detector import Detection, Detector
from mltk.audio.files import read_audio_int16, write_audio
from mltk.audio.frontend import AudioFeatureStream
from mltk.audio.frontend._native import c_settings, load
from mltk.audio.listening import Listening
from mltk.browser.page_module import frontend_module, listener_module, network_module
from mltk.micro.engines.run import run_batch
from mltk.micro.parity import random_samples
from mltk.tflite.model import TfliteModel

DYNAMIC = settings(quantize_dynamic_scale_enable=True, dc_notch_filter_enable=True)
MODELS: dict[str, dict[str, Any]] = {
    "int8": {},
    "louder": {"volume_gain": 2.5, "latency_ms": 1, "minimum_count": 0},
    "dynamic scale, another input scale": {"frontend": DYNAMIC, "scale": 0.97, "zero_point": 4},
    "float input, uint16 features": {"float_input": True, "scale": 2.7, "zero_point": -128},
    "float output, far apart": {"output": "float32", "latency_ms": 500, "average_window_duration_ms": 1100},
}


def in_python(
    tflite: TfliteModel, samples: npt.NDArray[np.int16]
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint8], npt.NDArray[np.int64], list[Detection]]:
    """Return the rows, the scores of TensorFlow Lite Micro, the time of each score, and the detections."""
    listening = Listening.of(tflite)
    rows = AudioFeatureStream(listening.frontend).feed(listening.amplify(samples))
    scores, times = [], []
    for inputs, times_ms in listening.batches(samples):
        result = run_batch(tflite, inputs, engine="tflm", reset_between_samples=not listening.keeps_state)
        scores.append(listening.scores(result.outputs[0]))
        times.append(times_ms)
    all_scores, all_times = np.concatenate(scores), np.concatenate(times)
    return rows, all_scores, all_times, listening.make_detector().feed(all_scores, all_times)


def wasm_listener(tflite: TfliteModel) -> WasmListener:
    listening = Listening.of(tflite)
    module = listener_module(tflite.graph, listening)
    return WasmListener(module.binary, CLASSES, listening.frontend.spectrogram_shape[1])


def test_20_wav_files_have_the_features_scores_and_detections_of_python(tmp_path: Path) -> None:
    tflite = TfliteModel(listening_model())
    listener = wasm_listener(tflite)
    n_values = n_detections = 0
    for k in range(20):
        path = write_audio(str(tmp_path / f"{k}.wav"), sounds(2.0, seed=k), RATE)
        samples, _ = read_audio_int16(path, RATE)
        assert listener.call("listen_reset") == 0
        rows, scores, found = listener.listen(samples, chunk=700 + 100 * k)
        expected_rows, expected_scores, _, detections = in_python(tflite, samples)
        np.testing.assert_array_equal(rows, expected_rows)
        np.testing.assert_array_equal(scores, expected_scores)
        assert found == detections
        n_values += rows.size + scores.size
        n_detections += len(found)
    assert n_values > 30_000
    assert n_detections > 20


@pytest.mark.parametrize("kind", MODELS)
def test_every_kind_of_listener_is_the_same_in_webassembly(kind: str) -> None:
    tflite = TfliteModel(listening_model(**MODELS[kind]))
    samples = sounds(3.0)
    rows, scores, found = wasm_listener(tflite).listen(samples)
    expected_rows, expected_scores, _, detections = in_python(tflite, samples)
    np.testing.assert_array_equal(rows, expected_rows)
    np.testing.assert_array_equal(scores, expected_scores)
    assert found == detections


def test_a_model_that_keeps_state_is_the_same_in_webassembly() -> None:
    tflite = TfliteModel(streaming_model())
    listener = wasm_listener(tflite)
    for samples in (sounds(3.0), sounds(2.0, seed=8)):  # each from the beginning
        assert listener.call("listen_reset") == 0
        rows, scores, found = listener.listen(samples)
        expected_rows, expected_scores, _, detections = in_python(tflite, samples)
        np.testing.assert_array_equal(rows, expected_rows)
        np.testing.assert_array_equal(scores, expected_scores)
        assert found == detections
        assert len(found) > 2


def test_changed_settings_of_the_detector_are_those_of_python() -> None:
    tflite = TfliteModel(listening_model())
    listener, samples = wasm_listener(tflite), sounds(4.0)
    _, scores, times, with_defaults = in_python(tflite, samples)
    assert listener.replay(scores, times) == with_defaults
    listening = Listening.of(tflite)
    for window, count, suppression, thresholds in [
        (3000, 1, 0, (70, 200, 255)),
        (100, 0, 500, (130, 130, 255)),
        (60_000, 20, 100, (85, 85, 255)),
    ]:
        changed = replace(
            listening.detector,
            average_window_duration_ms=window,
            minimum_count=count,
            suppression_ms=suppression,
            detection_threshold_list=thresholds,
        )
        detections = Detector(changed, CLASSES).feed(scores, times)
        assert detections != with_defaults
        listener.set_detector(window, count, suppression, thresholds)
        assert listener.replay(scores, times) == detections
        assert listener.call("listen_reset") == 0
        assert listener.listen(samples)[2] == detections


@pytest.mark.parametrize("seed", range(6))
def test_a_network_has_the_outputs_of_tensorflow_lite_micro(seed: int) -> None:
    graph = TfliteModel(random_network(seed)).graph
    module = Module(network_module(graph, 3).binary)
    samples = random_samples(graph, 20, np.random.default_rng(seed))
    expected = run_batch(graph, samples, engine="tflm").outputs
    for i in range(20):
        for k, values in enumerate(samples):
            module.write(module.call("network_input", k), values[i])
        module.call("network_invoke")
        for k, wanted in enumerate(expected):
            output = module.read(module.call("network_output", k), wanted.dtype, wanted[i].size)
            np.testing.assert_array_equal(output, wanted[i].ravel())


CHANGES: list[dict[str, Any]] = [
    {},
    {"sample_rate_hz": 16000, "filterbank_upper_band_limit": 7500.0, "filterbank_n_channels": 40},
    {"pcan_enable": True, "window_size_ms": 25, "window_step_ms": 10},
    {"log_scale_enable": False, "noise_reduction_enable": False, "dc_notch_filter_enable": True},
    {"window_double_precision_enable": True, "filterbank_lower_band_limit": 20.0},
]


def test_the_frontend_takes_other_settings_and_computes_what_python_does() -> None:
    module, samples = Module(frontend_module().binary), sounds(1.0)
    ffi, _ = load()
    place = module.call("frontend_samples")
    for changes in CHANGES:
        wanted = settings(**changes)
        struct = bytes(ffi.buffer(c_settings(wanted)))
        module.write(module.call("frontend_settings"), np.frombuffer(struct, np.uint8))
        assert module.call("frontend_start") == 0
        rows = []
        for start in range(0, len(samples), 4000):
            part = samples[start : start + 4000]
            module.write(place, part)
            done = 0
            while done < len(part):
                done += module.call("frontend_feed", done, len(part))
                if row := module.call("frontend_row"):
                    rows.append(module.read(row, np.uint16, wanted.filterbank_n_channels))
        np.testing.assert_array_equal(rows, AudioFeatureStream(wanted).feed(samples))


def test_impossible_settings_of_the_frontend_have_a_reason() -> None:
    module = Module(frontend_module().binary)
    ffi, _ = load()
    struct = c_settings(settings())
    struct.window_step_ms = 100
    module.write(module.call("frontend_settings"), np.frombuffer(bytes(ffi.buffer(struct)), np.uint8))
    status = module.call("frontend_start")
    assert status != 0
    reason = bytes(module.read(module.call("frontend_problem", status), np.uint8, 200)).split(b"\0")[0].decode()
    assert "window" in reason.lower()
    assert module.call("frontend_feed", 0, 100) == 100
