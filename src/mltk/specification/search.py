"""Finding models by name on the model search path, without importing anything."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mltk.errors import ModelNotFoundError, did_you_mean
from mltk.specification import names
from mltk.user_settings import read_user_settings

# In a comment, or at the beginning of a line of the docstring; not in a string, as in this package's own code.
_MARK = re.compile(rb"""(?m)^(?:[ \t]*|[^"'\n]*#[^"'\n]*)@mltk_model\b""")
_MARK_TEXT = b"@mltk_model"
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist"}


def model_search_path() -> list[str]:
    """Folders that models are looked for in, in this order.

    ``model_paths`` of the user settings file, the current folder, the folders of environment variable
    ``MLTK_MODEL_PATHS`` (separated as in ``PATH``), the package's own models.
    """
    listed = read_user_settings().get("model_paths") or []
    folders = [listed] if isinstance(listed, str) else [str(p) for p in listed]
    folders.append(os.getcwd())
    folders += [p for p in os.environ.get("MLTK_MODEL_PATHS", "").split(os.pathsep) if p]
    folders.append(str(Path(__file__).resolve().parent.parent / "models"))
    unique: list[str] = []
    for folder in folders:
        folder = os.path.abspath(os.path.expanduser(folder))
        if os.path.isdir(folder) and folder not in unique:
            unique.append(folder)
    return unique


def _iter_files(folder: str) -> Iterator[os.DirEntry[str]]:
    """Python files and archives below ``folder``, nearest first; hidden folders and environments are left out."""
    level = [folder]
    visited: set[tuple[int, int]] = set()
    while level:
        below: list[str] = []
        for current in level:
            try:
                with os.scandir(current) as entries:
                    found = sorted(entries, key=lambda e: e.name)
            except OSError:
                continue
            if any(e.name == "pyvenv.cfg" for e in found):
                continue
            for entry in found:
                if entry.name.endswith((".py", names.ARCHIVE_EXTENSION)):
                    yield entry
                elif not entry.name.startswith(".") and entry.name not in _SKIPPED and _is_new_dir(entry, visited):
                    below.append(entry.path)
        level = below


def _is_new_dir(entry: os.DirEntry[str], visited: set[tuple[int, int]]) -> bool:
    """Whether ``entry`` is a folder not seen yet; a link may lead back up."""
    try:
        if not entry.is_dir():
            return False
        if entry.is_symlink():
            status = entry.stat()
            key = (status.st_dev, status.st_ino)
            if key in visited:
                return False
            visited.add(key)
    except OSError:
        return False
    return True


def _is_marked(path: str) -> bool:
    """Whether a Python file's text holds ``@mltk_model``."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        blocks = []
        while block := os.read(fd, 1 << 16):  # specifications are small: one read takes the whole of nearly every file
            blocks.append(block)
        text = b"".join(blocks)
        return _MARK_TEXT in text and _MARK.search(text) is not None
    except OSError:
        return False
    finally:
        os.close(fd)


def iter_model_files() -> Iterator[tuple[str, str]]:
    """``(name, path)`` of every specification and archive on the search path, earlier folders first."""
    seen: set[str] = set()
    for folder in model_search_path():
        for entry in _iter_files(folder):
            if entry.path in seen:
                continue
            seen.add(entry.path)
            if entry.name.endswith(".py"):
                if _is_marked(entry.path):
                    yield entry.name[:-3], entry.path
            else:
                yield entry.name, entry.path


def list_mltk_models(test: bool = False, for_utests: bool = False, logger: object = None) -> list[str]:
    """Names of the models on the search path: specifications whose text holds ``@mltk_model``, and archives.

    Nothing is imported.

    Args:
        test: give the names with ``-test`` appended, which mean a dry run.
        for_utests: For compatibility with MLTK 0.20; ignored.
        logger: For compatibility with MLTK 0.20; ignored.
    """
    found: list[str] = []
    for name, path in iter_model_files():
        if path.endswith(names.ARCHIVE_EXTENSION):
            continue
        name = f"{name}{names.TEST_SUFFIX}" if test else name
        if name not in found:
            found.append(name)
    return found


def find_model(name: str) -> str:
    """Path of the specification called ``name``, else of its archive.

    A file of that name in the current folder needs no ``@mltk_model``.

    Raises:
        ModelNotFoundError: there is none; names the nearest that there are.
    """
    base = name.removesuffix(names.TEST_SUFFIX)
    for folder in model_search_path():
        for candidate in (f"{base}.py", f"{name}{names.ARCHIVE_EXTENSION}", f"{base}{names.ARCHIVE_EXTENSION}"):
            path = os.path.join(folder, candidate)
            if os.path.isfile(path) and (folder == os.getcwd() or not candidate.endswith(".py") or _is_marked(path)):
                return path
    archive = None
    for folder in model_search_path():
        for entry in _iter_files(folder):
            if entry.name == f"{base}.py" and _is_marked(entry.path):
                return entry.path
            if archive is None and entry.name == f"{base}{names.ARCHIVE_EXTENSION}":
                archive = entry.path
    if archive:
        return archive
    near = did_you_mean(base, list_mltk_models())
    raise ModelNotFoundError(
        f"There is no model {base!r} on the model search path.",
        hint=(near + "\n" if near else "")
        + "A model is a Python file with '# @mltk_model' in it, in one of:\n  "
        + "\n  ".join(model_search_path()),
    )
