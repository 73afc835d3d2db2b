"""Samples per second of the image data generator, compared with MLTK 0.20 if it is installed.

    python benchmarks/image_generator.py [--old PYTHON]
    python benchmarks/image_generator.py --files 100000

The data is 2,000 synthetic JPEG files of 96×96 pixels in color, batches of 32, two cores. The augmentation is rotation,
shifts, zoom, contrast, flips, and noise: every image gets one of the four kinds. PYTHON is the interpreter of an
environment with ``silabs-mltk==0.20.0``; the environment variable MLTK_020_PYTHON may name it too. MLTK_020_PYTHONPATH
is its PYTHONPATH, for packages that the environment lacks. Without PYTHON, only openmltk is measured.

The time of the first batch includes listing the dataset. The samples per second are those of the second and later
epochs; 0.20 decodes the files in each of them, openmltk keeps the pixels. openmltk is measured before and after 0.20,
and the mean counts, because the speed of a machine changes from minute to minute.

With ``--files N``, one epoch of N files is read, and one of a tenth of them, each in a process of its own. At most
256 MB of decoded images stay in memory. The figures are the largest resident memory of the processes. The files are
links to 1,000 images, so that they fit on the disk. See image_training.py for the cost of augmentation in training.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

SIZE = (96, 96)
CLASSES = ["circles", "stripes"]
SETTINGS = dict(
    rotation_range=15,
    width_shift_range=0.1,
    height_shift_range=0.1,
    zoom_range=0.1,
    contrast_range=(0.8, 1.2),
    horizontal_flip=True,
    vertical_flip=True,
    noise=["gauss", "poisson", "s&p", "speckle"],
    rescale=1 / 255,
)
LIMIT_MB = 256  # of decoded images
WANTED = {"ratio": 10, "first_batch_s": 2}


def image_folder(where: str, n: int, size: tuple[int, int] = SIZE, links: int = 0) -> str:
    """Make ``n`` JPEG files: circles or stripes in random colors, with some noise."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    y, x = np.mgrid[: size[0], : size[1]]
    folder = os.path.join(where, "images")
    for kind in CLASSES:
        os.makedirs(os.path.join(folder, kind))
    for i in range(n):
        kind = CLASSES[i % 2]
        a, b, c = rng.uniform(0.1, 0.9, 3)
        wave = np.hypot(x - a * size[1], y - b * size[0]) if kind == "circles" else a * x + b * y
        light = 0.5 + 0.4 * np.sin(wave * (0.2 + 0.3 * c))
        pixels = light[..., None] * rng.uniform(80, 255, 3) + rng.normal(0, 8, (*size, 3))
        path = os.path.join(folder, kind, f"{i:06d}.jpg")
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        for k in range(links):
            os.link(path, os.path.join(folder, kind, f"{i:06d}-{k:03d}.jpg"))
    return folder


