"""The files of a dataset: a folder of class folders, a dict, or a list; with ``_unknown_`` and ``_silence_`` classes.

::

    dataset/yes/a.wav
    dataset/yes/b.wav
    dataset/no/more/c.wav
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mltk.data.splitting import (
    Split,
    check_split,
    guess_groups,
    hash_order,
    select_groups,
    split_file_list,
)
from mltk.errors import DatasetError, did_you_mean

UNKNOWN_CLASS = "_unknown_"
"""Class of samples drawn from the classes that the model doesn't have."""
SILENCE_CLASS = "_silence_"
"""Class of samples without a file: silence, to which noise may be added."""

GroupBy = str | Callable[[str], str] | None
"""``"auto"`` guesses the speaker from file names; a function gives it for a path; None doesn't group."""

logger = logging.getLogger("mltk")


def list_class_folder(
    directory: str, name: str, formats: Sequence[str], follow_links: bool = False
) -> tuple[list[str], list[str]]:
    """Files below ``directory/name``, as sorted paths relative to ``directory``, and those that are empty.

    Args:
        directory: of the dataset.
        name: of the class and its folder.
        formats: file name extensions that count, such as ``".wav"``; ``""`` is any.
        follow_links: go into folders that are symbolic links.
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
            except OSError:  # a link to nothing
                empty.append(relative)
    return sorted(found), sorted(empty)


def class_folders(directory: str) -> list[str]:
    """Names of the class folders, without hidden ones and those that start with an underscore."""
    with os.scandir(directory) as entries:
        return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith((".", "_")))


def check_directory(directory: str) -> str:
    """The absolute path of a dataset's folder. Raises DatasetError if there is none, or nothing in it."""
    path = os.path.abspath(os.path.expanduser(os.fspath(directory)))
    if not os.path.isdir(path):
        raise DatasetError(f"The dataset folder {path} does not exist.")
    if not os.listdir(path):
        raise DatasetError(
            f"The dataset folder {path} is empty.", hint="It should hold one folder of samples for each class."
        )
    return path


@dataclass
class SampleList:
    """What a dataset is made of, in the order of classes, then of names."""

    directory: str
    """What :attr:`names` are relative to; may be empty."""
    classes: list[str]
    names: list[str | None] = field(default_factory=list)
    """A path for each sample; None for silence."""
    labels: list[int] = field(default_factory=list)
    pool: list[str] = field(default_factory=list)
    """All that the samples of the unknown class are chosen from."""
    skipped: list[str] = field(default_factory=list)
    """Files that are empty."""

    def counts(self) -> dict[str, int]:
        """Class → number of samples."""
        found = Counter(self.labels)
        return {name: found.get(i, 0) for i, name in enumerate(self.classes)}

    def paths(self) -> list[str | None]:
        """Absolute paths, None for silence."""
        return [None if name is None else os.path.join(self.directory, name) for name in self.names]


Source = Any
"""A folder, a dict ``{class: folder or paths}``, or a list of ``(path, class)`` or of ``…/class/file`` paths."""


class SampleFiles:
    """The files of each class that a source has, before anything is chosen from them."""

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
                f"Samples can't be listed from {type(source).__name__}.",
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
        """Classes that there are samples of."""
        return class_folders(self.directory) if self._given is None else sorted(self._given)

    def has(self, name: str) -> bool:
        """Whether there is a class of that name."""
        return os.path.isdir(os.path.join(self.directory, name)) if self._given is None else name in self._given

    def files(self, name: str) -> list[str]:
        """Files of one class. Raises DatasetError if there are none."""
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
                f"({', '.join(self.formats)}{', empty files apart' if self.skipped else ''})."
            )
        return found


def split_by_group(files: dict[str, list[str]], share: float, group_by: GroupBy) -> set[str] | None:
    """Of all files, those to validate with: whole groups (speakers) of about ``share`` together; None without groups.

    Args:
        files: class → paths.
        share: of the files, 0 to 1.
        group_by: how the group of a file is known.
    """
    flat = [(path, name) for name, paths in files.items() for path in paths]
    if group_by is None:
        return None
    if callable(group_by):
        groups: list[str] | None = [str(group_by(path)) for path, _ in flat]
    elif group_by == "auto":
        groups = guess_groups(flat)
    else:
        raise DatasetError(f"group_by is {group_by!r}.", hint='It can be "auto", a function(path), or None.')
    if groups is None or len(set(groups)) < 2:
        return None
    chosen = select_groups(dict(Counter(groups)), share)
    return {path for (path, _), group in zip(flat, groups, strict=True) if group in chosen}


def choose_split(files: dict[str, list[str]], split: Split | None, group_by: GroupBy) -> dict[str, list[str]]:
    """The part of each class from share ``split[0]`` to ``split[1]``, whole speakers where they are known.

    Speakers are divided if the split begins at 0 or ends at 1, which validation and training do.
    """
    start, stop = check_split(split)
    if (start, stop) == (0.0, 1.0):
        return files
    if start == 0 or stop == 1:
        held_out = split_by_group(files, stop if start == 0 else start, group_by)
        if held_out is not None:
            return {n: [p for p in paths if (p in held_out) == (start == 0)] for n, paths in files.items()}
    return {n: split_file_list(paths, (start, stop)) for n, paths in files.items()}


