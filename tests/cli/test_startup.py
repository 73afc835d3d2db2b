"""What a command does not need, it does not import: TensorFlow alone takes five seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import toy
from mltk.cli.main import COMMANDS
from mltk.specification.archive_file import ArchiveReader

HEAVY = {"tensorflow", "keras", "sklearn", "matplotlib", "scipy", "h5py", "jax", "torch", "pandas", "IPython"}
RUN = """
import json, sys
from mltk.cli.main import main
code = 0
try:
    main(sys.argv[1:])
except SystemExit as e:
    code = e.code or 0
sys.stdout.flush()
print(json.dumps({"code": code, "modules": sorted(m.split(".")[0] for m in sys.modules)}), file=sys.stderr)
"""


def modules_of(*words: str, cwd: Path) -> set[str]:
    """Names of the packages that a command has imported when it ends, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        cwd=cwd,
        env=toy.environment(cwd / "user"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["code"] == 0, done.stderr
    return set(found["modules"])


@pytest.fixture
def tflite(trained: Path) -> Path:
    """Folder with ``model.tflite`` and the archive it is from."""
    with ArchiveReader(trained.parent / "toy_spec.mltk.zip") as reader:
        (trained.parent / "model.tflite").write_bytes(reader.read("toy_spec.tflite"))
    return trained.parent


def test_help_imports_next_to_nothing(tmp_path):
    assert not modules_of("--help", cwd=tmp_path) & {*HEAVY, "numpy", "typer", "rich", "yaml", "ai_edge_litert"}


@pytest.mark.parametrize(
    "words",
    [
        ("summarize", "model.tflite"),
        ("update_params", "model.tflite", "a=1"),
        ("summarize", "toy_spec.mltk.zip"),
        ("summarize", "toy_spec"),
        ("summarize", "toy_spec", "--tflite"),
        ("update_params", "toy_spec", "a=1"),
        ("list",),
    ],
    ids=" ".join,
)
def test_what_is_asked_of_files_imports_no_tensorflow(tflite, words):
    assert not modules_of(*words, cwd=tflite) & HEAVY


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_commands_imports_nothing_heavy(command, tmp_path):
    assert not modules_of(command, "--help", cwd=tmp_path) & {*HEAVY, "numpy"}


def test_import_of_the_package_is_cheap(tmp_path):
    code = "import sys, mltk; print(sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert not set(eval(done.stdout)) & {*HEAVY, "numpy"}
