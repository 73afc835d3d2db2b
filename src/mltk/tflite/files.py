"""Reading and writing whole files."""

from __future__ import annotations

import os
import stat
import tempfile

from mltk.errors import OutputError, TfliteError


class TfliteFileNotFoundError(TfliteError, FileNotFoundError):
    """No ``.tflite`` at that path."""


def read_file(path: str | os.PathLike[str]) -> bytes:
    """The bytes of a ``.tflite`` file.

    Raises:
        TfliteFileNotFoundError: if there is none (also a ``FileNotFoundError``).
        TfliteError: if it can't be read.
    """
    try:
        with open(path, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise TfliteError(f"{os.fspath(path)} is not a file.")  # a device may never end
            return file.read()
    except FileNotFoundError as e:
        raise TfliteFileNotFoundError(f".tflite file not found: {os.fspath(path)}") from e
    except (OSError, ValueError) as e:
        raise TfliteError(f"Can't read {os.fspath(path)!r}: {getattr(e, 'strerror', None) or e}.") from e


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write aside, then rename: ``path`` holds the old bytes or the new ones, never a part."""
    target = os.path.realpath(path)
    try:
        handle, aside = tempfile.mkstemp(dir=os.path.dirname(target), prefix=f".{os.path.basename(target)}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(aside, _mode_of(target))
            os.replace(aside, target)
        except BaseException:
            os.unlink(aside)
            raise
    except OSError as e:
        raise OutputError(f"Can't write {os.fspath(path)}: {e.strerror or e}") from e


def _mode_of(path: str) -> int:
    """Permissions of the file, or those that a new file gets: mkstemp's are for the owner alone."""
    try:
        return os.stat(path).st_mode & 0o7777
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        return 0o666 & ~umask
