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

from mltk.data.walk import FoundFile, LeftOut, composed, existing_path, walk_files
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
    left_out = LeftOut()
    found = walk_files(directory, name, formats, follow_links, left_out)
    return [file.path for file in found], sorted(left_out.empty)


def class_folders(directory: str) -> list[str]:
    """Return the sorted names of the class folders; names that start with a dot or an underscore are left out."""
    with os.scandir(directory) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith((".", "_")))


def check_directory(directory: str) -> str:
    """Return the absolute path of a dataset folder.

    Raises:
        DatasetError: The folder does not exist or is empty.
    """
    path = existing_path(os.path.abspath(os.path.expanduser(os.fspath(directory))))
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
        left_out: What was left out.

    Raises:
        DatasetError: The folder is missing or empty, or the source lists no files.
    """

    def __init__(self, source: Source, formats: Sequence[str], follow_links: bool = False) -> None:
        self.formats, self.follow_links = formats, follow_links
        self.directory = ""
        self.left_out = LeftOut()
        self._given: dict[str, list[FoundFile]] | None = None
        self._folders: dict[str, list[str]] = {}
        if isinstance(source, (str, os.PathLike)):
            self.directory = check_directory(os.fspath(source))
            for name in class_folders(self.directory):
                self._folders.setdefault(composed(name), []).append(name)
        elif isinstance(source, Mapping):
            self._given = {}
            for name, paths in source.items():
                self._given.setdefault(composed(str(name)), []).extend(self._expand(paths))
        elif isinstance(source, Iterable):
            self._given = self._from_list(list(source))
        else:
            raise DatasetError(
                f"Cannot list samples from {type(source).__name__}.",
                hint="A dataset is a folder of class folders, a dict {class: paths} or a list of (path, class).",
            )
        if self._given is not None and not any(self._given.values()):
            raise DatasetError("The dataset is empty: it lists no files.")

    def _expand(self, paths: Any) -> list[FoundFile]:
        if isinstance(paths, (str, os.PathLike)):
            folder, left_out = check_directory(os.fspath(paths)), LeftOut()
            found = walk_files(folder, "", self.formats, self.follow_links, left_out)
            self.left_out.add(left_out, folder)
            return [file._replace(path=os.path.join(folder, file.path)) for file in found]
        return self._without_empty([os.fspath(path) for path in paths])

    def _without_empty(self, paths: list[str]) -> list[FoundFile]:
        kept = []
        for path in map(existing_path, paths):
            if os.path.isfile(path) and os.path.getsize(path):
                kept.append(FoundFile(path, os.path.realpath(path), by_link=False))
            else:
                self.left_out.empty.append(path)
        return sorted(kept)

    def _from_list(self, items: list[Any]) -> dict[str, list[FoundFile]]:
        found: dict[str, list[str]] = {}
        for item in items:
            if isinstance(item, (tuple, list)) and len(item) == 2:
                path, name = os.fspath(item[0]), str(item[1])
            else:
                path = os.fspath(item)
                name = os.path.basename(os.path.dirname(path))
            found.setdefault(composed(name), []).append(path)
        return {name: self._without_empty(paths) for name, paths in found.items()}

    def names(self) -> list[str]:
        """Return the sorted names of the classes that the source has."""
        return sorted(self._folders if self._given is None else self._given)

    def has(self, name: str) -> bool:
        """Return whether the source has a class of that name, however the name is composed."""
        if self._given is not None:
            return composed(name) in self._given
        return composed(name) in self._folders or os.path.isdir(self._path(name))

    def _path(self, name: str) -> str:
        return existing_path(os.path.join(self.directory, name))

    def files(self, name: str) -> list[str]:
        """Return the sorted files of one class; raises as :meth:`of_classes`."""
        return self.of_classes([name])[name]

    def of_classes(self, named: Sequence[str], others: Sequence[str] = ()) -> dict[str, list[str]]:
        """Return the sorted files of each class. A file that links lead to belongs to one class only.

        It belongs to the class in whose folder it lies, or else to the first class with a link to it. The classes of
        ``others`` come last.

        Args:
            named: Classes that must exist and have files.
            others: Classes that may have no files.

        Raises:
            DatasetError: A class of ``named`` does not exist or has no files.
        """
        found = {name: self._found(name) for name in [*named, *others]}
        owner: dict[str, tuple[str, bool]] = {}
        for names in (named, others):
            for by_link in (False, True):
                for name in names:
                    for file in found[name]:
                        if file.by_link == by_link:
                            owner.setdefault(file.real, (name, by_link))
        files: dict[str, list[str]] = {}
        for name, listed in found.items():
            files[name] = []
            for file in listed:
                first, by_link = owner[file.real]
                if first == name or not (by_link or file.by_link):
                    files[name].append(file.path)
                else:
                    self.left_out.repeated.append(file.path)
        for name in named:
            if not files[name]:
                raise self._no_samples(name, {owner[file.real][0] for file in found[name]} - {name})
        return files

    def _no_samples(self, name: str, owners: set[str]) -> DatasetError:
        where = self.directory or "the dataset"
        if owners:
            return DatasetError(
                f"All files of class {name!r} of {where} are files of {', '.join(map(repr, sorted(owners)))} too: "
                "links lead from one folder to the other.",
                hint="Remove the links, so that each file has one class.",
            )
        empty = ", not counting empty files" if self.left_out.empty else ""
        reasons = " ".join(self.left_out.reports(self.formats))
        return DatasetError(
            f"Class {name!r} of {where} has no samples ({', '.join(self.formats)}{empty}).", hint=reasons or None
        )

    def _found(self, name: str) -> list[FoundFile]:
        """Return the files of one class; raises DatasetError if there is not a class of this name."""
        if not self.has(name):
            known = self.names()
            raise DatasetError(
                f"There is no class {name!r} in {self.directory or 'the dataset'}.",
                hint=f"{did_you_mean(name, known)} It has: {', '.join(known[:20]) or 'none'}.".strip(),
            )
        if self._given is not None:
            return self._given[composed(name)]
        folders = self._folders.get(composed(name)) or [os.path.relpath(self._path(name), self.directory)]
        walks = [
            walk_files(self.directory, folder, self.formats, self.follow_links, self.left_out) for folder in folders
        ]
        return sorted(file for found in walks for file in found)
