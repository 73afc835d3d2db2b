"""The settings: names, defaults, checks, and the model parameters they become."""

from __future__ import annotations

import copy
import pickle
from typing import Any, get_type_hints

import numpy as np
import pytest

from mltk.audio.frontend import AudioFeatureGeneratorSettings
from mltk.errors import SettingError

# As 0.20 writes them into a model's parameters.
DEFAULTS = {
    "fe.sample_rate_hz": 16000,
    "fe.fft_length": 512,
    "fe.sample_length_ms": 1000,
    "fe.window_size_ms": 25,
    "fe.window_step_ms": 10,
    "fe.filterbank_n_channels": 32,
    "fe.filterbank_upper_band_limit": 7500.0,
    "fe.filterbank_lower_band_limit": 125.0,
    "fe.noise_reduction_enable": False,
    "fe.noise_reduction_smoothing_bits": 10,
    "fe.noise_reduction_even_smoothing": 0.025,
    "fe.noise_reduction_odd_smoothing": 0.06,
    "fe.noise_reduction_min_signal_remaining": 0.05,
    "fe.pcan_enable": False,
    "fe.pcan_strength": 0.95,
    "fe.pcan_offset": 80.0,
    "fe.pcan_gain_bits": 21,
    "fe.log_scale_enable": True,
    "fe.log_scale_shift": 6,
    "fe.activity_detection_enable": False,
    "fe.activity_detection_alpha_a": 0.5,
    "fe.activity_detection_alpha_b": 0.8,
    "fe.activity_detection_arm_threshold": 0.75,
    "fe.activity_detection_trip_threshold": 0.8,
    "fe.dc_notch_filter_enable": False,
    "fe.dc_notch_filter_coefficient": 0.95,
    "fe.quantize_dynamic_scale_enable": False,
    "fe.quantize_dynamic_scale_range_db": 40.0,
}


OWN_DEFAULTS = {"fe.window_double_precision_enable": False}
"""Settings that MLTK 0.20 does not have."""


def test_defaults_and_parameter_names_are_those_of_mltk_0_20() -> None:
    settings = AudioFeatureGeneratorSettings()
    assert dict(settings) == {**DEFAULTS, **OWN_DEFAULTS}
    assert {key: type(settings[key]) for key in DEFAULTS} == {k: type(v) for k, v in DEFAULTS.items()}
    for key, value in DEFAULTS.items():
        assert getattr(settings, key.removeprefix("fe.")) == value


def test_derived_settings_follow() -> None:
    settings = AudioFeatureGeneratorSettings()
    assert (settings.sample_length, settings.spectrogram_shape, settings.fft_length) == (16000, (98, 32), 512)
    settings.sample_rate_hz = 22050
    settings.sample_length_ms, settings.window_size_ms, settings.window_step_ms = 555, 23, 7
    assert (settings.sample_length, settings.spectrogram_shape, settings.fft_length) == (12237, (77, 32), 512)
    settings.window_size_ms = 64
    assert settings.fft_length == settings["fe.fft_length"] == 2048
    for name in ("fft_length", "sample_length", "spectrogram_shape"):
        with pytest.raises(SettingError, match=f"{name} .* can't be assigned"):
            setattr(settings, name, 1)


def test_attributes_and_items_are_the_same() -> None:
    settings = AudioFeatureGeneratorSettings(sample_rate_hz=8000)
    assert settings["fe.sample_rate_hz"] == 8000
    settings["fe.sample_rate_hz"] = 48000
    assert settings.sample_rate_hz == 48000
    settings.update({"fe.window_size_ms": 30, "fe.fft_length": 7})
    assert (settings.window_size_ms, settings.fft_length) == (30, 2048)


def test_unknown_names_are_refused_with_the_nearest() -> None:
    with pytest.raises(SettingError, match="Did you mean 'sample_rate_hz'"):
        AudioFeatureGeneratorSettings(sample_rate=8000)
    settings = AudioFeatureGeneratorSettings()
    with pytest.raises(SettingError, match="Did you mean 'window_size_ms'"):
        setattr(settings, "window_size", 30)  # noqa: B010 - the type checker refuses it too
    with pytest.raises(SettingError, match=r"Did you mean 'fe\.pcan_enable'"):
        settings["fe.pcan_enabled"] = True
    with pytest.raises(SettingError, match="Unknown audio frontend setting 'sample_rate_hz'"):
        settings["sample_rate_hz"] = 8000
    with pytest.raises(AttributeError, match="Did you mean 'pcan_strength'"):
        _ = settings.pcan_strenght