def number_of_extra(counts: Iterable[int], share: float | None) -> int:
    """Samples of ``_unknown_`` or ``_silence_``: a share of the mean size of the other classes."""
    sizes = list(counts)
    return round(float(share) * float(np.mean(sizes))) if share and sizes else 0


def spread(files: dict[str, list[str]], n: int, seed: int = 0) -> list[str]:
    """``n`` of the files, as evenly from the classes as they allow, in an order that looks random."""
    queues = [hash_order(paths, seed) for _, paths in sorted(files.items())]
    chosen: list[str] = []
    turn = 0
    while len(chosen) < n and any(turn < len(q) for q in queues):
        chosen += [q[turn] for q in queues if turn < len(q)]
        turn += 1
    return chosen[:n]


@dataclass
class ListingOptions:
    """How samples are chosen; the arguments of :func:`list_samples`."""

    formats: Sequence[str]
    unknown_share: float | None = 1.0
    silence_share: float | None = 1.0
    unknown_label: str | None = UNKNOWN_CLASS
    silence_label: str | None = SILENCE_CLASS
    split: Split | None = None
    group_by: GroupBy = "auto"
    max_samples_per_class: int = -1
    follow_links: bool = False
    list_function: Callable | None = None
    """0.20's ``list_valid_filenames_in_directory_function``; it does the splitting itself."""
    process_function: Callable | None = None
    """0.20's ``process_samples_function``: changes the dict of class → paths."""
    shuffle_files: bool = False
    """Choose from the files in an order that looks random, in place of that of their names."""
    shuffle_index_directory: str | None = None
    seed: int = 0


def list_samples(source: Source, classes: Sequence[str], options: ListingOptions) -> SampleList:
    """Choose the samples of a dataset.

    Raises:
        DatasetError: the folder is missing or empty, a class is missing or has no samples, or the split leaves none.
    """
    available = SampleFiles(source, options.formats, options.follow_links)
    made = {n for n in (options.unknown_label, options.silence_label) if n in classes and not available.has(str(n))}
    real = [name for name in classes if name not in made]
    others = []
    if options.unknown_label in made:
        others = [name for name in available.names() if name not in classes]
    files = _chosen_files(available, [*real, *others], options, optional=set(others))
    result = SampleList(available.directory, list(classes), skipped=available.skipped)
    limit = options.max_samples_per_class
    sizes = []
    chosen: dict[str, list[str | None]] = {}
    for name in real:
        found: list[str | None] = [*(hash_order(files[name], options.seed) if options.shuffle_files else files[name])]
        chosen[name] = found[:limit] if limit > 0 else found
        sizes.append(len(chosen[name]))
    if options.unknown_label in made:
        pool = {name: files[name] for name in others}
        n = number_of_extra(sizes, options.unknown_share) if sizes else sum(map(len, pool.values()))
        n = min(n, limit) if limit > 0 else n
        chosen[str(options.unknown_label)] = [*sorted(spread(pool, n, options.seed))]
        result.pool = [path for name in others for path in pool[name]]
    if options.silence_label in made:
        n = number_of_extra(sizes, options.silence_share)
        chosen[str(options.silence_label)] = [None] * (min(n, limit) if limit > 0 else n)
    for label, name in enumerate(classes):
        result.names += chosen[name]
        result.labels += [label] * len(chosen[name])
    if not result.names:
        raise DatasetError(f"No samples are left of {available.directory or 'the dataset'} by split {options.split}.")
    if result.skipped:
        named = ", ".join(result.skipped[:5]) + (" …" if len(result.skipped) > 5 else "")
        logger.warning("%d files are empty or missing and are left out: %s", len(result.skipped), named)
    return result


def _chosen_files(
    available: SampleFiles, names: list[str], options: ListingOptions, optional: set[str]
) -> dict[str, list[str]]:
    """Class → files of the split."""
    files: dict[str, list[str]] = {}
    for name in names:
        if options.list_function is not None:
            _, found = options.list_function(
                base_directory=available.directory,
                search_class=name,
                white_list_formats=list(options.formats),
                split=options.split,
                follow_links=options.follow_links,
                shuffle_index_directory=options.shuffle_index_directory,
            )
            files[name] = list(found)
        elif name in optional:
            try:
                files[name] = available.files(name)
            except DatasetError:  # a folder of something else
                files[name] = []
        else:
            files[name] = available.files(name)
    if options.process_function is not None:
        options.process_function(
            available.directory,
            files,
            split=options.split,
            follow_links=options.follow_links,
            white_list_formats=list(options.formats),
            shuffle=options.shuffle_files,
            seed=options.seed,
        )
    return files if options.list_function is not None else choose_split(files, options.split, options.group_by)
