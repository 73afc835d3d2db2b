"""The files of each class of a dataset: from a folder of class folders, a dict or a list.

::

    dataset/yes/a.wav
    dataset/yes/b.wav
    dataset/no/more/c.wav
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mltk.errors import DatasetError, did_you_mean

Source = Any
"""A folder, a dict ``{class: folder or paths}``, or a list of ``(path, class)`` or of ``…/class/file`` paths."""


def list_class_folder(
    directory: str, name: str, formats: Sequence[str], follow_links: bool = False
) -> tuple[list[str], list[str]]:
    """List the files below ``directory/name``.

    Args:
        directory: Folder of the dataset.
        name: Name of the class, which is the name of its folder.
        formats: File name extensions to list, for example ``".wav"``; ``""`` is any extension.
        follow_links: Whether to enter folders that are symbolic links.

    Returns:
        The files and the empty files, both as sorted paths relative to ``directory``.
    """
    wanted = tuple(f.lower() if f.startswith(".") or not f else f".{f.lower()}" for f in formats)
    found: list[str] = []
    empty: list[str] = []
    base = os.path.join(directory, name)
    for folder, folders, files in os.walk(base, followlinks=follow_links):
        folders.sort()
        for file in files:
            if file.startswith(".") or not file.lower().endswith(wanted):
                continue
            path = os.path.join(folder, file)
            relative = os.path.relpath(path, directory).replace(os.sep, "/")
            try:
                (found if os.path.getsize(path) else empty).append(relative)
            except OSError:  # a broken link
                empty.append(relative)
    return sorted(found), sorted(empty)


def class_folders(directory: str) -> list[str]:
    """Return the sorted names of the class folders; names that start with a dot or an underscore are left out."""
    with os.scandir(directory) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith((".", "_")))


def check_directory(directory: str) -> str:
    """Return the absolute path of a dataset folder.

    Raises:
        DatasetError: The folder does not exist or is empty.
    """
    path = os.path.abspath(os.path.expanduser(os.fspath(directory)))
    if not os.path.isdir(path):
        raise DatasetError(f"The dataset folder {path} does not exist.")
    if not os.listdir(path):
        raise DatasetError(
            f"The dataset folder {path} is empty.", hint="It should hold one folder of samples for each class."
        )
    return path


class ClassFiles:
    """The files of each class of a source, before any file is chosen.

    Args:
        source: Folder of class folders, dict ``{class: folder or paths}``, or list of files; see :data:`Source`.
        formats: File name extensions to list.
        follow_links: Whether to enter folders that are symbolic links.

    Attributes:
        directory: Folder that the paths are relative to; ``""`` if the source is not a folder.
        skipped: Files that were left out because they are empty or missing.

    Raises:
        DatasetError: The folder is missing or empty, or the source lists no files.
    """

    def __init__(self, source: Source, formats: Sequence[str], follow_links: bool = False) -> None:
        self.formats, self.follow_links = formats, follow_links
        self.directory = ""
        self.skipped: list[str] = []
        self._given: dict[str, list[str]] | None = None
        if isinstance(source, (str, os.PathLike)):
            self.directory = check_directory(os.fspath(source))
        elif isinstance(source, Mapping):
            self._given = {str(name): self._expand(paths) for name, paths in source.items()}
        elif isinstance(source, Iterable):
            self._given = self._from_list(list(source))
        else:
            raise DatasetError(
                f"Cannot list samples from {type(source).__name__}.",
                hint="A dataset is a folder of class folders, a dict {class: paths} or a list of (path, class).",
            )
        if self._given is not None and not any(self._given.values()):
            raise DatasetError("The dataset is empty: it lists no files.")

    def _expand(self, paths: Any) -> list[str]:
        if isinstance(paths, (str, os.PathLike)):
            folder = check_directory(os.fspath(paths))
            found, empty = list_class_folder(folder, "", self.formats, self.follow_links)
            self.skipped += [os.path.join(folder, name) for name in empty]
            return [os.path.join(folder, name) for name in found]
        return self._without_empty([os.fspath(path) for path in paths])

    def _without_empty(self, paths: list[str]) -> list[str]:
        kept = []
        for path in paths:
            if os.path.isfile(path) and os.path.getsize(path):
                kept.append(path)
            else:
                self.skipped.append(path)
        return sorted(kept)

    def _from_list(self, items: list[Any]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for item in items:
            if isinstance(item, (tuple, list)) and len(item) == 2:
                path, name = os.fspath(item[0]), str(item[1])
            else:
                path = os.fspath(item)
                name = os.path.basename(os.path.dirname(path))
            found.setdefault(name, []).append(path)
        return {name: self._without_empty(paths) for name, paths in found.items()}

    def names(self) -> list[str]:
        """Return the sorted names of the classes that the source has."""
        return class_folders(self.directory) if self._given is None else sorted(self._given)

    def has(self, name: str) -> bool:
        """Return whether the source has a class of that name."""
        return os.path.isdir(os.path.join(self.directory, name)) if self._given is None else name in self._given

    def files(self, name: str) -> list[str]:
        """Return the sorted files of one class.

        Raises:
            DatasetError: The class does not exist or has no files.
        """
        if not self.has(name):
            known = self.names()
            raise DatasetError(
                f"There is no class {name!r} in {self.directory or 'the dataset'}.",
                hint=f"{did_you_mean(name, known)} It has: {', '.join(known[:20]) or 'none'}.".strip(),
            )
        if self._given is not None:
            found = self._given[name]
        else:
            found, empty = list_class_folder(self.directory, name, self.formats, self.follow_links)
            self.skipped += empty
        if not found:
            raise DatasetError(
                f"Class {name!r} of {self.directory or 'the dataset'} has no samples "
                f"({', '.join(self.formats)}{', not counting empty files' if self.skipped else ''})."
            )
        return found
