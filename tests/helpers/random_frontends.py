"""Random audio and settings for the tests of the audio frontend."""

from __future__ import annotations

import numpy as np

from mltk.audio.frontend import AudioFeatureGeneratorSettings
from mltk.errors import MltkError


def random_clip(rng: np.random.Generator, n: int) -> np.ndarray:
    """int16 [n] of one of several kinds, often loud enough to reach every limit of the fixed point."""
    kind = rng.integers(6)
    loudness = np.exp(rng.uniform(0, np.log(32768)))
    t = np.arange(n)
    if kind == 0:
        x = rng.normal(0, loudness, n)
    elif kind == 1:
        x = rng.integers(-32768, 32768, n).astype(float)
    elif kind == 2:
        x = np.where((t // rng.integers(1, 400)) % 2, 32767.0, -32768.0)
    elif kind == 3:
        x = loudness * np.sin(t * rng.uniform(0, np.pi) + rng.uniform(0, 6)) + rng.normal(0, loudness / 20, n)
    elif kind == 4:
        x = np.zeros(n)
        at = rng.integers(0, n, rng.integers(1, 30))
        x[at] = rng.choice([-32768, 32767, 1, -1, loudness], at.size)
    else:
        x = np.repeat(np.exp(rng.uniform(0, 11, n // 500 + 1)), 500)[:n] * rng.normal(0, 1, n)
    return np.clip(np.round(x), -32768, 32767).astype(np.int16)


def random_settings(rng: np.random.Generator, *, microfrontend_only: bool = False) -> AudioFeatureGeneratorSettings:
    """Possible settings. ``microfrontend_only``: those that TensorFlow's op has too."""
    while True:
        rate = int(rng.choice([8000, 11025, 16000, 22050, 32000, 44100, 48000]))
        window = int(rng.integers(4, 65))
        step = int(rng.integers(1, window + 1))
        upper = float(rng.uniform(0.05, 0.49) * rate)
        noise_reduction = microfrontend_only or bool(rng.integers(2))
        settings = AudioFeatureGeneratorSettings(
            sample_rate_hz=rate,
            sample_length_ms=int(rng.integers(window, window + step * 40 + 1)),
            window_size_ms=window,
            window_step_ms=step,
            filterbank_n_channels=int(rng.integers(1, 128)),
            filterbank_lower_band_limit=float(rng.uniform(0, 0.6) * upper),
            filterbank_upper_band_limit=upper,
            noise_reduction_enable=noise_reduction,
            noise_reduction_smoothing_bits=int(rng.integers(6, 15)),
            noise_reduction_even_smoothing=float(rng.uniform(0, 1)),
            noise_reduction_odd_smoothing=float(rng.uniform(0, 0.2)),
            noise_reduction_min_signal_remaining=float(rng.uniform(0, 1)),
            pcan_enable=noise_reduction and bool(rng.integers(2)),
            pcan_strength=float(rng.uniform(0, 1.5)),
            pcan_offset=float(rng.uniform(1, 200)),
            pcan_gain_bits=int(rng.integers(16, 25)),
            log_scale_enable=bool(rng.integers(2)),
            log_scale_shift=int(rng.integers(0, 9)),
        )
        if microfrontend_only:
            settings.window_double_precision_enable = True
        else:
            settings.update(
                {
                    "fe.dc_notch_filter_enable": bool(rng.integers(2)),
                    "fe.dc_notch_filter_coefficient": float(rng.uniform(0, 0.9998)),
                    "fe.activity_detection_enable": bool(rng.integers(2)),
                    "fe.activity_detection_alpha_a": float(rng.uniform(0, 1)),
                    "fe.activity_detection_alpha_b": float(rng.uniform(0, 1)),
                    "fe.activity_detection_arm_threshold": float(rng.uniform(0, 2)),
                    "fe.activity_detection_trip_threshold": float(rng.uniform(0.5, 3)),
                    "fe.quantize_dynamic_scale_enable": bool(rng.integers(2)),
                    "fe.quantize_dynamic_scale_range_db": float(rng.uniform(0, 120)),
                    "fe.window_double_precision_enable": bool(rng.integers(2)),
                }
            )
        try:
            settings.check()
        except MltkError:
            continue
        return settings
