"""Makes golden.npz: what MLTK 0.20 computes for a few settings and clips.

Runs where ``silabs-mltk==0.20.0`` is installed (it needs Python 3.10 or older), not with the tests:
``python make_golden.py golden.npz``. Keys: ``settings``, the JSON list of the settings as UTF-8 bytes; ``clip_{c}``,
int16 [samples]; ``uint16_{s}_{c}`` and ``int8_{s}_{c}``, the features of clip c with settings s; ``activity``, 0 or 1
[settings, clips].
"""

import json
import sys
from typing import Any

import numpy as np

LENGTH_MS = 400


def clips():
    """Bursts, a sweep, full-scale square waves with clicks, and hardly anything: 400 ms at 16 kHz."""
    rng = np.random.RandomState(20)
    t = np.arange(16 * LENGTH_MS)
    loudness = np.repeat(np.exp(rng.uniform(1, 9.5, t.size // 400)), 400)
    bursts = rng.normal(0, 1, t.size) * loudness + 200
    sweep = 12000 * np.sin(2e-5 * t**2) + 3 * rng.normal(0, 1, t.size)
    square = np.where((t // (20 + t // 400)) % 2, 32767, -32768) * (t % 2500 < 1500)
    square[[3, 2000, 4000]] = [-32768, 32767, -1]
    faint = rng.randint(-2, 3, t.size) * (t % 3000 > 1000)
    return [np.clip(np.round(x), -32768, 32767).astype(np.int16) for x in (bursts, sweep, square, faint)]


def settings():
    rng = np.random.RandomState(21)
    for i in range(13):
        rate = int(rng.choice([8000, 16000, 22050]))
        noise_reduction = i % 3 > 0
        window = int(rng.choice([16, 20, 25, 32, 40, 64]))
        yield {
            "sample_rate_hz": rate,
            "sample_length_ms": LENGTH_MS * 16000 // rate if rate != 22050 else 290,
            "window_size_ms": window,
            "window_step_ms": int(rng.randint(5, window + 1)),
            "filterbank_n_channels": int(rng.choice([8, 13, 20, 32, 49, 64])),
            "filterbank_lower_band_limit": float(rng.choice([0, 20, 80, 125])),
            "filterbank_upper_band_limit": float(rng.choice([0.3, 0.4, 0.49]) * rate),
            "noise_reduction_enable": noise_reduction,
            "noise_reduction_smoothing_bits": int(rng.randint(8, 13)),
            "noise_reduction_even_smoothing": float(rng.uniform(0.01, 0.2)),
            "noise_reduction_odd_smoothing": float(rng.uniform(0.01, 0.2)),
            "noise_reduction_min_signal_remaining": float(rng.uniform(0.02, 0.5)),
            "pcan_enable": bool(noise_reduction and i % 2),
            "pcan_strength": float(rng.uniform(0.3, 1.0)),
            "pcan_offset": float(rng.uniform(20, 120)),
            "pcan_gain_bits": int(rng.randint(20, 24)),
            "log_scale_enable": i % 5 > 0,
            "log_scale_shift": int(rng.randint(3, 8)),
            "activity_detection_enable": i % 2 == 0,
            "activity_detection_alpha_a": float(rng.uniform(0.2, 0.7)),
            "activity_detection_alpha_b": float(rng.uniform(0.7, 0.95)),
            "activity_detection_arm_threshold": float(rng.uniform(0.5, 1.2)),
            "activity_detection_trip_threshold": float(rng.uniform(0.8, 1.8)),
            "dc_notch_filter_enable": i % 4 > 1,
            "dc_notch_filter_coefficient": float(rng.uniform(0.7, 0.999)),
            "quantize_dynamic_scale_enable": i % 7 > 2,
            "quantize_dynamic_scale_range_db": float(rng.uniform(0.1, 90)),
        }
    # Windows (480, 288, 300 and 415 samples) whose coefficients differ between single and double precision.
    for rate, window in ((16000, 30), (16000, 18), (12000, 25), (8150, 51)):
        yield {
            "sample_rate_hz": rate,
            "sample_length_ms": LENGTH_MS,
            "window_size_ms": window,
            "window_step_ms": 10,
            "filterbank_n_channels": 49,
            "filterbank_lower_band_limit": 20.0,
            "filterbank_upper_band_limit": 0.45 * rate,
            "log_scale_enable": False,
        }


def main(path):
    from mltk.core.preprocess.audio.audio_feature_generator import (
        AudioFeatureGenerator,
        AudioFeatureGeneratorSettings,
    )

    wanted, audio = list(settings()), clips()
    arrays: dict[str, Any] = {"settings": np.frombuffer(json.dumps(wanted).encode(), np.uint8)}
    arrays.update({f"clip_{c}": clip for c, clip in enumerate(audio)})
    activity = np.zeros((len(wanted), len(audio)), np.uint8)
    for s, values in enumerate(wanted):
        one = AudioFeatureGeneratorSettings()
        for name, value in values.items():
            setattr(one, name, value)
        for c, clip in enumerate(audio):
            clip = clip[: one.sample_length]
            arrays[f"uint16_{s}_{c}"] = AudioFeatureGenerator(one).process_sample(clip, dtype=np.uint16)
            generator = AudioFeatureGenerator(one)
            arrays[f"int8_{s}_{c}"] = generator.process_sample(clip, dtype=np.int8)
            activity[s, c] = generator.activity_was_detected()
    np.savez_compressed(path, activity=activity, **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
