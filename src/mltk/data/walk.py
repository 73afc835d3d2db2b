"""List the files below a folder: the one place that decides what belongs to a dataset and what does not.

Hidden folders are not entered. A link is followed if asked, but each file is listed once, however many links lead to
it. What is left out is counted in :class:`LeftOut`, so that it can be reported once.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from mltk.files import printable

# Files that commonly lie beside samples. Nobody expects them to be read as samples.
_NOTES = re.compile(
    r"\.(txt|md|rst|jsonl?|csv|tsv|xml|ya?ml|toml|ini|log|html|pdf|py|ipynb|db|sqlite|lab|textgrid|srt|docx?|xlsx|npy|npz"
    r"|zip|t?gz|bak|tmp|sha256|md5|url|lnk)|"
)


class FoundFile(NamedTuple):
    """A file of a dataset.

    Attributes:
        path: Path relative to the dataset's folder, with ``/``.
        real: Path without links.
        by_link: Whether a link leads to it.
    """

    path: str
    real: str
    by_link: bool


@dataclass
class LeftOut:
    """What a listing left out. All paths are relative to the dataset's folder.

    Attributes:
        empty: Files that are empty, or links that lead nowhere.
        hidden: Hidden folders, and hidden files whose format would be read.
        links: Links that lead to a folder above them, or above the dataset.
        repeated: Files that a link leads to, and that are listed elsewhere.
        closed: Folders that cannot be opened.
        other_formats: File name extension → number of files whose format is not read.
        other_example: One of these files for each extension.
    """

    empty: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    other_formats: Counter[str] = field(default_factory=Counter)
    other_example: dict[str, str] = field(default_factory=dict)

    def add_other_format(self, path: str) -> None:
        """Count a file whose format is not read."""
        extension = os.path.splitext(path)[1].lower()
        self.other_formats[extension] += 1
        self.other_example.setdefault(extension, path)

    def add(self, other: LeftOut, folder: str) -> None:
        """Add what was left out of ``folder``."""
        for name in ("empty", "hidden", "links", "repeated", "closed"):
            getattr(self, name).extend(os.path.join(folder, path) for path in getattr(other, name))
        self.other_formats += other.other_formats
        for extension, path in other.other_example.items():
            self.other_example.setdefault(extension, os.path.join(folder, path))

    def reports(self, formats: Sequence[str]) -> Iterator[str]:
        """Yield one sentence for each reason why something was left out.

        Args:
            formats: File name extensions that are read.
        """
        if self.empty:
            yield f"{_count(self.empty, 'file')} empty or missing and left out: {_some(self.empty)}"
        if self.hidden:
            yield f"{_count(self.hidden, 'hidden file or folder', 'hidden files and folders')} left out: " + _some(
                self.hidden
            )
        if self.links:
            verb = "leads" if len(self.links) == 1 else "lead"
            n = _count(self.links, "link", verb=False)
            yield f"{n} {verb} to a folder above the link or above the dataset, and not followed: {_some(self.links)}"
        if self.repeated:
            yield (
                f"{_count(self.repeated, 'file')} reached by a link and listed elsewhere too; each file is used once: "
                f"{_some(self.repeated)}"
            )
        if self.closed:
            yield f"{_count(self.closed, 'folder')} left out because they cannot be opened: {_some(self.closed)}"
        others = {e: n for e, n in sorted(self.other_formats.items()) if not _NOTES.fullmatch(e)}
        if others:
            total = sum(others.values())
            kinds = ", ".join(f"{n} {printable(e)}" for e, n in others.items())
            example = printable(self.other_example[next(iter(others))])
            yield (
                f"{total} {'file has' if total == 1 else 'files have'} a format that is not read ({kinds}) and "
                f"{'is' if total == 1 else 'are'} left out, for example {example}. Formats are {', '.join(formats)}."
            )


def _count(items: Sequence[str], one: str, several: str = "", verb: bool = True) -> str:
    name = one if len(items) == 1 else several or f"{one}s"
    return f"{len(items)} {name}" + ((" is" if len(items) == 1 else " are") if verb else "")


def _some(paths: Sequence[str]) -> str:
    return ", ".join(printable(path) for path in sorted(paths)[:5]) + (" …" if len(paths) > 5 else "")


def composed(name: str) -> str:
    """Return a name in the form in which equal names compare equal (Unicode NFC).

    A Mac's disk stores "ü" as "u" and a mark (NFD); a specification usually holds one character (NFC).
    """
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def existing_path(path: str) -> str:
    """Return the path under which a file exists whose name may be composed differently; else ``path``."""
    if os.path.lexists(path) or path.isascii():
        return path
    folder, name = os.path.split(path)
    if not name or folder == path:
        return path
    folder = existing_path(folder)
    try:
        names = os.listdir(folder or ".")
    except OSError:
        return path
    same = [n for n in names if composed(n) == composed(name)]
    return os.path.join(folder, same[0]) if same else path


def walk_files(
    directory: str, name: str, formats: Sequence[str], follow_links: bool, left_out: LeftOut
) -> list[FoundFile]:
    """List the files below ``directory/name``.

    Args:
        directory: Folder of the dataset.
        name: Folder in it; empty for the dataset's folder itself. It is entered also if it is hidden, or a link.
        formats: File name extensions to list, for example ``".wav"``; ``""`` is any extension.
        follow_links: Whether to enter folders that are links.
        left_out: Receives what is left out.

    Returns:
        The files, sorted by path.
    """
    return _Walk(directory, formats, follow_links, left_out).run(name)


class _Walk:
    """One walk through a folder. Folders behind links come last, so that a file's own place comes first."""

    def __init__(self, directory: str, formats: Sequence[str], follow_links: bool, left_out: LeftOut) -> None:
        self.directory, self.real = directory, os.path.realpath(directory)
        self.wanted = tuple(f.lower() if f.startswith(".") or not f else f".{f.lower()}" for f in formats)
        self.follow_links, self.left_out = follow_links, left_out
        self.found: dict[str, FoundFile] = {}
        self.entered: set[str] = set()
        self.real_folders: dict[str, str] = {}
        self.own: list[tuple[str, str, bool]] = []
        self.behind_links: list[tuple[str, str, bool]] = []

    def run(self, name: str) -> list[FoundFile]:
        base = os.path.join(self.directory, name) if name else self.directory
        real = os.path.realpath(base)
        if os.path.islink(base) and name and _contains(real, self.real):
            self.left_out.links.append(name)
            return []
        self.own.append((name.replace(os.sep, "/").rstrip("/"), real, False))
        while self.own or self.behind_links:
            place, real, by_link = self.own.pop() if self.own else self.behind_links.pop(0)
            if real not in self.entered:
                self.entered.add(real)
                self._list(place, real, by_link)
        return sorted(self.found.values())

    def _list(self, place: str, real: str, by_link: bool) -> None:
        try:
            with os.scandir(real) as entries:
                listed = sorted(entries, key=lambda e: e.name)
        except FileNotFoundError:
            return
        except OSError:
            self.left_out.closed.append(place or ".")
            return
        for entry in listed:
            path = f"{place}/{entry.name}" if place else entry.name
            if _is_dir(entry):
                self._folder(entry, path, real, by_link)
            else:
                self._file(entry, path, real, by_link)

    def _folder(self, entry: os.DirEntry[str], path: str, real: str, by_link: bool) -> None:
        if entry.name.startswith("."):
            self.left_out.hidden.append(path)
        elif not _is_link(entry):
            self.own.append((path, os.path.join(real, entry.name), by_link))
        elif self.follow_links:
            target = os.path.realpath(entry.path)
            if _contains(target, real) or _contains(target, self.real):
                self.left_out.links.append(path)
            else:
                self.behind_links.append((path, target, True))

    def _file(self, entry: os.DirEntry[str], path: str, real: str, by_link: bool) -> None:
        if not entry.name.lower().endswith(self.wanted):
            if not entry.name.startswith("."):
                self.left_out.add_other_format(path)
            return
        if entry.name.startswith("."):
            self.left_out.hidden.append(path)
            return
        try:
            size = entry.stat().st_size
        except OSError:  # a link that leads nowhere
            size = 0
        if not size:
            self.left_out.empty.append(path)
            return
        linked = entry.is_symlink()
        own = self._target(entry.path, real) if linked else os.path.join(real, entry.name)
        file = FoundFile(path, own, by_link or linked)
        before = self.found.setdefault(own, file)
        if before is not file:
            if before.by_link and not file.by_link:
                self.found[own], file = file, before
            self.left_out.repeated.append(file.path)

    def _target(self, link: str, real: str) -> str:
        """Return what ``os.path.realpath(link)`` returns. Each folder that links point into is resolved once."""
        folder, name = os.path.split(os.path.join(real, os.readlink(link)))
        if folder not in self.real_folders:
            self.real_folders[folder] = os.path.realpath(folder)
        target = os.path.join(self.real_folders[folder], name)
        return os.path.realpath(target) if os.path.islink(target) else target


def _is_dir(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_link(entry: os.DirEntry[str]) -> bool:
    is_junction = getattr(entry, "is_junction", None)  # Python 3.12, on Windows
    return entry.is_symlink() or bool(is_junction and is_junction())


def _contains(folder: str, path: str) -> bool:
    """Return whether ``path`` is ``folder`` or lies in it; both are without links."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
