"""Generated C code compared with TensorFlow Lite Micro: every output value, the memory, and the speed.

    python benchmarks/compile_exact.py [--models PATH ...] [--random 500] [--operators 20] [--samples 100]
                                       [--emulate 10]

``--models`` takes ``.tflite`` files, archives (``.mltk.zip``), wheels, and folders with these. The models in the
packages ``pymicro_wakeword`` and ``tflite_micro`` are always taken. ``--random`` networks have 3 to 12 operators.
``--operators`` models have one operator each, of every operator that the tests know, also with int16 activations. All
run on this machine; ``--portable`` leaves out vectors. ``--emulate`` random networks, and with ``--emulate-models`` all
others too, also run on an emulated core, for example a Cortex-M4 with its DSP instructions.

The table shows the static RAM of the code beside the arena that TFLM uses, and the time of one inference beside that of
TFLM in one process. TFLM's time is that of the interpreter's call only: without Python and without copying inputs and
outputs, which the time of the C code includes. The script fails if a value differs, or if a model needs more RAM than
with TFLM.
"""

from __future__ import annotations

import argparse
import io
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from helpers.compiled_models import CompiledModels
from helpers.published_models import PUBLISHED
from helpers.random_models import MODELS
from helpers.random_models_16 import MODELS_16
from helpers.random_networks import random_network
from helpers.random_pairs import PAIRS
from helpers.tflm_outputs import random_inputs
from mltk.codegen.emulate.run import emulate
from mltk.errors import MltkError, UnsupportedModelError
from mltk.micro.engines.runtimes import TflmRuntime
from mltk.micro.memory.arena import measure_arena
from mltk.tflite.graph import graph_of

_CHUNK = 50  # random networks in one library
_REPETITIONS = 50  # of a measurement, of which the fastest counts
_ARENA_EVERY = 10  # random networks: measuring TFLM's arena takes half a second