def test_all_problems_are_reported_at_once() -> None:
    with pytest.raises(SettingError) as error:
        AudioFeatureGeneratorSettings(window=3, log_scale_shift=99)
    assert "'window'" in str(error.value)
    assert "log_scale_shift can't be 99: it is int, 0 to 11, default 6." in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sample_rate_hz", 0),
        ("sample_rate_hz", "16000"),
        ("sample_rate_hz", None),
        ("window_size_ms", 25.5),
        ("window_size_ms", float("inf")),
        ("filterbank_n_channels", -1),
        ("filterbank_lower_band_limit", -1.0),
        ("filterbank_lower_band_limit", float("nan")),
        ("noise_reduction_even_smoothing", 1.5),
        ("pcan_enable", 2),
        ("pcan_enable", "yes"),
        ("dc_notch_filter_coefficient", 1.0),
        ("activity_detection_arm_threshold", 8),
        ("quantize_dynamic_scale_range_db", -3),
    ],
)
def test_impossible_values_are_refused(name: str, value: Any) -> None:
    settings = AudioFeatureGeneratorSettings()
    with pytest.raises(SettingError, match=f"{name} can't be"):
        setattr(settings, name, value)
    assert getattr(settings, name) == DEFAULTS[f"fe.{name}"]


def test_values_of_like_types_are_converted() -> None:
    settings = AudioFeatureGeneratorSettings(
        sample_length_ms=1.2 * 1000, filterbank_upper_band_limit=4000, pcan_enable=0, window_size_ms=np.int64(30)
    )
    assert settings.sample_length_ms == 1200
    assert isinstance(settings.sample_length_ms, int)
    assert isinstance(settings.filterbank_upper_band_limit, float)
    assert settings.pcan_enable is False
    assert type(settings.window_size_ms) is int


def test_copies_are_their_own() -> None:
    settings = AudioFeatureGeneratorSettings(sample_rate_hz=8000, window_size_ms=64)
    for other in (
        settings.copy(),
        copy.copy(settings),
        copy.deepcopy(settings),
        pickle.loads(pickle.dumps(settings)),
        AudioFeatureGeneratorSettings.from_parameters({"classes": ["a"], **settings}),
    ):
        assert type(other) is AudioFeatureGeneratorSettings
        assert other == settings
        other.window_size_ms = 20
        assert settings.window_size_ms == 64


def test_model_parameters() -> None:
    parameters: dict[str, Any] = {"average_window_duration_ms": 1000}
    AudioFeatureGeneratorSettings(log_scale_shift=4).add_to_parameters(parameters)
    assert parameters == {**DEFAULTS, **OWN_DEFAULTS, "average_window_duration_ms": 1000, "fe.log_scale_shift": 4}
    with pytest.raises(SettingError, match="contain no audio frontend settings"):
        AudioFeatureGeneratorSettings.from_parameters({"classes": ["a"]})


def test_settings_stay_complete() -> None:
    settings = AudioFeatureGeneratorSettings()
    for remove in (lambda: settings.pop("fe.sample_rate_hz"), settings.clear, settings.popitem):
        with pytest.raises(SettingError, match="not removed"):
            remove()
    with pytest.raises(SettingError):
        del settings["fe.sample_rate_hz"]
    assert settings.setdefault("fe.sample_rate_hz", 3) == 16000
    assert "sample_rate_hz=16000" in repr(settings)
    assert "sample_rate_hz" in dir(settings)


def test_the_annotations_are_those_of_the_settings() -> None:
    """An IDE completes what is annotated; a setting that lacks there would not be completed."""
    defaults = {key.removeprefix("fe."): value for key, value in {**DEFAULTS, **OWN_DEFAULTS}.items()}
    del defaults["fft_length"]
    hints = get_type_hints(AudioFeatureGeneratorSettings)
    assert hints == {name: type(value) for name, value in defaults.items()}
