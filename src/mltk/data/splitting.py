"""Which files train and which validate, such that the same speaker is never on both sides."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from mltk.errors import DatasetError

Split = tuple[float, float]
"""``(start, stop)``, shares of the whole from 0 to 1."""


def check_split(split: Split | None) -> Split:
    """``split``, None being all. Raises DatasetError if it is no part of 0 to 1."""
    if split is None:
        return 0.0, 1.0
    start, stop = split
    if not 0 <= start < stop <= 1:
        raise DatasetError(f"A split goes from a share to a larger one, 0 to 1; got {split!r}.")
    return float(start), float(stop)


def split_file_list(paths: list[str], split: Split | None = None) -> list[str]:
    """The part of a list from share ``split[0]`` to share ``split[1]`` of its length; None is all."""
    start, stop = check_split(split)
    return paths[int(len(paths) * start) : int(len(paths) * stop)]


def shuffle_file_list_by_group(paths: list[str], group_callback: Callable[[str], str], seed: int = 42) -> list[str]:
    """The files group after group, the groups in an order drawn from ``seed``, each group's files sorted.

    A share cut off such a list (:func:`split_file_list`) divides one group at most.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        groups[group_callback(path)].append(path)
    names = sorted(groups)
    np.random.default_rng(seed).shuffle(names)
    return [path for name in names for path in sorted(groups[name])]


def hash_order(names: Iterable[str], seed: int = 0) -> list[str]:
    """Names in an order that looks random and in which new names don't move the others."""
    return sorted(names, key=lambda name: (hashlib.sha1(f"{seed}:{name}".encode()).digest(), name))


def select_groups(counts: dict[str, int], share: float) -> set[str]:
    """Groups that together hold about ``share`` of the files, at least one group and not all of them.

    They are taken in the order of their hashes, each if it brings the number of files nearer to what is wanted, so
    that the choice changes little as files are added.
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
    """The speaker that a file name seems to name: what remains besides the class and the number of the take.

    ``7_jackson_32.wav`` of class ``7`` → ``jackson``; ``0a2b400e_nohash_1.wav`` → ``0a2b400e``. None if nothing
    remains.
    """
    stem = os.path.splitext(os.path.basename(path))[0]
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
    """The speaker of each ``(path, class)``, or None if the names don't seem to tell.

    They are taken to tell if there are at least two speakers, most of whom have several files, and at least half of
    whom are heard in more than one class (if there is more than one): a mere running number or a word would not be.
    """
    groups = [guess_group(path, name) for path, name in files]
    if not groups or any(group is None for group in groups):
        return None
    sizes: Counter[Any] = Counter(groups)
    heard: dict[Any, set[str]] = defaultdict(set)
    for group, (_, name) in zip(groups, files, strict=True):
        heard[group].add(name)
    several = sum(size > 1 for size in sizes.values())
    across = sum(len(names) > 1 for names in heard.values())
    n_classes = len({name for _, name in files})
    if len(sizes) < 2 or several < len(sizes) / 2 or (n_classes > 1 and across < len(sizes) / 2):
        return None
    return [str(group) for group in groups]
