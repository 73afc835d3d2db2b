"""Mutation fuzzer for the ``.tflite`` document: damaged files must be refused with a `TfliteError`, or read.

    python benchmarks/fuzz_tflite.py [--count 100000] [--seed 1] [MODEL.tflite …]

Takes real models (given, or those in the installed packages pymicro-wakeword and tflite-micro), damages each copy in a
random way, and loads, summarizes and reads the parameters of what remains. Prints how many inputs went through, at
what rate, the slowest one, the peak memory, and every exception that is not a `TfliteError`; exits 1 if there was one.
Covers the document only: native runtimes are not run on damaged files.
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
from pathlib import Path

from mltk.errors import TfliteError
from mltk.tflite import TfliteModel, TfliteModelParameters

INTERESTING = [0, 1, 2, 3, 4, 7, 8, 12, 16, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF]


def models_of_packages() -> list[Path]:
    found: list[Path] = []
    for package, pattern in (("pymicro_wakeword", "models/*.tflite"), ("tflite_micro", "**/*.tflite")):
        spec = importlib.util.find_spec(package)
        if spec is not None and spec.origin is not None:
            found += sorted(Path(spec.origin).parent.glob(pattern))
    return found


def structure_of(data: bytes) -> list[int]:
    """Positions outside the large constants: where damage changes the structure, not just a weight."""
    model = TfliteModel(data).flatbuffer_model
    positions = bytearray(b"\1" * len(data))
    for buffer in model.buffers:
        if buffer.data is not None and len(buffer.data) > 64:
            at = data.find(buffer.data.tobytes())
            positions[at : at + len(buffer.data)] = bytes(len(buffer.data))
    return [i for i, wanted in enumerate(positions) if wanted]


def mutate(data: bytes, structure: list[int], others: list[bytes], rng: random.Random) -> bytes:
    """One random damage, or a few."""
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


def run_one(data: bytes) -> str:
    """What became of an input: ``refused``, or ``read`` with or without parameters."""
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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
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

    rng = random.Random(args.seed)
    outcomes: collections.Counter[str] = collections.Counter()
    failures: dict[str, int] = {}
    slowest = 0.0
    started = time.perf_counter()
    for i in range(args.count):
        chosen = rng.randrange(len(corpus))
        data = mutate(corpus[chosen], structures[chosen], corpus, rng)
        begun = time.perf_counter()
        try:
            outcomes[run_one(data)] += 1
        except Exception:  # noqa: BLE001 - what the fuzzer looks for
            trace = traceback.format_exc()
            if trace not in failures:
                print(f"input {i} (seed {args.seed}):\n{trace}")
            failures[trace] = failures.get(trace, 0) + 1
        slowest = max(slowest, time.perf_counter() - begun)
        if (i + 1) % 10_000 == 0:
            print(f"{i + 1} inputs, {(i + 1) / (time.perf_counter() - started):.0f}/s", flush=True)
    elapsed = time.perf_counter() - started
    cpu = time.process_time()
    print(
        f"{args.count} inputs in {elapsed:.0f} s ({args.count / elapsed:.0f}/s; {cpu:.0f} s of CPU), "
        f"slowest {slowest * 1e3:.0f} ms, "
        f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"
    )
    print(", ".join(f"{name}: {n}" for name, n in outcomes.most_common()))
    print(f"exceptions other than TfliteError: {sum(failures.values())}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
