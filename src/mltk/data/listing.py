"""Choose the samples of a dataset: which files, of which class, in which order.

Two classes can be made instead of read from a folder: the unknown class is drawn from the classes that the model does
not have, and the samples of the empty class have no file (silence, for audio).
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mltk.data.class_files import ClassFiles, Source
from mltk.data.splitting import Files, GroupBy, Split, choose_split, hash_order
from mltk.data.walk import composed
from mltk.errors import DatasetError

Chosen = dict[str, Sequence[str | None]]
"""Chosen samples of each class; None is a sample without a file."""

UNKNOWN_CLASS = "_unknown_"
"""Class whose samples are drawn from the classes that the model does not have."""

logger = logging.getLogger("mltk")


def say_once(text: str, said: set[str]) -> None:
    """Log a warning, and add it to ``said``, unless it is there already."""
    if text not in said:
        said.add(text)
        logger.warning("%s", text)


@dataclass
class SampleList:
    """The samples of a dataset, in the order of classes, then of names.

    Attributes:
        directory: Folder that :attr:`names` are relative to; may be empty.
        classes: Names of the classes.
        names: Path of each sample; None for a sample of the empty class.
        labels: Class index of each sample.
        pool: All files that samples of the unknown class can be drawn from.
        skipped: Files that were left out because they are empty or missing.
        added: Number of the last samples, which are not from the dataset.
    """

    directory: str
    classes: list[str]
    names: list[str | None] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    pool: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    added: int = 0

    def counts(self) -> dict[str, int]:
        """Return the number of samples of each class."""
        found = Counter(self.labels)
        return {name: found.get(i, 0) for i, name in enumerate(self.classes)}

    def paths(self) -> list[str | None]:
        """Return the absolute paths; None for a sample of the empty class."""
        return [None if name is None else os.path.join(self.directory, name) for name in self.names]


@dataclass
class ListingOptions:
    """How :func:`list_samples` chooses samples.

    Attributes:
        formats: File name extensions to list.
        unknown_label: Name of the unknown class.
        unknown_share: Size of the unknown class, as a share of the mean size of the other classes; None is 0.
        empty_label: Name of the class whose samples have no file; None if there is none.
        empty_share: Size of the empty class, as a share of the mean size of the other classes; None is 0.
        split: Part of the files to choose from, ``(start, stop)`` as shares from 0 to 1; None is all.
        group_by: How to tell the groups that a split keeps whole; see :data:`~mltk.data.splitting.GroupBy`.
        max_samples_per_class: Most samples of a class; -1 is all.
        follow_links: Whether to enter folders that are symbolic links.
        list_function: ``list_valid_filenames_in_directory_function`` of MLTK 0.20. It lists and splits the files.
        process_function: ``process_samples_function`` of MLTK 0.20. It changes the dict of class → paths.
        shuffle_files: Whether to choose files in an order that looks random, instead of the order of names.
        shuffle_index_directory: Passed to ``list_function``.
        seed: Seed of the orders that look random.
        said: What was said about this dataset already. It is not said again.
    """

    formats: Sequence[str]
    unknown_label: str | None = UNKNOWN_CLASS
    unknown_share: float | None = 1.0
    empty_label: str | None = None
    empty_share: float | None = 1.0
    split: Split | None = None
    group_by: GroupBy = None
    max_samples_per_class: int = -1
    follow_links: bool = False
    list_function: Callable[..., Any] | None = None
    process_function: Callable[..., Any] | None = None
    shuffle_files: bool = False
    shuffle_index_directory: str | None = None
    seed: int = 0
    said: set[str] = field(default_factory=set)

    def say(self, text: str) -> None:
        """Log a warning, unless it was logged before."""
        say_once(text, self.said)

    @property
    def part(self) -> str:
        """The part of the dataset that is chosen, for messages."""
        start, stop = self.split or (0.0, 1.0)
        if (start, stop) == (0.0, 1.0):
            return "in this dataset"
        return "for validation" if start == 0 else "for training" if stop == 1 else f"in the part {start}-{stop}"

    def limited(self, n: int) -> int:
        """Return ``n``, or ``max_samples_per_class`` if that is smaller."""
        return min(n, self.max_samples_per_class) if self.max_samples_per_class > 0 else n


def list_samples(source: Source, classes: Sequence[str], options: ListingOptions) -> SampleList:
    """Choose the samples of a dataset.

    Args:
        source: Folder, dict or list; see :data:`~mltk.data.class_files.Source`.
        classes: Names of the classes; a sample's label is the index of its class.
        options: How samples are chosen.

    Returns:
        The samples of each class.

    Raises:
        DatasetError: The folder is missing or empty, a class is missing or has no samples, or the split leaves none.
    """
    available = ClassFiles(source, options.formats, options.follow_links)
    made = {n for n in (options.unknown_label, options.empty_label) if n in classes and not available.has(str(n))}
    real = [name for name in classes if name not in made]
    has_unknown = options.unknown_label in made
    known = {composed(name) for name in classes}
    others = [name for name in available.names() if composed(name) not in known] if has_unknown else []
    files = _split_files(available, real, others, options)
    chosen: Chosen = {name: _of_real_class(files[name], options) for name in real}
    sizes = [len(samples) for samples in chosen.values()]
    pool = {name: files[name] for name in others}
    if has_unknown:
        chosen[str(options.unknown_label)] = _of_unknown_class(pool, sizes, options)
    if options.empty_label in made:
        chosen[str(options.empty_label)] = _of_empty_class(sizes, options)
    if options.process_function is not None:
        before = chosen.get(str(options.unknown_label))
        chosen = _processed(available.directory, {name: chosen[name] for name in classes}, options)
        chosen = {name: samples[: options.limited(len(samples))] for name, samples in chosen.items()}
        if chosen.get(str(options.unknown_label)) != before:
            pool = {name: [] for name in others}  # no epoch draws other files than those that the function chose
    result = SampleList(available.directory, list(classes), skipped=available.left_out.empty)
    result.pool = [path for name in others for path in pool[name]]
    for label, name in enumerate(classes):
        result.names += chosen[name]
        result.labels += [label] * len(chosen[name])
    if not result.names:
        raise DatasetError(f"Split {options.split} leaves no samples of {available.directory or 'the dataset'}.")
    for text in available.left_out.reports(options.formats):
        options.say(f"{text} ({result.directory})" if result.directory else text)
    wanted = {options.unknown_label: options.unknown_share, options.empty_label: options.empty_share}
    lacking = [name for name, n in result.counts().items() if not n and wanted.get(name, 1)]
    for name in lacking if options.max_samples_per_class != 0 else []:
        options.say(
            f"Class {name!r} has no samples {options.part}: {_why_empty(name, files, options)} "
            "Add recordings of more speakers, or set group_by=None or another validation_split."
        )
    return result


def _why_empty(name: str, files: Files, options: ListingOptions) -> str:
    if name == options.unknown_label:
        return "its samples are drawn from the other class folders, and these have none there."
    return "it has too few files, or the split puts all of them on the other side."


def _of_real_class(files: list[str], options: ListingOptions) -> list[str]:
    ordered = hash_order(files, options.seed) if options.shuffle_files else files
    return ordered[: options.limited(len(ordered))]


def _of_unknown_class(pool: Files, sizes: list[int], options: ListingOptions) -> list[str]:
    n = number_of_extra(sizes, options.unknown_share) if sizes else sum(map(len, pool.values()))
    return sorted(spread(pool, options.limited(n), options.seed))


def _of_empty_class(sizes: list[int], options: ListingOptions) -> list[None]:
    return [None] * options.limited(number_of_extra(sizes, options.empty_share))


def number_of_extra(counts: Iterable[int], share: float | None) -> int:
    """Return the size of the unknown or the empty class: a share of the mean size of the other classes."""
    sizes = list(counts)
    return round(float(share) * float(np.mean(sizes))) if share and sizes else 0


def spread(files: Files, n: int, seed: int = 0) -> list[str]:
    """Choose ``n`` files, evenly from all classes as far as possible, in an order that looks random."""
    queues = [hash_order(paths, seed) for _, paths in sorted(files.items())]
    chosen: list[str] = []
    turn = 0
    while len(chosen) < n and any(turn < len(q) for q in queues):
        chosen += [q[turn] for q in queues if turn < len(q)]
        turn += 1
    return chosen[:n]


def _split_files(available: ClassFiles, real: list[str], others: list[str], options: ListingOptions) -> Files:
    """Return the files of the split for each of the real and the other classes."""
    if options.list_function is not None:
        return {name: _listed_by_function(available.directory, name, options) for name in [*real, *others]}
    files = available.of_classes(real, others)
    return choose_split(files, options.split, options.group_by, pooled=others, say=options.say)


def _processed(directory: str, chosen: Mapping[str, Sequence[str | None]], options: ListingOptions) -> Chosen:
    """Let the specification's function change the chosen samples of each class, as MLTK 0.20 does.

    An empty path is a sample without a file.

    Raises:
        DatasetError: The function added a class.
    """
    assert options.process_function is not None
    samples: dict[str, list[Any]] = {name: list(paths) for name, paths in chosen.items()}
    options.process_function(
        directory=directory,
        sample_paths=samples,
        split=options.split,
        follow_links=options.follow_links,
        white_list_formats=list(options.formats),
        shuffle=options.shuffle_files,
        seed=options.seed,
    )
    added = [name for name in samples if name not in chosen]
    if added:
        raise DatasetError(
            f"process_samples_function added {added[0]!r}, which is not a class.",
            hint=f"The classes are: {', '.join(chosen)}.",
        )
    return {name: [path or None for path in samples.get(name, [])] for name in chosen}


def _listed_by_function(directory: str, name: str, options: ListingOptions) -> list[str]:
    assert options.list_function is not None
    _, found = options.list_function(
        base_directory=directory,
        search_class=name,
        white_list_formats=tuple(options.formats),  # a function may call str.endswith with it
        split=options.split,
        follow_links=options.follow_links,
        shuffle_index_directory=options.shuffle_index_directory,
    )
    return list(found)
