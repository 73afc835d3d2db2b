"""All C files are strict C99 for GCC and clang, and say at the top what they are."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

import mltk

PACKAGE = Path(mltk.__file__).parent
FOLDERS = [PACKAGE / "device", PACKAGE / "native"]
UNITS = sorted(path for folder in FOLDERS for path in folder.glob("*.c"))
FILES = sorted(path for folder in FOLDERS for ending in ("*.[ch]", "*.inc") for path in folder.glob(ending))
STRICT = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-Wno-psabi"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
@pytest.mark.parametrize("options", [[], ["-DMLTK_PLAIN_C"]], ids=["vectors", "plain"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_it_compiles_without_warnings(compiler: str, options: list[str], unit: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    folders = [f"-I{folder}" for folder in FOLDERS]
    command = [compiler, "-O2", *STRICT, *folders, *options, "-c", str(unit), "-o", "/dev/null"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_it_begins_with_what_it_is_and_its_license(path: Path) -> None:
    header = path.read_text(encoding="utf-8").partition("*/")[0]
    assert header.startswith("/* ")
    assert " * SPDX-License-Identifier: Apache-2.0\n" in header
