"""Samples per second of the audio data generator, compared with MLTK 0.20 if it is installed.

    python benchmarks/audio_generator.py [folder of DIGIT_SPEAKER_N.wav files] [--old PYTHON]

The data is FSDD at 16 kHz: clips of 1 s, 49×49 int8 features, batches of 32, two cores. The first part has offset,
trimming and background noise. The second part adds speed, pitch, vocal tract length and loudness. PYTHON is the
interpreter of an environment with ``silabs-mltk==0.20.0``; the environment variable MLTK_020_PYTHON may name it too.
Without it, only openmltk is measured. The time of the first batch includes listing the dataset. The samples per second
are those of the second and later epochs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

from fsdd_folder import background_folder, class_folder

CLASSES = [str(digit) for digit in range(10)]
FRONTEND = {
    "sample_rate_hz": 16000,
    "sample_length_ms": 1000,
    "window_size_ms": 30,
    "window_step_ms": 20,
    "filterbank_n_channels": 49,
    "filterbank_upper_band_limit": 7500.0,
    "filterbank_lower_band_limit": 125.0,
}
LIGHT = {"bg_noise_range": (0.1, 0.4), "offset_range": (0.0, 1.0), "trim_threshold_db": 30}
# vtlp_range of 0.20 accepts integers only, so its only factor near 1 is 1. It is left out there.
HEAVY = LIGHT | {"speed_range": (0.8, 1.2), "pitch_range": (-2, 2), "loudness_range": (0.2, 1.0)}
SETTINGS = {"offset, trim, background noise": LIGHT, "+ speed, pitch, VTLP, loudness": HEAVY}
WANTED = 10


def measure(generator_class, settings_class, folder: str, noise: str, seconds: float, options: dict) -> dict:
    """Measure one version. Both versions run this function, so it needs Python 3.8 only."""
    start = time.perf_counter()
    generator = generator_class(
        cores=2, dtype="int8", frontend_settings=settings_class(**FRONTEND), bg_noise_dir=noise, **options
    )
    batches = generator.flow_from_directory(folder, classes=CLASSES, batch_size=32, shuffle=True, seed=1)
    batches[0]
    first = time.perf_counter() - start
    for i in range(1, len(batches)):
        batches[i]
    samples, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        batches.on_epoch_end()
        samples += sum(len(batches[i][0]) for i in range(len(batches)))
    rate = samples / (time.perf_counter() - start)
    batches.shutdown()
    return {"first_batch_s": first, "samples_per_s": rate}


def measure_old(folder: str, noise: str, seconds: float) -> dict:
    """The entry point in the environment of 0.20."""
    from mltk.core.preprocess.audio.audio_feature_generator import AudioFeatureGeneratorSettings
    from mltk.core.preprocess.audio.parallel_generator import ParallelAudioDataGenerator

    return {
        name: measure(ParallelAudioDataGenerator, AudioFeatureGeneratorSettings, folder, noise, seconds, options)
        for name, options in SETTINGS.items()
    }


def measure_new(folder: str, noise: str, seconds: float) -> dict:
    from mltk.audio.frontend import AudioFeatureGeneratorSettings
    from mltk.audio.generator import ParallelAudioDataGenerator

    found = {}
    for name, options in SETTINGS.items():
        more = options | ({"vtlp_range": (0.9, 1.1)} if options is HEAVY else {})
        found[name] = measure(ParallelAudioDataGenerator, AudioFeatureGeneratorSettings, folder, noise, seconds, more)
    return found


def run_old(python: str, folder: str, noise: str, seconds: float) -> dict:
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", PYTHONPATH=os.path.dirname(os.path.abspath(__file__)))
    command = [python, os.path.abspath(__file__), folder, "--measure-old", noise, "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"0.20 failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return json.loads(lines[-1])


def main() -> int:
    parser = argparse.ArgumentParser(description="Speed of the audio data generator.")
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--old", default=os.environ.get("MLTK_020_PYTHON"))
    parser.add_argument("--measure-old", metavar="NOISE", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=8)
    args = parser.parse_args()
    if args.measure_old:
        print(json.dumps(measure_old(args.folder, args.measure_old, args.seconds)))
        return 0
    with tempfile.TemporaryDirectory() as where:
        folder, noise = class_folder([args.folder] if args.folder else [], where), background_folder(where)
        new = measure_new(folder, noise, args.seconds)
        old = run_old(args.old, folder, noise, args.seconds * 2) if args.old else {}
    for name, found in new.items():
        print(f"{name}: {found['samples_per_s']:,.0f} samples/s, first batch after {found['first_batch_s']:.2f} s")
        if name in old:
            before = old[name]
            ratio = found["samples_per_s"] / before["samples_per_s"]
            print(
                f"  0.20: {before['samples_per_s']:,.0f} samples/s, first batch after {before['first_batch_s']:.2f} s"
                f" → {ratio:.1f}x (wanted: {WANTED}x)"
            )
    return 0


if __name__ == "__main__":
    sys.exit(main())
