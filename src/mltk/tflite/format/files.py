"""Reading a ``.tflite`` file."""

from __future__ import annotations

import os
import stat

from mltk.errors import TfliteError


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
