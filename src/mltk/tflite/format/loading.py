"""From a ``.tflite`` file to checked objects of the schema."""

from __future__ import annotations

import os
import stat
from typing import Any

from mltk.errors import TfliteError
from mltk.tflite.format.codec import unpack
from mltk.tflite.format.flatbuffer import Verified
from mltk.tflite.format.verify import verify_model


class TfliteFileNotFoundError(TfliteError, FileNotFoundError):
    """There is no ``.tflite`` at this path."""


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Read the bytes of a ``.tflite`` file.

    Raises:
        TfliteFileNotFoundError: There is no such file. The error is also a ``FileNotFoundError``.
        TfliteError: The file cannot be read.
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


def read_model(data: bytes, path: str | None = None) -> tuple[Any, Verified]:
    """Check the bytes of a ``.tflite`` and unpack them.

    Args:
        data: The bytes.
        path: Where the bytes come from, for error messages.

    Returns:
        The schema's ``ModelT``, whose arrays are views of ``data``, and what the check of the bytes saw.

    Raises:
        TfliteError: The bytes are not a valid ``.tflite``.
    """
    model, verified = unpack(data, path)
    verify_model(model, len(data), path)
    return model, verified
