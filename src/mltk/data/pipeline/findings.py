"""What is wrong with files that can be read nevertheless. It is collected, and each kind is said once."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterable
from enum import Enum
from typing import Any

from mltk.files import printable

logger = logging.getLogger("mltk")


class FindingKind(Enum):
    """A kind of finding; a medium derives its kinds from this class.

    The value is a sentence for several files, and a sentence for one file.
    """

    def text(self, n: int, path: str, detail: str) -> str:
        """Return the report.

        Args:
            n: Number of files.
            path: One of the files.
            detail: What was found in this file; may be empty.
        """
        several, one = self.value
        first = one if n == 1 else several.format(n=n)
        return f"{first}: {'' if n == 1 else 'for example '}{printable(path)}{f' ({detail})' if detail else ''}."


def _position(kind: FindingKind) -> int:
    return list(type(kind)).index(kind)


News = dict[FindingKind, dict[str, str]]
"""Kind → path → what was found in this file."""


class Findings:
    """What was found in the files of a data generator. Several threads may add to it.

    The banks of the generator say when they have read all their files once. When all have, :meth:`report` logs one
    line for each kind. What is found later is reported later. A copy in another process is empty.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._said: set[tuple[FindingKind, str]] = set()
        self._new: News = {}
        self._reading: weakref.WeakSet[Any] = weakref.WeakSet()

    def __reduce__(self) -> tuple[Any, ...]:
        return Findings, ()

    def add(self, path: str, found: Iterable[tuple[FindingKind, str]]) -> None:
        """Add what was found in one file, unless it was found before.

        Args:
            path: The file.
            found: Kinds, each with what was found.
        """
        with self._lock:
            for kind, detail in found:
                if (kind, path) not in self._said:
                    self._said.add((kind, path))
                    self._new.setdefault(kind, {})[path] = detail

    def take(self) -> News:
        """Return what is not reported yet, and do not report it."""
        with self._lock:
            new, self._new = self._new, {}
        return new

    def hand_over(self) -> News:
        """Return what is not reported yet, and forget it: :meth:`add_news` adds it again, mostly in another process."""
        new = self.take()
        with self._lock:
            self._said -= {(kind, path) for kind, files in new.items() for path in files}
        return new

    def add_news(self, news: News) -> None:
        """Add what :meth:`hand_over` returned."""
        for kind, files in news.items():
            for path, detail in files.items():
                self.add(path, [(kind, detail)])

    def wait_for(self, bank: object) -> None:
        """Do not report before this bank has read its files once, or is deleted."""
        self._reading.add(bank)

    def finished(self, bank: object, *, wait: bool = True) -> None:
        """Report if no other bank still reads its files for the first time, or at once.

        Args:
            bank: The bank that has read its files.
            wait: Whether to wait for other banks.
        """
        self._reading.discard(bank)
        if not wait or not len(self._reading):
            self.report()

    def report(self) -> None:
        """Log what was found since the last report: one line for each kind, with one of the files."""
        new = self.take()
        for kind in sorted(new, key=_position):
            path = min(new[kind])
            logger.warning("%s", kind.text(len(new[kind]), path, new[kind][path]))


class SingleReads(Findings):
    """What was found in files that are read one by one: each kind is reported at once, for the first file only."""

    def add(self, path: str, found: Iterable[tuple[FindingKind, str]]) -> None:
        """Report what was found in one file, unless it was found in a file before."""
        super().add("", [(kind, "") for kind, _ in found])
        first = self.take()
        for kind, detail in found:
            if kind in first:
                logger.warning("%s Other files may be like it; they are not reported.", kind.text(1, path, detail))
