"""Listing the models in a tree of 10,000 Python files, compared with reading the same files.

    python benchmarks/list_models.py [--files 10000]

Each side is the best of five rounds in one run, with the files in the cache of the operating system. The first side
reads every file to its end. No listing that looks at the contents can be faster. The second side is
``list_mltk_models()`` as users call it. The script prints both times and their ratio.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable

from mltk.specification.search import list_mltk_models

_TEXT = "import os\n\n\ndef function(argument: int) -> int:\n    return argument + 1\n" * 40


def make_tree(folder: str, files: int) -> None:
    """Write ``files`` files of 3 kB in folders of 50. Every hundredth file is a specification."""
    for i in range(files):
        path = os.path.join(folder, f"a{i // 1000}", f"b{i // 50 % 20}")
        os.makedirs(path, exist_ok=True)
        mark = "# @mltk_model\n" if i % 100 == 0 else ""
        with open(os.path.join(path, f"module_{i}.py"), "w") as stream:
            stream.write(mark + _TEXT)


def read_all(folder: str) -> int:
    """Read every file. Return the number of bytes."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(root, name), "rb", buffering=0) as stream:
                total += len(stream.read())
    return total


def best(function: Callable[[], object], rounds: int = 5) -> float:
    """Return the seconds of the fastest round."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory() as folder:
        make_tree(folder, files)
        os.environ["MLTK_USER_DIR"] = os.path.join(folder, ".user")
        os.environ.pop("MLTK_MODEL_PATHS", None)
        os.chdir(folder)
        found = len(list_mltk_models())
        plain, listing = best(lambda: read_all(folder)), best(list_mltk_models)
        os.chdir("/")
    if found < files // 100:
        sys.exit(f"only {found} models were found")
    print(f"{files:,} files, {found} models listed in {listing:.3f} s; reading them takes {plain:.3f} s")
    print(f"ratio {listing / plain:.2f}")


if __name__ == "__main__":
    main()