def models_in(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Find the models in a file: itself, or inside an archive."""
    if name.endswith(".tflite"):
        yield name, data
    elif name.endswith((".zip", ".whl")):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in sorted(archive.namelist()):
                label = Path(name).name.removesuffix(".mltk.zip") if member.count("/") == 0 else member
                for found, inside in models_in(member, archive.read(member)):
                    yield (f"{label}/{found}" if label != found else found), inside


def find_models(paths: list[Path]) -> Iterator[tuple[str, bytes]]:
    """Find the models in files and folders."""
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and file.suffix in (".tflite", ".zip", ".whl"):
                yield from models_in(file.name, file.read_bytes())


def random_samples(model: bytes, n: int) -> list[np.ndarray]:
    """Draw inputs: the whole range of integers, and about that range of floats."""
    rng = np.random.default_rng(1)
    arrays = []
    for t in graph_of(model).inputs:
        assert t.dtype is not None
        if t.dtype.kind == "f":
            arrays.append(rng.normal(0, 20, (n, *t.shape)).astype(t.dtype))
        else:
            limits = np.iinfo(t.dtype)
            arrays.append(rng.integers(limits.min, limits.max + 1, (n, *t.shape)).astype(t.dtype))
    return arrays


def tflm_outputs(model: bytes, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Compute a stream of samples with TFLM."""
    runtime = TflmRuntime(model)
    samples = [runtime.invoke([x[i] for x in inputs]) for i in range(len(inputs[0]))]
    return [np.stack(v) for v in zip(*samples, strict=True)]


def tflm_seconds(model: bytes, inputs: list[np.ndarray]) -> float:
    """Return the seconds of TFLM's fastest inference."""
    runtime, fastest = TflmRuntime(model), float("inf")
    runtime.invoke([x[0] for x in inputs])
    invoke = runtime._interpreter.invoke
    for _ in range(_REPETITIONS):
        start = time.perf_counter()
        invoke()
        fastest = min(fastest, time.perf_counter() - start)
    return fastest


def differing(ours: list[np.ndarray], theirs: list[np.ndarray]) -> int:
    """Count the values that are not the same; floats bit by bit."""
    total = 0
    for a, b in zip(ours, theirs, strict=True):
        a = a.reshape(b.shape)
        total += int((a.view(np.int32) != b.view(np.int32)).sum()) if b.dtype == np.float32 else int((a != b).sum())
        total += b.size * (a.dtype != b.dtype)
    return total


class Report:
    """What was compared."""

    def __init__(self) -> None:
        self.different, self.values, self.ratios, self.speedups = 0, 0, list[float](), list[float]()

    def count(self, ours: list[np.ndarray], theirs: list[np.ndarray]) -> int:
        """Add the outputs of a model."""
        different = differing(ours, theirs)
        self.different += different
        self.values += sum(b.size for b in theirs)
        return different


def _seconds(compiled: CompiledModels, inputs: list[np.ndarray]) -> float:
    start = time.perf_counter()
    compiled.run(0, inputs)
    return (time.perf_counter() - start) / len(inputs[0])


def compare_model(name: str, model: bytes, n: int, flags: list[str], report: Report) -> None:
    """Compare one model, and print its row."""
    try:
        compiled = CompiledModels([model], flags)
    except UnsupportedModelError as e:
        print(f"{name:52.52} refused: {str(e)[:120]}", flush=True)
        return
    inputs = random_samples(model, n)
    ours = compiled.run(0, inputs)
    # Few samples at a time, so that other programs interrupt only some of the repetitions, as with TFLM. But enough, so
    # that the call from Python does not count.
    k = max(1, int(5e-4 / min(_seconds(compiled, [x[:1] for x in inputs]) for _ in range(5))))
    repeated = [np.resize(x, (k, *x.shape[1:])) for x in inputs]
    seconds = min(_seconds(compiled, repeated) for _ in range(_REPETITIONS))
    theirs, their_seconds = tflm_outputs(model, inputs), tflm_seconds(model, inputs)
    different = report.count(ours, theirs)
    ram, arena = compiled.ram_bytes[0], measure_arena(model).total
    report.ratios.append(ram / arena)
    report.speedups.append(their_seconds / seconds)
    size = sum(b.size for b in theirs)
    print(
        f"{name:52.52} {different:5} of {size:9,}  RAM {ram:8,} / {arena:8,} = {ram / arena:4.2f}"
        f"  {1e3 * seconds:8.3f} ms / {1e3 * their_seconds:8.3f} = {their_seconds / seconds:5.1f}x",
        flush=True,
    )


def compare_random(count: int, n: int, flags: list[str], report: Report) -> None:
    """Compare random networks, many in one library."""
    start, different, ratios = time.perf_counter(), 0, []
    for first in range(0, count, _CHUNK):
        models = [random_network(seed) for seed in range(first, min(first + _CHUNK, count))]
        compiled = CompiledModels(models, flags)
        for i, model in enumerate(models):
            inputs = random_samples(model, n)
            here = report.count(compiled.run(i, inputs), tflm_outputs(model, inputs))
            if here:
                print(f"random network {first + i}: {here} values differ")
            different += here
            if (first + i) % _ARENA_EVERY == 0:
                ratios.append(compiled.ram_bytes[i] / measure_arena(model).total)
    report.ratios += ratios
    if ratios:
        print(
            f"{count} random networks, {n} samples each: {different} values differ; RAM of every tenth at "
            f"most {max(ratios):.2f} of TFLM's, median {np.median(ratios):.2f} ({time.perf_counter() - start:.0f} s)",
            flush=True,
        )


def compare_operators(count: int, n: int, flags: list[str], report: Report) -> None:
    """Compare models with one operator, ``count`` of each operator."""
    different, operators = 0, [*MODELS.items(), *MODELS_16.items(), *PAIRS.items()]
    for name, make in operators:
        models = [make(np.random.default_rng([seed, len(name), 9])) for seed in range(count)]
        compiled = CompiledModels(models, flags)
        for i, model in enumerate(models):
            inputs = random_inputs(model, n)
            here = report.count(compiled.run(i, inputs), tflm_outputs(model, inputs))
            if here:
                print(f"{name}, model {i}: {here} values differ")
            different += here
    print(f"{len(operators)} operators, {count} models each, {n} samples each: {different} values differ", flush=True)


def compare_emulated(models: list[tuple[str, bytes]], core: str, report: Report) -> None:
    """Compare models on an emulated core."""
    different = done = 0
    for name, model in models:
        inputs = random_samples(model, 2)
        try:
            result = emulate(model, inputs, core, reset_between_samples=False)
        except UnsupportedModelError:
            continue
        here = report.count(result.outputs, tflm_outputs(model, inputs))
        if here:
            print(f"{name} on {core}: {here} values differ")
        different, done = different + here, done + 1
    print(f"{done} models on an emulated {core}: {different} values differ", flush=True)


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", type=Path, default=[])
    parser.add_argument("--random", type=int, default=500)
    parser.add_argument("--operators", type=int, default=20)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--emulate", type=int, default=10)
    parser.add_argument("--emulate-models", action="store_true")
    parser.add_argument("--core", default="cortex-m4")
    parser.add_argument("--portable", action="store_true")
    args = parser.parse_args()
    flags = ["-DMLTK_PORTABLE"] if args.portable else []
    report = Report()
    models = list(find_models([*PUBLISHED, *args.models]))
    for name, model in models:
        compare_model(name, model, args.samples, flags, report)
    compare_random(args.random, args.samples, flags, report)
    if args.operators:
        compare_operators(args.operators, args.samples, flags, report)
    emulated = [(f"random network {seed}", random_network(seed)) for seed in range(args.emulate)]
    try:
        compare_emulated([*(models if args.emulate_models else []), *emulated], args.core, report)
    except MltkError as e:
        print(f"Nothing was emulated: {e}")
    print(f"{report.different} of {report.values:,} values differ from TFLM.")
    if report.ratios:
        print(f"RAM: at most {max(report.ratios):.2f} of TFLM's, median {np.median(report.ratios):.2f}.")
    if report.speedups:
        print(f"Speed: {min(report.speedups):.1f} to {max(report.speedups):.1f} times TFLM in one process.")
    return 1 if report.different or max(report.ratios, default=0) > 1 else 0


if __name__ == "__main__":
    sys.exit(main())
