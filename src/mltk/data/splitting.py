"""Split files into training and validation parts so that no group (a speaker, say) is in both."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from mltk.data.walk import composed
from mltk.errors import DatasetError
from mltk.files import printable

Split = tuple[float, float]
"""``(start, stop)``, shares of the whole from 0 to 1."""

Files = dict[str, list[str]]
"""Paths of each class."""

GroupBy = str | Callable[[str], str] | None
"""How to tell the group of a file: ``"auto"`` guesses a speaker from file names, a function returns the group of a
path, None does not group."""


def check_split(split: Split | None) -> Split:
    """Return ``split``, or ``(0, 1)`` if it is None.

    Raises:
        DatasetError: The split is not a part of 0 to 1.
    """
    if split is None:
        return 0.0, 1.0
    start, stop = split
    if not 0 <= start < stop <= 1:
        raise DatasetError(f"The split is {split!r}; it must be (start, stop) with 0 <= start < stop <= 1.")
    return float(start), float(stop)


def split_file_list(paths: list[str], split: Split | None = None) -> list[str]:
    """Return the part of a list from share ``split[0]`` to share ``split[1]`` of its length; None is all."""
    start, stop = check_split(split)
    return paths[int(len(paths) * start) : int(len(paths) * stop)]


def choose_split(
    files: Files,
    split: Split | None,
    group_by: GroupBy,
    *,
    pooled: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
) -> Files:
    """Return the part of each class from share ``split[0]`` to share ``split[1]``.

    Whole groups are kept together if they are known and the split starts at 0 or ends at 1, as the splits for
    validation and training do. No class may be empty in one part because of this: other groups are chosen if that
    helps. A class of one group is split in the order of its names.

    Args:
        files: Paths of each class.
        split: Part of the files; None is all.
        group_by: How to tell the group of a file.
        pooled: Classes that are used as one class.
        say: Receives a sentence about each class that could not be split by group.
    """
    start, stop = check_split(split)
    if (start, stop) == (0.0, 1.0):
        return files
    if start == 0 or stop == 1:
        held_out = _held_out(files, stop if start == 0 else start, group_by, pooled, say)
        if held_out is not None:
            return {n: [p for p in paths if (p in held_out) == (start == 0)] for n, paths in files.items()}
    return {n: split_file_list(paths, (start, stop)) for n, paths in files.items()}


def split_by_group(files: Files, share: float, group_by: GroupBy) -> set[str] | None:
    """Choose the files for validation: whole groups, which together have about ``share`` of all files.

    Args:
        files: Paths of each class.
        share: Share of the files, 0 to 1.
        group_by: How to tell the group of a file.

    Returns:
        The chosen paths; None if there are no groups.

    Raises:
        DatasetError: ``group_by`` is not one of the allowed values.
    """
    return _held_out(files, share, group_by, pooled=list(files), say=None)


def _held_out(
    files: Files, share: float, group_by: GroupBy, pooled: Sequence[str], say: Callable[[str], None] | None
) -> set[str] | None:
    """See :func:`split_by_group` and :func:`choose_split`."""
    flat = [(path, name) for name, paths in files.items() for path in paths]
    groups = _groups(flat, group_by)
    if groups is None or len(set(groups)) < 2:
        return None
    sizes = Counter(groups)
    chosen = select_groups(dict(sizes), share)
    merged = {name: "" if name in pooled else name for name in files}
    heard: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (path, name), group in zip(flat, groups, strict=True):
        heard[merged[name]][group].append(path)
    chosen = fill_empty_parts(chosen, {name: set(of) for name, of in heard.items()}, sizes)
    held_out = {path for (path, _), group in zip(flat, groups, strict=True) if group in chosen}
    for name, of in heard.items():
        if len(of) > 1 and len(chosen & set(of)) not in (0, len(of)):
            continue
        paths = sorted(path for listed in of.values() for path in listed)
        if name == "" or len(paths) < 2:
            continue
        held_out -= set(paths)
        held_out |= set(paths[: min(max(int(len(paths) * share), 1), len(paths) - 1)])
        if say is not None:
            who = f"only one speaker, {printable(next(iter(of)))!r}" if len(of) == 1 else "too few speakers"
            say(
                f"Class {name!r} has {who}, so training and validation use recordings of the same speaker and the "
                "validation result of this class is too good. Add recordings of more speakers, or set group_by=None."
            )
    return held_out


def fill_empty_parts(chosen: set[str], heard: dict[str, set[str]], sizes: Mapping[str, int]) -> set[str]:
    """Choose other groups, as few as possible, so that each class is in both parts, if it has several groups.

    Args:
        chosen: The groups for validation.
        heard: Class → its groups.
        sizes: Number of files of each group.

    Returns:
        The groups for validation.
    """

    def empty(groups: set[str]) -> int:
        return sum(len(groups & of) in (0, len(of)) for of in heard.values() if len(of) > 1)

    by_size = sorted(sizes, key=lambda group: (sizes[group], group))
    while empty(chosen):
        changed = (chosen ^ {group} for group in by_size)
        best = min((c for c in changed if 0 < len(c) < len(sizes)), key=empty, default=chosen)
        if empty(best) >= empty(chosen):
            return chosen
        chosen = best
    return chosen


def _groups(files: list[tuple[str, str]], group_by: GroupBy) -> list[str] | None:
    """Return the group of each ``(path, class)``; None without groups."""
    if group_by is None:
        return None
    if callable(group_by):
        return [str(group_by(path)) for path, _ in files]
    if group_by == "auto":
        return guess_groups(files)
    raise DatasetError(f"group_by is {group_by!r}.", hint='It can be "auto", a function(path), or None.')


def shuffle_file_list_by_group(paths: list[str], group_callback: Callable[[str], str], seed: int = 42) -> list[str]:
    """Return the files ordered by group: the groups in a random order, the files of each group sorted.

    A part that :func:`split_file_list` cuts from this list divides one group at most.

    Args:
        paths: Paths of the files.
        group_callback: Function that returns the group of a path.
        seed: Seed of the order of the groups.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        groups[group_callback(path)].append(path)
    names = sorted(groups)
    np.random.default_rng(seed).shuffle(names)
    return [path for name in names for path in sorted(groups[name])]


