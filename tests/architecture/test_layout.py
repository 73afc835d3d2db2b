"""The tests mirror the package: ``tests/tflite/test_model.py`` tests ``src/mltk/tflite/model.py``.

A test file that is about a package as a whole, or about one of its topics, stands in the folder of that package.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
PACKAGE = ROOT / "src" / "mltk"
WITHOUT_PACKAGE = ("architecture", "helpers", "typing")
"""Folders without a package of the same name: rules for the source, what several tests share, public types."""
TOPICS = {
    "audio/test_training.py": "training on audio files",
    "audio/frontend/test_errors.py": "errors of the C library, not mltk.errors",
    "image/test_training.py": "training on images",
    "operations/test_emulated.py": "emulated processors in profile and parity",
    "cli/test_streams.py": "recordings of hours on the command line",
    "core/test_archive.py": "archives that MLTK 0.20 has written",
    "core/test_names.py": "the public names of MLTK 0.20",
    "core/test_cli.py": "the command line interface of 0.20 scripts",
}
"""Test files about a topic of their folder that has the name of a module somewhere else."""


def modules(package: Path) -> set[str]:
    """Modules and packages as paths without suffix: ``"tflite/model"``. C sources count as well."""
    files = [p for suffix in ("py", "c") for p in package.rglob(f"*.{suffix}") if p.stem != "__init__"]
    folders = [p.parent for p in package.glob("*/**/__init__.py")]
    return {p.relative_to(package).with_suffix("").as_posix() for p in [*files, *folders]}


def strays(tests: Iterable[Path], known: set[str], folders: set[str]) -> list[str]:
    """Test files, as paths below ``tests/``, that stand in the wrong folder."""
    found = []
    for path in tests:
        folder, name = path.parent, path.stem.removeprefix("test_")
        here = {(folder / name).as_posix(), (folder / f"_{name}").as_posix()}
        elsewhere = name != folder.name and name in {Path(module).name for module in known}
        if folder.as_posix() not in folders or (elsewhere and not here & known):
            found.append(path.as_posix())
    return found


def test_each_test_file_stands_where_its_module_does() -> None:
    tests = [path.relative_to(TESTS) for path in sorted(TESTS.rglob("test_*.py"))]
    checked = [path for path in tests if path.parts[0] not in WITHOUT_PACKAGE and path.as_posix() not in TOPICS]
    folders = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*") if p.is_dir()}
    assert not strays(checked, modules(PACKAGE), {".", *folders})


def test_the_exceptions_are_still_needed() -> None:
    assert [path for path in TOPICS if not (TESTS / path).is_file()] == []


def test_a_stray_is_found() -> None:
    known, folders = {"tflite/model", "data/listing"}, {"tflite", "data"}
    tests = ["tflite/test_model.py", "data/test_model.py", "data/test_odd_names.py", "compat/test_odd_names.py"]
    assert strays(map(Path, tests), known, folders) == ["data/test_model.py", "compat/test_odd_names.py"]
