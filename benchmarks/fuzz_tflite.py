"""Mutation fuzzer for ``.tflite`` files: a damaged file must be refused with an error, or be read and run.

    python benchmarks/fuzz_tflite.py [--count 100000] [--native 2000] [--seed 1] [MODEL.tflite …]

The script takes real models: those given, or those in the installed packages pymicro-wakeword and tflite-micro. It
damages each copy randomly, then loads it, summarizes it and reads its parameters. The first ``--native`` files that can
still be read also run, one sample each, as untrusted files: TensorFlow Lite Micro (if installed) and LiteRT in child
processes, which may crash or hang, and the exact kernels in this process. As in ``mltk parity``, the outputs are
compared, also layer by layer.

The script prints the number of inputs, the results, the rate, the slowest input, the peak memory, and every exception
that is not an ``MltkError`` (while reading: not a ``TfliteError``). Its exit code is 1 if there was one.
"""

from __future__ import annotations

import argparse
import collections
import importlib.util
import random
import resource
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mltk.errors import EvaluationError, MltkError, TfliteError, UnsupportedModelError
from mltk.micro.engines.process import Workers
from mltk.micro.engines.run import run_batch
from mltk.micro.engines.runtimes import have_tflm
from mltk.micro.parity import compare_engines, random_samples
from mltk.micro.profile.profiler import profile_tflite
from mltk.micro.profile.targets import DEFAULT_TARGET
from mltk.operations.shared.compare_layers import quantization_report
from mltk.tflite import TfliteModel, TfliteModelParameters
from mltk.tflite.format.codec import pack, unpack
from mltk.workers.child import ChildEndedError

TIMEOUT_S = 10.0

