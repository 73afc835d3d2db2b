"""Paths and folders, for specification scripts."""

from __future__ import annotations

import datetime
import getpass
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from mltk.files import write_file
from mltk.user_settings import read_user_settings, user_dir, user_settings_path


def fullpath(path: str, cwd: str | None = None) -> str:
    """Return an absolute path, with ``~`` and environment variables replaced.

    Args:
        path: The path.
        cwd: Base folder of a relative path; None is the working folder.
    """
    path = os.path.expandvars(os.path.expanduser(path))
    return os.path.abspath(os.path.join(cwd or os.getcwd(), path))


def extension(path: str) -> str:
    """Return the text after the last dot of the file name, in lower case; may be empty."""
    return os.path.splitext(path)[1][1:].lower()


def has_filename(path: str) -> bool:
    """Return whether a path ends in a name with an extension."""
    return bool(os.path.splitext(os.path.basename(path))[1])


def create_dir(path: str) -> str:
    """Make a folder and the folders above it. For the path of a file (a name with an extension), make its folder.

    Returns:
        The path, absolute.
    """
    path = fullpath(path)
    os.makedirs(os.path.dirname(path) if has_filename(path) else path, exist_ok=True)
    return path


def create_user_dir(suffix: str = "", base_dir: str | None = None) -> str:
    """Make the user folder (``MLTK_USER_DIR``, else ``~/.mltk``), or a folder in it.

    Args:
        suffix: Path of a folder in the user folder; empty is the user folder itself.
        base_dir: Folder to use in place of the user folder.

    Returns:
        Path of the folder.
    """
    path = os.path.join(fullpath(base_dir) if base_dir else str(user_dir()), suffix)
    os.makedirs(path, exist_ok=True)
    return path.rstrip(os.sep)


def create_tempdir(subdir: str = "") -> str:
    """Make a folder for temporary files of this user, or a folder in it. Returns its path."""
    path = os.path.join(tempfile.gettempdir(), f"{get_username()}-mltk", subdir)
    os.makedirs(path, exist_ok=True)
    return path.rstrip(os.sep)


def remove_directory(path: str) -> None:
    """Remove a folder and its content, if it exists."""
    if path and os.path.isdir(path):
        shutil.rmtree(path)


def clean_directory(path: str) -> None:
    """Remove the content of a folder, and keep the folder."""
    if not os.path.isdir(path):
        return
    for entry in os.scandir(path):
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            os.unlink(entry.path)


def copy_directory(src: str, dst: str, exclude_dirs: Iterable[str] | None = None) -> None:
    """Copy the content of a folder.

    Args:
        src: The folder.
        dst: Folder to copy to; it is made if necessary.
        exclude_dirs: Names of folders to leave out.
    """
    excluded = set(exclude_dirs or ())

    def ignored(folder: str, entries: list[str]) -> list[str]:
        return [e for e in entries if e in excluded and os.path.isdir(os.path.join(folder, e))]

    shutil.copytree(src, dst, ignore=ignored, dirs_exist_ok=True)


def recursive_listdir(
    base_dir: str,
    followlinks: bool = True,
    regex: str | re.Pattern[str] | Callable[[str], bool] | None = None,
    return_relative_paths: bool = False,
) -> list[str]:
    """Return the paths of all files below a folder, sorted.

    Args:
        base_dir: The folder.
        followlinks: Whether to enter folders that are links.
        regex: Pattern that the whole path must match, or function that must return true for the path. The path is
            relative to ``base_dir``, with ``/`` between its parts.
        return_relative_paths: Whether to return paths relative to ``base_dir``.
    """
    base_dir = fullpath(base_dir)
    keep: Callable[[str], Any]
    if regex is None:
        keep = bool
    elif callable(regex):
        keep = regex
    else:
        keep = re.compile(regex).fullmatch
    found = []
    for root, _, files in _walk(base_dir, followlinks):
        for name in files:
            path = os.path.join(root, name)
            relative = os.path.relpath(path, base_dir).replace(os.sep, "/")
            if keep(relative):
                found.append(relative if return_relative_paths else path)
    return sorted(found)


def walk_with_depth(
    base_dir: str, depth: int = 1, followlinks: bool = True
) -> Iterator[tuple[str, list[str], list[str]]]:
    """Do what :func:`os.walk` does, at most ``depth`` levels down and with sorted names."""
    base_dir = os.fspath(base_dir).rstrip(os.sep) or os.sep
    level = base_dir.count(os.sep)
    for root, folders, files in _walk(base_dir, followlinks):
        yield root, folders, files
        if root.count(os.sep) - level >= depth:
            del folders[:]


def _walk(base_dir: str, followlinks: bool) -> Iterator[tuple[str, list[str], list[str]]]:
    """Do what :func:`os.walk` does, in sorted order. Links to folders above do not lead to endless loops."""
    seen: set[str] = set()
    for root, folders, files in os.walk(base_dir, followlinks=followlinks):
        real = os.path.realpath(root)
        if real in seen:
            del folders[:]
            continue
        seen.add(real)
        folders.sort()
        yield root, folders, sorted(files)


def get_actual_path(path: str) -> str | None:
    """Return a path with the upper and lower case of the disk, found in any case; None if it does not exist."""
    path = fullpath(path)
    if os.path.exists(path) and os.path.normcase("A") == "A":
        return path
    current = os.sep
    for part in path.split(os.sep)[1:]:
        try:
            entries = os.listdir(current)
        except OSError:
            return None
        match = part if part in entries else next((e for e in sorted(entries) if e.lower() == part.lower()), None)
        if match is None:
            return None
        current = os.path.join(current, match)
    return current


def file_is_newer(source_path: str, other_path: str) -> bool:
    """Return whether a file was changed after another file.

    True if only the first file exists, False if the first file does not exist.
    """
    if not os.path.exists(source_path):
        return False
    return not os.path.exists(other_path) or os.path.getmtime(source_path) > os.path.getmtime(other_path)


def file_is_in_use(file_path: str) -> bool:
    """Return whether a file cannot be opened for writing now, for instance because another program uses it."""
    if not os.path.isfile(file_path):
        return False
    try:
        with open(file_path, "ab"):
            return False
    except OSError:
        return True


def set_file_last_modified(file_path: str, dt: datetime.datetime | None = None) -> None:
    """Set the time of the last change of a file; None is now."""
    time = (dt or datetime.datetime.now()).timestamp()
    os.utime(file_path, (time, time))


@contextmanager
def pushd(new_dir: str) -> Iterator[None]:
    """Change the working folder inside a ``with`` block."""
    before = os.getcwd()
    os.chdir(fullpath(new_dir))
    try:
        yield
    finally:
        os.chdir(before)


def get_username() -> str:
    """Return the name of the user; ``"user"`` if the system does not know it."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "user"


def get_user_setting(name: str, default: Any = None) -> Any:
    """Return a value of the user settings file; ``default`` if the file does not have it."""
    return read_user_settings().get(name, default)


def add_user_setting(name: str, value: object) -> None:
    """Set a value in the user settings file. The other values stay.

    Raises:
        SettingError: The file exists and is not valid YAML.
        OutputError: The file cannot be written.
    """
    import yaml

    settings = {**read_user_settings(), name: value}
    path = user_settings_path()
    os.makedirs(path.parent, exist_ok=True)
    write_file(path, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))
