"""The features are those of TensorFlow's own microfrontend op, value for value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers.random_frontends import random_clip, random_settings
from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings

pytestmark = [pytest.mark.tf, pytest.mark.filterwarnings("ignore:.*audio features are always 0")]


@pytest.fixture(scope="module")
def microfrontend() -> Any:
    tf = pytest.importorskip("tensorflow")
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

    def features(settings: AudioFeatureGeneratorSettings, clip: np.ndarray) -> np.ndarray:
        return audio_microfrontend_op.audio_microfrontend(
            tf.constant(clip),
            sample_rate=settings.sample_rate_hz,
            window_size=settings.window_size_ms,
            window_step=settings.window_step_ms,
            num_channels=settings.filterbank_n_channels,
            upper_band_limit=settings.filterbank_upper_band_limit,
            lower_band_limit=settings.filterbank_lower_band_limit,
            smoothing_bits=settings.noise_reduction_smoothing_bits,
            even_smoothing=settings.noise_reduction_even_smoothing,
            odd_smoothing=settings.noise_reduction_odd_smoothing,
            min_signal_remaining=settings.noise_reduction_min_signal_remaining,
            enable_pcan=settings.pcan_enable,
            pcan_strength=settings.pcan_strength,
            pcan_offset=settings.pcan_offset,
            gain_bits=settings.pcan_gain_bits,
            enable_log=settings.log_scale_enable,
            scale_shift=settings.log_scale_shift,
            out_type=tf.uint16,
        ).numpy()

    return features


def _compare(microfrontend: Any, seed: int, n_settings: int, n_clips: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(n_settings):
        settings = random_settings(rng, microfrontend_only=True)
        generator = AudioFeatureGenerator(settings)
        for _ in range(n_clips):
            clip = random_clip(rng, settings.sample_length)
            expected = microfrontend(settings, clip)
            np.testing.assert_array_equal(generator.process_sample(clip, np.uint16), expected, err_msg=repr(settings))


def test_random_settings_and_clips(microfrontend: Any) -> None:
    _compare(microfrontend, seed=1, n_settings=60, n_clips=2)


def test_the_usual_settings(microfrontend: Any) -> None:
    rng = np.random.default_rng(2)
    for window, step, channels in ((25, 10, 32), (30, 20, 40), (30, 10, 49), (32, 16, 64), (40, 20, 104)):
        settings = AudioFeatureGeneratorSettings(
            window_size_ms=window,
            window_step_ms=step,
            filterbank_n_channels=channels,
            noise_reduction_enable=True,
            pcan_enable=True,
            window_double_precision_enable=True,
        )
        clip = random_clip(rng, settings.sample_length)
        features = AudioFeatureGenerator(settings).process_sample(clip, np.uint16)
        np.testing.assert_array_equal(features, microfrontend(settings, clip))


@pytest.mark.slow
def test_thousands_of_random_settings_and_clips(microfrontend: Any) -> None:
    _compare(microfrontend, seed=3, n_settings=2500, n_clips=2)
