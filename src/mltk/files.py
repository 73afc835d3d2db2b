"""Files that matter are written whole or not at all: aside, then renamed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from mltk.errors import OutputError


def check_writable(path: str) -> None:
    """Try whether a file can be made beside ``path``.

    Raises:
        OutputError: it can't.
    """
    folder = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as e:
        raise OutputError(
            f"Can't write {path}: {e.strerror}.", hint="Make the folder writable, or copy the specification elsewhere."
        ) from None


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[str]:
    """Give the path of a temporary file beside ``path`` that takes its place when the block ends well.

    When it doesn't, the temporary file is removed and ``path`` stays as it was. A link stays a link; the
    permissions of what was there stay.

    Raises:
        OutputError: it can't be written, for instance since the disk is full.
    """
    target = os.path.realpath(path)
    temporary = None
    try:
        stem, extension = os.path.splitext(os.path.basename(target))
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(target), prefix=f".{stem}.", suffix=extension)
        os.close(handle)
        yield temporary
        with open(temporary, "rb") as stream:
            os.fsync(stream.fileno())
        os.chmod(temporary, _mode_of(target))
        os.replace(temporary, target)
        temporary = None
    except OSError as e:
        if isinstance(e, OutputError):
            raise
        raise OutputError(f"Can't write {os.fspath(path)}: {e.strerror or e}.") from e
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


def _mode_of(path: str) -> int:
    """Permissions of the file, or those that a new file gets: mkstemp's are for the owner alone."""
    try:
        return os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        mask = os.umask(0o022)
        os.umask(mask)
        return 0o666 & ~mask


def write_file(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write ``content`` to ``path``, whole or not at all.

    Raises:
        OutputError: it can't be written.
    """
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
