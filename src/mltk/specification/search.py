"""Find models by name on the model search path, without importing them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from mltk.errors import ModelNotFoundError, did_you_mean
from mltk.specification import names
from mltk.user_settings import read_user_settings

# In a comment, or at the start of a line of the docstring; but not in a string, as in this package's own code.
_MARK = re.compile(rb"""(?m)^(?:[ \t]*|[^"'\n]*#[^"'\n]*)@mltk_model\b""")
_MARK_TEXT = b"@mltk_model"
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist"}


def model_search_path() -> list[str]:
    """Return the folders of the model search path, in the order of the search.

    These are ``model_paths`` of the user settings file, the current folder, the folders of the environment variable
    ``MLTK_MODEL_PATHS`` (separated as in ``PATH``), and the package's own models.
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
    """Yield Python files and archives below a folder, the nearest first. Skips hidden folders and environments."""
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
    """Whether an entry is a folder that was not visited. A link can lead to a folder above."""
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
    """Whether the text of a Python file has the mark ``@mltk_model``."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    try:
        blocks = []
        while block := os.read(fd, 1 << 16):  # nearly every file is read at once
            blocks.append(block)
        text = b"".join(blocks)
        return _MARK_TEXT in text and _MARK.search(text) is not None
    except OSError:
        return False
    finally:
        os.close(fd)


def iter_model_files() -> Iterator[tuple[str, str]]:
    """Yield ``(name, path)`` of each specification and archive on the search path, in the order of the search."""
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
    """Return the names of the models on the search path: specifications with the mark ``@mltk_model``.

    The specifications are not imported.

    Args:
        test: Append ``-test`` to the names, which means a dry run.
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
    """Return the path of the specification of a name; if there is none, of the archive.

    A specification in the current folder needs no mark ``@mltk_model``.

    Raises:
        ModelNotFoundError: There is no such model; the hint names the nearest names.
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
        + "A model is a Python file with the comment '# @mltk_model', in one of:\n  "
        + "\n  ".join(model_search_path()),
    )
