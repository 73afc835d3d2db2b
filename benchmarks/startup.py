"""Processor seconds of short commands, in this source tree and in an earlier one.

    git worktree add /tmp/before COMMIT
    python benchmarks/startup.py model.tflite --before /tmp/before/src

Both sides run in turn, each command in a separate process. The smallest figure is the least disturbed one.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parents[1] / "src"


def processor_seconds(source: str, words: list[str], user: str) -> float:
    """Run ``mltk`` from a source tree once."""
    environment = {**os.environ, "PYTHONPATH": source, "MLTK_USER_DIR": user}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "mltk.cli.main", *words]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True, cwd=user)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print the smallest and the median figure of each command and side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=os.path.abspath, help="a .tflite")
    parser.add_argument("--before", type=os.path.abspath, help="folder src of another state of the project")
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    sides = {"now": str(HERE), **({"before": options.before} if options.before else {})}
    with tempfile.TemporaryDirectory() as user:
        for words in (["--help"], ["summarize", options.model], ["profile", options.model]):
            seconds: dict[str, list[float]] = {side: [] for side in sides}
            for i in range(options.rounds):
                for side in sorted(sides, reverse=bool(i % 2)):
                    seconds[side].append(processor_seconds(sides[side], words, user))
            figures = {side: (min(s), statistics.median(s)) for side, s in seconds.items()}
            text = ", ".join(f"{side} {a * 1000:.0f} ms (median {b * 1000:.0f})" for side, (a, b) in figures.items())
            ratio = ""
            if len(figures) == 2:
                ratio = f"; now / before {figures['now'][0] / figures['before'][0]:.3f}"
                ratio += f" (median {figures['now'][1] / figures['before'][1]:.3f})"
            print(f"mltk {words[0]:10} {text}{ratio}", flush=True)


if __name__ == "__main__":
    main()
