"""Generated C code on emulated cores against TensorFlow Lite Micro: the share of output values that differ.

    python benchmarks/emulated_exact.py                   # the wake words of pymicro-wakeword, and random networks
    python benchmarks/emulated_exact.py MODEL.tflite …    # other models

For each model and core, the code computes random samples, and all output values are compared. Then the self-test that
``mltk compile`` writes runs on the core. The exit code is 1 if a value differs or a self-test fails.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mltk.codegen.emulate.self_test import run_self_test
from mltk.errors import UnsupportedModelError
from mltk.micro.parity import random_samples
from mltk.operations.compile import compile_model
from mltk.operations.shared.emulated import emulate_model
from mltk.tflite.model import TfliteModel

CORES = ("cortex-m0plus", "cortex-m4", "cortex-m33", "riscv32")
N_SAMPLES = 5


def default_models(folder: Path) -> list[Path]:
    """Write random models into a folder, and return their paths and those of the wake words."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from helpers.published_models import wake_words
    from helpers.random_models import MODELS
    from helpers.tflite_builder import depthwise_cnn

    models = {f"network-{seed}": depthwise_cnn(seed) for seed in range(4)}
    models |= {name.lower(): make(np.random.default_rng([3, len(name)])) for name, make in MODELS.items()}
    for name, model in models.items():
        (folder / f"{name}.tflite").write_bytes(model)
    return [*wake_words(), *(folder / f"{name}.tflite" for name in models)]


def check(path: Path) -> bool:
    """Print a row for each core, and return whether all is equal."""
    model = TfliteModel(path.read_bytes())
    samples = random_samples(model, N_SAMPLES, np.random.default_rng(0))
    try:
        files = compile_model(str(path), compare=False).files
    except UnsupportedModelError as e:
        print(f"{path.stem[:40]:40} has no C code: {e.message}", flush=True)
        return True
    is_good = True
    for core in CORES:
        start = time.monotonic()
        found = emulate_model(model, samples, core).figures
        passed, text = run_self_test(files, core)
        is_good = is_good and not found.n_differing and passed
        print(
            f"{path.stem[:40]:40} {core:14} {found.n_differing:>6} of {found.n_values:>8,} values differ   "
            f"self-test {text.partition(':')[0]}   {time.monotonic() - start:5.1f} s",
            flush=True,
        )
    return is_good


def main() -> int:
    """Check all models."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(p) for p in sys.argv[1:]] or default_models(Path(folder))
        results = [check(path) for path in paths]
    print(f"\n{sum(results)} of {len(results)} models: no value differs on {', '.join(CORES)}")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