def hash_order(names: Iterable[str], seed: int = 0) -> list[str]:
    """Return the names in an order that looks random. New names do not change the order of the others."""
    return sorted(
        names, key=lambda name: (hashlib.sha1(f"{seed}:{name}".encode("utf-8", "surrogateescape")).digest(), name)
    )


def select_groups(counts: dict[str, int], share: float) -> set[str]:
    """Choose groups that together hold about ``share`` of the files: at least one group, but not all groups.

    Groups are visited in the order of their hashes. A group is chosen if it brings the number of files nearer to the
    wanted number. So the choice changes little when files are added.

    Args:
        counts: Number of files of each group.
        share: Share of the files, 0 to 1.
    """
    wanted, held = share * sum(counts.values()), 0
    chosen: set[str] = set()
    for name in hash_order(counts):
        if abs(held + counts[name] - wanted) < abs(held - wanted) and len(chosen) < len(counts) - 1:
            chosen.add(name)
            held += counts[name]
    return chosen or {min(counts, key=lambda name: (counts[name], name))}


_NOHASH = re.compile(r"^(.+)_nohash_\d+$")  # Speech Commands: <speaker>_nohash_<take>
_SEPARATORS = re.compile(r"[_\-. ]+")


def guess_group(path: str, class_name: str) -> str | None:
    """Guess the speaker from a file name: the rest of the name without the class and the number of the take.

    ``7_jackson_32.wav`` of class ``7`` → ``jackson``; ``0a2b400e_nohash_1.wav`` → ``0a2b400e``.

    Returns:
        The speaker; None if nothing is left of the name.
    """
    stem = composed(os.path.splitext(os.path.basename(path))[0])
    class_name = composed(class_name)
    speech_commands = _NOHASH.match(stem)
    if speech_commands:
        return speech_commands[1]
    parts = _SEPARATORS.split(stem)
    if len(parts) > 1 and parts[0].lower() == class_name.lower():
        parts = parts[1:]
    elif len(parts) > 1 and parts[-1].lower() == class_name.lower():
        parts = parts[:-1]
    if len(parts) > 1 and parts[-1].isdigit():
        parts = parts[:-1]
    elif len(parts) > 1 and parts[0].isdigit():
        parts = parts[1:]
    name = "_".join(parts)
    return name if name and not name.isdigit() else None


def guess_groups(files: Sequence[tuple[str, str]]) -> list[str] | None:
    """Guess the speaker of each ``(path, class)``.

    The guess is accepted if there are at least two speakers, most speakers have several files, and at least half of
    them occur in more than one class (if there is more than one). A running number or a word would not pass this test.

    Returns:
        The speaker of each file; None if the file names do not seem to contain speakers.
    """
    groups: list[str] = []
    for path, name in files:
        group = guess_group(path, name)
        if group is None:
            return None
        groups.append(group)
    sizes = Counter(groups)
    heard: dict[str, set[str]] = defaultdict(set)
    for group, (_, name) in zip(groups, files, strict=True):
        heard[group].add(name)
    several = sum(size > 1 for size in sizes.values())
    across = sum(len(names) > 1 for names in heard.values())
    n_classes = len({name for _, name in files})
    if len(sizes) < 2 or several < len(sizes) / 2 or (n_classes > 1 and across < len(sizes) / 2):
        return None
    return groups
