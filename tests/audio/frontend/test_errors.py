"""What the frontend refuses, and what it says then."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from mltk.audio.frontend import (
    AudioFeatureGenerator,
    AudioFeatureGeneratorSettings,
    AudioFeatureStream,
    FrontendError,
    FrontendUnavailableError,
    _native,
)
from mltk.audio.frontend.features import _State
from mltk.errors import MltkError, SettingError


@pytest.fixture(scope="module")
def generator() -> AudioFeatureGenerator:
    return AudioFeatureGenerator(AudioFeatureGeneratorSettings())


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (np.zeros(16000, np.float32), "is float32, but the frontend accepts int16"),
        (np.full(16000, np.nan), "NaN or infinite"),
        (np.full(16000, np.inf, np.float32), "NaN or infinite"),
        (np.full(16000, 32768), "outside the int16 range"),
        (np.full(16000, -40000), "outside the int16 range"),
        (np.zeros(16000, complex), "is complex128"),
        (np.zeros(16000, bool), "is bool"),
        (["a"] * 16000, "accepts int16"),
        (np.zeros(0, np.int16), r"has 0 samples, but the settings require 16000 \(sample_length_ms=1000 at 16000 Hz\)"),
        (np.zeros(15999, np.int16), "has 15999 samples"),
        (np.zeros((16000, 1), np.int16), r"has the shape \(16000, 1\)"),
        (3, r"has the shape \(\)"),
    ],
)
def test_audio_that_is_not_a_clip(generator: AudioFeatureGenerator, sample: Any, message: str) -> None:
    with pytest.raises(FrontendError, match=message) as error:
        generator.process_sample(sample)
    assert isinstance(error.value, MltkError | ValueError)


def test_other_integers_are_taken_if_they_fit(generator: AudioFeatureGenerator) -> None:
    clip = np.arange(16000) % 999
    expected = generator.process_sample(clip.astype(np.int16))
    for sample in (clip, clip.astype(np.uint32), clip.tolist(), np.repeat(clip.astype(np.int16), 2)[::2]):
        np.testing.assert_array_equal(generator.process_sample(sample), expected)


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, np.float64, "int32"])
def test_features_come_in_three_types(generator: AudioFeatureGenerator, dtype: Any) -> None:
    with pytest.raises(FrontendError, match="one of float32, uint16 and int8"):
        generator.process_sample(np.zeros(16000, np.int16), dtype)


def test_a_batch_of_another_shape(generator: AudioFeatureGenerator) -> None:
    with pytest.raises(FrontendError, match="must have 2 dimensions"):
        generator.process_batch(np.zeros(16000, np.int16))
    with pytest.raises(FrontendError, match="has 100 samples"):
        generator.process_batch(np.zeros((3, 100), np.int16))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_size_ms": 1001}, r"The window \(window_size_ms=1001\) is longer than the clip"),
        ({"sample_length_ms": 24}, "is longer than the clip"),
        ({"window_step_ms": 26}, "window_step_ms=26 is above window_size_ms=25"),
        ({"sample_rate_hz": 300, "window_step_ms": 1}, "less than one sample"),
        ({"sample_rate_hz": 1000, "window_size_ms": 7, "window_step_ms": 7}, "is 7 samples"),
        ({"sample_rate_hz": 96000, "window_size_ms": 900}, "is 86400 samples"),
        ({"sample_rate_hz": 8000}, r"upper_band_limit=7500 Hz is above half the sample rate \(sample_rate_hz=8000\)"),
        ({"filterbank_lower_band_limit": 7500.0}, "is not below filterbank_upper_band_limit"),
        ({"filterbank_n_channels": 300}, r"is more than the FFT resolves: 512 points .* give 236 bins of 31.25 Hz"),
        ({"pcan_enable": True}, "pcan_enable=True needs noise_reduction_enable=True"),
        ({"pcan_enable": True, "noise_reduction_enable": True, "pcan_offset": 0.0}, "pcan_offset=0 is not positive"),
        ({"pcan_enable": True, "noise_reduction_enable": True, "pcan_gain_bits": 14}, "pcan_gain_bits=14 doesn't fit"),
        (
            {"pcan_enable": True, "noise_reduction_enable": True, "noise_reduction_smoothing_bits": 2},
            "noise_reduction_smoothing_bits=2 is too small for PCAN",
        ),
    ],
)
def test_settings_that_are_impossible_together(changes: dict[str, Any], message: str) -> None:
    settings = AudioFeatureGeneratorSettings(**changes)
    with pytest.raises(SettingError, match=message) as error:
        AudioFeatureGenerator(settings)
    assert error.value.hint or "less than one sample" in message
    with pytest.raises(SettingError):
        AudioFeatureStream(settings)
    with pytest.raises(SettingError):
        settings.add_to_parameters({})


@pytest.mark.parametrize(
    "changes",
    [
        {"window_step_ms": 26},
        {"filterbank_upper_band_limit": 9000.0},
        {"pcan_enable": True},
        {"filterbank_n_channels": 16000},
    ],
)
def test_the_device_code_refuses_them_too(changes: dict[str, Any]) -> None:
    with pytest.raises(FrontendError, match="refuses its settings: impossible"):
        _State(AudioFeatureGeneratorSettings(**changes))


def test_features_that_are_always_zero_are_announced() -> None:
    settings = AudioFeatureGeneratorSettings(filterbank_n_channels=200)
    with pytest.warns(UserWarning, match=r"\d+ of 200 audio features are always 0") as warnings:
        generator = AudioFeatureGenerator(settings)
    rng = np.random.default_rng(0)
    features = generator.process_sample(rng.integers(-20000, 20000, 16000), np.uint16)
    assert str(warnings[0].message).startswith(f"{(features == 0).all(axis=0).sum()} of 200")


def test_a_stream_refuses_what_is_not_audio() -> None:
    stream = AudioFeatureStream(AudioFeatureGeneratorSettings())
    with pytest.raises(FrontendError, match="accepts int16"):
        stream.feed(np.zeros(100))
    with pytest.raises(FrontendError, match="the frontend quantizes uint16"):
        stream.quantize(np.zeros((3, 4)))
    assert stream.feed([]).shape == (0, 32)


def test_without_the_c_extension_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mltk.native._frontend", None)
    _native.load.cache_clear()
    try:
        with pytest.raises(FrontendUnavailableError, match="there was no C compiler") as error:
            AudioFeatureGenerator(AudioFeatureGeneratorSettings())
        assert isinstance(error.value, MltkError)
        assert "pip install" in str(error.value)
    finally:
        _native.load.cache_clear()
