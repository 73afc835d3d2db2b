"""Keep what native code in this process prints for the message of an error."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

_MOST_BYTES = 1 << 20


class CapturedStderr:
    """What was printed to file descriptor 2 while it is redirected.

    Args:
        sink: The file that gets the output.
    """

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._saved: int | None = None
        self._text = ""

    def printed(self) -> str:
        """Return what was printed so far, also after the end; empty if descriptor 2 was closed."""
        if self._sink.closed:
            return self._text
        return os.pread(self._sink.fileno(), _MOST_BYTES, 0).decode(errors="replace")

    def start(self) -> None:
        """Redirect descriptor 2. Do nothing if it is closed."""
        try:
            if sys.stderr is not None:
                sys.stderr.flush()
            self._saved = os.dup(2)
        except (OSError, ValueError):
            return
        os.dup2(self._sink.fileno(), 2)

    def end(self) -> None:
        """Restore descriptor 2."""
        if self._saved is not None:
            os.dup2(self._saved, 2)
            os.close(self._saved)
            self._saved = None
            self._text = self.printed()

    def showing(self, function: Callable[[int], None]) -> Callable[[int], None]:
        """Return a function that calls ``function`` with the real descriptor 2, so that what it prints is shown."""

        def show(n: int) -> None:
            if self._saved is None:
                function(n)
                return
            os.dup2(self._saved, 2)
            try:
                function(n)
            finally:
                if sys.stderr is not None:
                    with contextlib.suppress(OSError, ValueError):
                        sys.stderr.flush()
                os.dup2(self._sink.fileno(), 2)

        return show


@contextlib.contextmanager
def captured_stderr() -> Iterator[CapturedStderr]:
    """Redirect file descriptor 2 to a file for a block."""
    with tempfile.TemporaryFile() as sink:
        captured = CapturedStderr(sink)
        captured.start()
        try:
            yield captured
        finally:
            captured.end()