def cpu_seconds() -> float:
    """Processor time of this process and all below it; on Linux only, else 0. 0.20's workers are processes."""
    times, parents = {}, {}
    for pid in filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ()):
        try:
            with open(f"/proc/{pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue  # it ended
        parents[int(pid)], times[int(pid)] = int(fields[1]), int(fields[11]) + int(fields[12])
    own = {os.getpid()}
    for _ in range(5):
        own |= {pid for pid, parent in parents.items() if parent in own}
    return sum(times.get(pid, 0) for pid in own) / os.sysconf("SC_CLK_TCK")


def measure(generator_class, folder: str, seconds: float) -> dict:
    """Measure one version. Both versions run this function, so it needs Python 3.8 only."""
    start = time.perf_counter()
    generator = generator_class(cores=2, **SETTINGS)
    batches = generator.flow_from_directory(
        folder, target_size=SIZE, classes=CLASSES, batch_size=32, batch_shape=(32, *SIZE, 3), shuffle=True, seed=1
    )
    batches[0]
    first = time.perf_counter() - start
    samples = 0
    for i in range(1, len(batches)):
        samples += len(batches[i][0])
    first_epoch = samples / (time.perf_counter() - start - first)
    samples, start, cpu = 0, time.perf_counter(), cpu_seconds()
    while time.perf_counter() - start < seconds:
        batches.on_epoch_end()
        samples += sum(len(batches[i][0]) for i in range(len(batches)))
    rate = samples / (time.perf_counter() - start)
    cpu_ms = 1000 * (cpu_seconds() - cpu) / samples
    return {"first_batch_s": first, "first_epoch": first_epoch, "samples_per_s": rate, "cpu_ms": cpu_ms}


def measure_old(folder: str, seconds: float) -> dict:
    """The entry point in the environment of 0.20."""
    from mltk.core.preprocess.image.parallel_generator import ParallelImageDataGenerator

    return measure(ParallelImageDataGenerator, folder, seconds)


def measure_new(folder: str, seconds: float) -> dict:
    from mltk.image.generator import ParallelImageDataGenerator

    return measure(ParallelImageDataGenerator, folder, seconds)


def measure_memory(folder: str, limit_mb: int) -> dict:
    """Read one epoch in this process, which is a child."""
    import resource

    from mltk.image.generator import ParallelImageDataGenerator

    def peak_mb() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # of Linux: kilobytes

    small = ParallelImageDataGenerator(cores=2, **SETTINGS)  # loads what every run needs
    small.flow_from_directory(folder, SIZE, max_samples_per_class=4)[0]
    before, start = peak_mb(), time.perf_counter()
    generator = ParallelImageDataGenerator(cores=2, memory_limit_bytes=limit_mb << 20, **SETTINGS)
    batches = generator.flow_from_directory(folder, SIZE, batch_size=32, seed=1)
    batches[0]
    first = time.perf_counter() - start
    n = sum(len(x) for x, _ in batches)
    seconds = time.perf_counter() - start
    return {"files": n, "first_batch_s": first, "samples_per_s": n / seconds, "before_mb": before, "peak_mb": peak_mb()}


def run_memory(files: int) -> None:
    """Print the largest memory of two processes, one of which reads ten times as many files."""
    peaks = []
    for n in (files // 10, files):
        with tempfile.TemporaryDirectory() as where:
            folder = image_folder(where, min(n, 1000), links=max(0, n // 1000 - 1))
            command = [sys.executable, os.path.abspath(__file__), "--measure-memory", folder]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        peaks.append(found["peak_mb"])
        decoded_mb = found["files"] * SIZE[0] * SIZE[1] * 3 / 2**20
        print(
            f"{found['files']:,} files, {decoded_mb:,.0f} MB decoded: largest memory {found['peak_mb']:,.0f} MB "
            f"({found['before_mb']:,.0f} MB with 8 files); first batch after {found['first_batch_s']:.1f} s, "
            f"{found['samples_per_s']:,.0f} samples/s",
            flush=True,
        )
    print(f"→ {peaks[1] - peaks[0]:,.0f} MB more for ten times as many files (at most {LIMIT_MB} MB of decoded images)")


def run_old(python: str, folder: str, seconds: float) -> dict:
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")
    environment["PYTHONPATH"] = os.environ.get("MLTK_020_PYTHONPATH", "")
    command = [python, os.path.abspath(__file__), "--measure-old", folder, "--seconds", str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"0.20 failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return json.loads(lines[-1])


def show(name: str, found: dict) -> None:
    print(
        f"{name}: {found['samples_per_s']:,.0f} samples/s ({found['first_epoch']:,.0f} in the first epoch), "
        f"first batch after {found['first_batch_s']:.2f} s, {found['cpu_ms']:.2f} ms of processor time a sample"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Speed of the image data generator.")
    parser.add_argument("--old", default=os.environ.get("MLTK_020_PYTHON"))
    parser.add_argument("--measure-old", metavar="FOLDER", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=8)
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--measure-memory", metavar="FOLDER", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure_memory:
        print(json.dumps(measure_memory(args.measure_memory, LIMIT_MB)), flush=True)
        return 0
    if args.files:
        run_memory(args.files)
        return 0
    if args.measure_old:
        print(json.dumps(measure_old(args.measure_old, args.seconds)), flush=True)
        os._exit(0)  # 0.20's processes do not end by themselves
    with tempfile.TemporaryDirectory() as where:
        folder = image_folder(where, 2000)
        parts = [measure_new(folder, args.seconds)]
        old = run_old(args.old, folder, args.seconds * 2) if args.old else None
        parts.append(measure_new(folder, args.seconds))
        new = {name: (parts[0][name] + parts[1][name]) / 2 for name in parts[0]}
        new["first_batch_s"] = parts[0]["first_batch_s"]  # which imports OpenCV
    show("openmltk", new)
    if old:
        show("MLTK 0.20", old)
        ratio = new["samples_per_s"] / old["samples_per_s"]
        cpu = old["cpu_ms"] / new["cpu_ms"]
        print(
            f"→ {ratio:.1f}x (wanted: {WANTED['ratio']}x), first batch wanted: {WANTED['first_batch_s']} s; "
            f"{cpu:.1f}x by processor time, which a busy machine changes less"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
