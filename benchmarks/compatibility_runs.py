"""Run a step of ``compatibility.py`` in a process of its own, and keep the results of what passed.

Whatever the process does, the whole run goes on: a crash, a hang and an error become the reason of a step that failed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SOURCES = (
    "src/mltk/**/*.py",
    "src/mltk/**/*.[ch]",
    "benchmarks/compatibility*.py",
    "benchmarks/stand_ins.py",
    "benchmarks/data/*macs.json",
)
PACKAGES = ("tensorflow", "keras", "numpy", "ai-edge-litert")


def run_limited(
    command: list[str],
    log: Path,
    timeout_s: float,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run a command, and end it with all processes that it started if it takes too long.

    Args:
        command: The command.
        log: File for what the command prints.
        timeout_s: Time limit in seconds.
        environment: Environment variables; None for those of this process.
        folder: Current folder of the command.

    Returns:
        Why the command failed; an empty text if it did not fail.
    """
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        try:
            code = process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return f"not finished after {timeout_s:.0f} s; see {log}"
        finally:
            with contextlib.suppress(OSError):  # no process is left
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return f"{_how_it_ended(code)}{_fatal_error(log)}; see {log}" if code else ""


def _how_it_ended(code: int) -> str:
    return f"the process was ended by {signal.Signals(-code).name}" if code < 0 else f"the process ended with {code}"


def _fatal_error(log: Path) -> str:
    """Return the line that Python prints when the process crashes."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    fatal = [line.strip() for line in lines if line.startswith("Fatal Python error")]
    return f": {fatal[-1]}" if fatal else ""


def run_child(function: str, path: Path, environment: dict[str, str], timeout_s: float, log: Path) -> dict[str, Any]:
    """Run a function of ``compatibility_steps`` on one file; return what it reported in the given time."""
    report = log.with_suffix(".jsonl")
    report.unlink(missing_ok=True)
    script = str(HERE / "compatibility.py")
    command = [sys.executable, script, str(path), "--child", function, "--report", str(report)]
    error = run_limited(command, log, timeout_s, environment, log.parent)
    results: dict[str, Any] = {}
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else []:
        with contextlib.suppress(ValueError):  # a line that the process did not finish
            results.update(json.loads(line))
    return {**results, "error": error} if error else results


def checked(check: Callable[[], dict[str, Any]], steps: Iterable[str]) -> dict[str, Any]:
    """Call a check. An error belongs to the first step that has no result."""
    try:
        results = check()
    except Exception as e:  # noqa: BLE001 - one specification shall not stop the others
        traceback.print_exc()
        results = {"error": f"{type(e).__name__}: {e}"}
    missing = [step for step in steps if step not in results]
    failed = any(isinstance(results.get(step), str) for step in steps)
    if missing and (not failed or "error" in results):
        results[missing[0]] = results.pop("error", "it has no result")
    return results


class Kept:
    """Results of an earlier run with the same code, packages and file, of which every step passed.

    Args:
        folder: Folder of the results.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        root = HERE.parent
        digest = hashlib.sha256(f"{sys.version} {[importlib.metadata.version(name) for name in PACKAGES]}".encode())
        for path in sorted({path for pattern in SOURCES for path in root.glob(pattern)}):
            digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
        self.code = digest.hexdigest()

    def results(self, path: Path, check: Callable[[], dict[str, Any]], steps: Iterable[str]) -> dict[str, Any]:
        """Return the kept results of a file, or those of a check now.

        Args:
            path: The specification or the archive.
            check: Returns the results of the steps.
            steps: Names of the steps. If all of them pass, the results are kept.
        """
        kept = self.folder / f"{path.name}.json"
        key = hashlib.sha256(self.code.encode() + path.read_bytes()).hexdigest()
        with contextlib.suppress(OSError, ValueError):
            found = json.loads(kept.read_text(encoding="utf-8"))
            if found.pop("key") == key:
                return {**found, "kept": True}
        results = check()
        if all(isinstance(results.get(step), float) for step in steps):
            unfinished = kept.with_suffix(".new")
            unfinished.write_text(json.dumps({**results, "key": key}), encoding="utf-8")
            unfinished.replace(kept)
        return results
