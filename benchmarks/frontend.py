"""The speed of the audio frontend compared with TensorFlow's microfrontend op, on one core, in frames per second.

    python benchmarks/frontend.py [--seconds 2] [--json out.json]

Both compute the same features of the same audio, which is checked first. They run in turn, in one process on one core.
The figure of each side is its best round, in processor time, because other programs disturb both sides. TensorFlow
computes whole clips of 1 s and one clip of 60 s, and the better one counts. The frontend computes single clips of 1 s
(``process_sample``) and a batch of 64 (``process_batch``). "device code" is the portable C code of the microcontroller,
here on the host.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings, AudioFeatureStream

RATE = 16000
CASES = {
    "25/10 ms, 32 channels": {"window_size_ms": 25, "window_step_ms": 10, "filterbank_n_channels": 32},
    "30/20 ms, 49 channels": {"window_size_ms": 30, "window_step_ms": 20, "filterbank_n_channels": 49},
    "30/10 ms, 104 channels": {"window_size_ms": 30, "window_step_ms": 10, "filterbank_n_channels": 104},
    "40/20 ms, 40 channels": {"window_size_ms": 40, "window_step_ms": 20, "filterbank_n_channels": 40},
}


def microfrontend(settings: AudioFeatureGeneratorSettings) -> Callable[[Any], Any]:
    """Return TensorFlow's op with these settings."""
    from tensorflow.lite.experimental.microfrontend.python.ops import audio_microfrontend_op

    def features(clip: Any) -> Any:
        return audio_microfrontend_op.audio_microfrontend(
            clip,
            sample_rate=settings.sample_rate_hz,
            window_size=settings.window_size_ms,
            window_step=settings.window_step_ms,
            num_channels=settings.filterbank_n_channels,
            upper_band_limit=settings.filterbank_upper_band_limit,
            lower_band_limit=settings.filterbank_lower_band_limit,
            enable_pcan=settings.pcan_enable,
            out_type=np.uint16,
        )

    return features


def rates(tasks: dict[str, tuple[Callable[[], Any], int]], seconds: float) -> dict[str, float]:
    """Return the frames per second of every task ``(call, frames per call)``: the best round within ``seconds``."""
    best = dict.fromkeys(tasks, 0.0)
    end = time.perf_counter() + seconds * len(tasks)
    while time.perf_counter() < end:
        for name, (call, frames) in tasks.items():
            calls = max(1, 4000 // frames)
            start = time.process_time()
            for _ in range(calls):
                call()
            best[name] = max(best[name], calls * frames / (time.process_time() - start))
    return best


def measure(changes: dict[str, Any], pcan: bool, seconds: float) -> dict[str, float]:
    import tensorflow as tf

    settings = AudioFeatureGeneratorSettings(
        sample_rate_hz=RATE,
        noise_reduction_enable=True,
        pcan_enable=pcan,
        window_double_precision_enable=True,  # the window of TensorFlow's op
        **changes,
    )
    rng = np.random.default_rng(0)
    clips = (rng.normal(0, 1, (64, RATE)) * rng.uniform(100, 9000, (64, 1))).clip(-32768, 32767).astype(np.int16)
    generator = AudioFeatureGenerator(settings)
    stream = AudioFeatureStream(settings)
    op, one, minute = microfrontend(settings), tf.constant(clips[0]), tf.constant(clips[:60].ravel())
    np.testing.assert_array_equal(op(one).numpy(), generator.process_sample(clips[0], np.uint16))

    rows = settings.spectrogram_shape[0]
    best = rates(
        {
            "TensorFlow, clips of 1 s": (lambda: op(one), rows),
            "TensorFlow, clip of 60 s": (lambda: op(minute), op(minute).shape[0]),
            "device code": (lambda: stream.feed(clips[0]), RATE // settings.window_step),
            "process_sample": (lambda: generator.process_sample(clips[0], np.uint16), rows),
            "process_batch": (lambda: generator.process_batch(clips, np.uint16), rows * len(clips)),
        },
        seconds,
    )
    tensorflow = max(best["TensorFlow, clips of 1 s"], best["TensorFlow, clip of 60 s"])
    best["ratio, process_sample / TensorFlow"] = best["process_sample"] / tensorflow
    best["ratio, process_batch / TensorFlow"] = best["process_batch"] / tensorflow
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=2.0, help="measuring time of every task (default: 2)")
    parser.add_argument("--json", help="also write the figures to this file")
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    warnings.filterwarnings("ignore", message=".*audio features are always 0")

    figures = {}
    for name, changes in CASES.items():
        for pcan in (False, True):
            title = f"{name}, noise reduction{', PCAN' if pcan else ''}"
            figures[title] = measure(changes, pcan, arguments.seconds)
            print(f"\n{title}")
            for task, value in figures[title].items():
                print(f"  {task:36}" + (f"{value:12.1f} ×" if task.startswith("ratio") else f"{value:12,.0f} frames/s"))
    worst = min(one["ratio, process_batch / TensorFlow"] for one in figures.values())
    print(f"\nsmallest ratio, process_batch / TensorFlow: {worst:.1f} ×")
    if arguments.json:
        with open(arguments.json, "w") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