INTERESTING = [0, 1, 2, 3, 4, 7, 8, 12, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def models_of_packages() -> list[Path]:
    found: list[Path] = []
    for package, pattern in (("pymicro_wakeword", "models/*.tflite"), ("tflite_micro", "**/*.tflite")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += sorted(Path(spec.origin).parent.glob(pattern))
    return found


def structure_of(data: bytes) -> list[int]:
    """Return positions outside the large constants, where damage changes the structure and not only a weight."""
    model = TfliteModel(data).flatbuffer_model
    positions = bytearray(b"\1" * len(data))
    for buffer in model.buffers:
        if buffer.data is not None and len(buffer.data) > 64:
            at = data.find(buffer.data.tobytes())
            positions[at : at + len(buffer.data)] = bytes(len(buffer.data))
    return [i for i, wanted in enumerate(positions) if wanted]


def mutate(data: bytes, structure: list[int], others: list[bytes], rng: random.Random) -> bytes:
    """Return a copy with one or a few random changes."""
    damaged = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at = rng.choice(structure) if rng.random() < 0.95 else rng.randrange(len(data))
        if at >= len(damaged):
            continue
        kind = rng.randrange(8)
        if kind == 0:
            damaged[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            damaged[at] = rng.randrange(256)
        elif kind == 2:
            at &= ~3
            if at + 4 <= len(damaged):
                struct.pack_into("<I", damaged, at, rng.choice(INTERESTING))
        elif kind == 3:
            at &= ~3
            if at + 4 <= len(damaged):
                value = struct.unpack_from("<I", damaged, at)[0] + rng.randint(-64, 64)
                struct.pack_into("<I", damaged, at, value & 0xFFFFFFFF)
        elif kind == 4:
            at &= ~1
            if at + 2 <= len(damaged):
                struct.pack_into("<H", damaged, at, rng.choice(INTERESTING) & 0xFFFF)
        elif kind == 5:
            source, size = rng.choice(structure), rng.randint(1, 64)
            damaged[at : at + size] = data[source : source + size]
        elif kind == 6:
            other, size = rng.choice(others), rng.randint(4, 256)
            source = rng.randrange(len(other))
            damaged[at : at + size] = other[source : source + size]
        elif rng.random() < 0.2:
            end = len(damaged) if rng.random() < 0.5 else at + rng.randint(1, 16)
            del damaged[at:end]
    return bytes(damaged)


def mutate_fields(data: bytes, rng: random.Random) -> bytes:
    """Change one to three fields of the graph to possible or impossible values. The file stays well-formed."""
    model, verified = unpack(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        subgraph = rng.choice(model.subgraphs)
        tensor, operator = rng.choice(subgraph.tensors), rng.choice(subgraph.operators)
        kind = rng.randrange(9)
        if kind == 0:
            tensor.shape = _damaged_list(tensor.shape, rng, [0, 1, 2, 3, 5, 64, 1000, 1 << 16, 1 << 24, (1 << 31) - 1])
        elif kind == 1:
            tensor.type = rng.randrange(20)
        elif kind == 2 and tensor.quantization is not None:
            values = [0.0, -1.0, 1e-30, 1e30, float("nan"), float("inf"), 0.5]
            n = 1 if tensor.quantization.scale is None else len(tensor.quantization.scale)
            tensor.quantization.scale = [rng.choice(values) for _ in range(n)]
        elif kind == 3 and tensor.quantization is not None:
            values = [0, -128, 127, 128, -(1 << 31), 1 << 62]
            n = 1 if tensor.quantization.zeroPoint is None else len(tensor.quantization.zeroPoint)
            tensor.quantization.zeroPoint = [rng.choice(values) for _ in range(n)]
        elif kind == 4:
            name = rng.choice(("inputs", "outputs"))
            indices = [-1, *range(len(subgraph.tensors))]
            setattr(operator, name, _damaged_list(getattr(operator, name), rng, indices))
        elif kind == 5:
            operator.opcodeIndex = rng.randrange(len(model.operatorCodes))
        elif kind == 6:
            code = rng.choice(model.operatorCodes)
            code.builtinCode = rng.randrange(160)
            code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        elif kind == 7 and operator.builtinOptions is not None:
            numbers = [name for name, value in vars(operator.builtinOptions).items() if isinstance(value, int)]
            if numbers:
                values = [-1, 0, 1, 2, 3, 1000, 1 << 16, 1 << 30, (1 << 31) - 1]
                setattr(operator.builtinOptions, rng.choice(numbers), rng.choice(values))
        elif kind == 8:
            buffer = rng.choice(model.buffers)
            if buffer.data is not None and len(buffer.data):
                values = np.array(buffer.data, np.uint8)
                values[rng.randrange(len(values))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
                buffer.data = values
    try:
        return pack(model, data, verified.end)
    except TfliteError:  # a value that does not fit its field
        return data


def _damaged_list(values: Any, rng: random.Random, others: list[int]) -> list[int]:
    """Return ``values`` with one value changed, removed or added."""
    damaged = [] if values is None else [int(v) for v in values]
    at, kind = rng.randrange(len(damaged) + 1), rng.randrange(6)
    if kind == 0 or at == len(damaged):
        damaged.insert(at, rng.choice(others))
    elif kind == 1:
        del damaged[at]
    else:
        damaged[at] = rng.choice(others)
    return damaged


def run_one(data: bytes) -> str:
    """Return the result for an input: ``refused``, or ``read`` with or without parameters."""
    try:
        model = TfliteModel(data)
        model.summary()
    except TfliteError:
        return "refused"
    try:
        TfliteModelParameters.load_from_tflite_model(model).summary()
        return "read with parameters"
    except TfliteError:
        return "read"


class Tally:
    """The results for one kind of input, and every unexpected exception."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.failures: collections.Counter[str] = collections.Counter()
        self.seconds = self.slowest = 0.0

    def run(self, what: Callable[[], str], label: str) -> str:
        """Count the result of ``what`` and return it; an exception counts as "failed"."""
        begun = time.perf_counter()
        try:
            outcome = what()
        except Exception:  # noqa: BLE001 - what the fuzzer looks for
            outcome, trace = "failed", traceback.format_exc()
            if trace not in self.failures:
                print(f"{label}, {self.name}:\n{trace}", flush=True)
            self.failures[trace] += 1
        elapsed = time.perf_counter() - begun
        self.outcomes[outcome] += 1
        self.seconds += elapsed
        self.slowest = max(self.slowest, elapsed)
        return outcome

    def __str__(self) -> str:
        n = self.outcomes.total()
        counts = ", ".join(f"{name} {count}" for name, count in sorted(self.outcomes.items()))
        rate = n / max(self.seconds, 1e-9)
        return f"{self.name}: {n} inputs, {rate:.0f}/s, slowest {self.slowest * 1e3:.0f} ms: {counts}"


class NativeFuzz:
    """Runs the files that could be read: natively, in child processes that are kept until one crashes or hangs."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.engines = [*(["tflm"] if have_tflm() else []), "litert-reference"]
        names = [*self.engines, "exact-batched", "parity", "quantization report", "profile"]
        self.tallies = {name: Tally(name) for name in names}
        self.children = Workers()

    def run(self, data: bytes, whole: bytes, label: str) -> None:
        """Run one damaged copy of ``whole``."""
        for engine in (*self.engines, "exact-batched"):
            self.tallies[engine].run(lambda engine=engine: self._outcome(lambda: self._run(data, engine)), label)
        self.tallies["parity"].run(lambda: self._outcome(lambda: self._compare(data)), label)
        self.tallies["profile"].run(lambda: self._outcome(lambda: self._profile(data)), label)
        self.tallies["quantization report"].run(lambda: self._outcome(lambda: self._report(data, whole)), label)

    @staticmethod
    def _outcome(run: Callable[[], object]) -> str:
        try:
            run()
        except (UnsupportedModelError, EvaluationError):
            return "refused"
        except ChildEndedError as e:
            if not e.timed_out and e.signal is None:  # an exception of openmltk in the child
                raise
            return "timed out" if e.timed_out else f"crashed (signal {e.signal})"
        except MltkError:
            return "error"
        return "ran"

    def _run(self, data: bytes, engine: str) -> None:
        samples = random_samples(data, 1, self.rng)
        if engine == "exact-batched":
            run_batch(data, samples, engine=engine, processes=1)
        else:
            run_batch(data, samples, engine=engine, trusted=False, children=self.children, timeout_s=TIMEOUT_S)

    def _compare(self, data: bytes) -> None:
        samples = random_samples(data, 2, self.rng)
        report = compare_engines(
            data, samples, engines=self.engines, float_outputs=None, trusted=False, children=self.children
        )
        report.to_text()

    @staticmethod
    def _profile(data: bytes) -> None:
        profile_tflite(TfliteModel(data), DEFAULT_TARGET).to_string(full_summary=True)

    def _report(self, data: bytes, whole: bytes) -> None:
        samples = random_samples(data, 2, self.rng)
        model, reference = TfliteModel(data), TfliteModel(whole)
        options = {"engine": "litert-reference", "trusted": False, "children": self.children}
        quantization_report(model, reference, samples, **options).to_text()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--native", type=int, default=2_000, help="how many to run too; 0 leaves it out")
    parser.add_argument("--fields", type=float, default=0.1, help="share of inputs whose fields are changed, not bytes")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    paths = args.models or models_of_packages()
    if not paths:
        print("No models: install pymicro-wakeword or tflite-micro, or name some.", file=sys.stderr)
        return 2
    parameters = TfliteModelParameters(name="fuzz", classes=["yes", "no"], gain=0.5, taps=[1, -2], blob=b"\1\2")
    corpus = [parameters.add_to_tflite_flatbuffer(path.read_bytes()) for path in paths]
    structures = [structure_of(data) for data in corpus]
    for path, data, structure in zip(paths, corpus, structures, strict=True):
        print(f"{path.name}: {len(data)} bytes, of which {len(structure)} structure")

    warnings.simplefilter("ignore")  # NaN and overflow in damaged scales
    rng, documents, native = random.Random(args.seed), Tally("document"), NativeFuzz(args.seed)
    n_native, started = 0, time.perf_counter()
    with native.children:
        for i in range(args.count):
            chosen = rng.randrange(len(corpus))
            if rng.random() < args.fields:
                data = mutate_fields(corpus[chosen], rng)
            else:
                data = mutate(corpus[chosen], structures[chosen], corpus, rng)
            label = f"input {i} (seed {args.seed})"
            outcome = documents.run(lambda data=data: run_one(data), label)
            is_run = outcome.startswith("read") and n_native < args.native
            if is_run:
                n_native += 1
                native.run(data, corpus[chosen], label)
            if (i + 1) % 10_000 == 0 or (is_run and n_native % 100 == 0):
                print(f"{i + 1} inputs ({n_native} run), {time.perf_counter() - started:.0f} s", flush=True)
    tallies = [documents, *(native.tallies.values() if n_native else [])]
    for tally in tallies:
        print(tally)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    n_failures = sum(tally.failures.total() for tally in tallies)
    print(f"{time.perf_counter() - started:.0f} s; this process: {time.process_time():.0f} s of CPU, {peak:.0f} MiB")
    print(f"exceptions that should not be: {n_failures}")
    return 1 if n_failures else 0


if __name__ == "__main__":
    sys.exit(main())
