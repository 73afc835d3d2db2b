"""Keep what native code in this process prints for the message of an error."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator

_MOST_BYTES = 1 << 20


@contextlib.contextmanager
def captured_stderr() -> Iterator[Callable[[], str]]:
    """Redirect file descriptor 2 to a file for a block.

    Yields:
        A function that returns what was printed so far, also after the block; empty if descriptor 2 is closed.
    """
    with tempfile.TemporaryFile() as sink:
        text = ""

        def printed() -> str:
            return text if sink.closed else os.pread(sink.fileno(), _MOST_BYTES, 0).decode(errors="replace")

        try:
            if sys.stderr is not None:
                sys.stderr.flush()
            saved = os.dup(2)
        except (OSError, ValueError):
            yield printed
            return
        try:
            os.dup2(sink.fileno(), 2)
            yield printed
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            text = printed()
