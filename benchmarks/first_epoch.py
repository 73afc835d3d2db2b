"""The time of the first epoch of a deep network: as mltk trains it, compared with plain Keras.

    python benchmarks/first_epoch.py

The network is TENet-12 with kernels of four lengths. Two training steps and one validation batch follow, so that nearly
all of the time is tracing. Each side runs in a separate process, in turn. The figures are processor seconds from the
compiled model to the end of the epoch.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def measure(prepared: bool) -> float:
    """Return the processor seconds of the first epoch in this process."""
    import numpy as np

    from mltk.models.shared.tenet import TENet12
    from mltk.training.batch_stream import batch_stream, in_order
    from mltk.training.first_step import create_variables

    model = TENet12((98, 1, 40), 12, mtconv=True)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    arrays = np.random.default_rng(0).normal(size=(64, 98, 1, 40)).astype(np.float32), np.zeros(64, int)
    data = batch_stream(arrays, 32, shuffle=True, seed=1)
    before = _processor_seconds()
    if prepared:
        create_variables(model, data)
    validation = in_order(arrays, 32)
    model.fit(data, steps_per_epoch=2, shuffle=False, verbose=0, validation_data=validation, validation_steps=1)
    return _processor_seconds() - before


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Run both sides in turn and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=("keras", "mltk"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(measure(options.measure == "mltk"))
        return
    seconds: dict[str, list[float]] = {"keras": [], "mltk": []}
    for _ in range(options.rounds):
        for side, found in seconds.items():
            command = [sys.executable, __file__, "--measure", side]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            found.append(float(done.stdout.split()[-1]))
            print(f"{side:>6}: {found[-1]:6.1f} s", flush=True)
    keras, mltk = (statistics.median(seconds[side]) for side in ("keras", "mltk"))
    print(f"first epoch of TENet-12: plain Keras {keras:.1f} s, mltk {mltk:.1f} s, {1 - mltk / keras:.0%} less")


if __name__ == "__main__":
    main()
