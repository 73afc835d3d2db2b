"""The messages between this process and its workers: a JSON header and NumPy arrays over a pipe.

A frame is ``b"MLTK"``, the header's length (little-endian uint32), the header (UTF-8 JSON), then each array in
NumPy's own ``.npy`` format behind its length (little-endian uint64). Nothing is pickled, so a reader never runs
what a writer sent.
"""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

MAGIC = b"MLTK"
MAX_HEADER_BYTES = 1 << 24


class WireError(Exception):
    """The other end closed the pipe in the middle of a message, or sent what is not one."""


class TooLargeError(WireError):
    """A message is larger than the reader wants to hold."""


def write_message(stream: BinaryIO, header: dict[str, Any], arrays: Sequence[np.ndarray] = ()) -> None:
    """Send one message; ``header`` must be plain JSON, ``arrays`` of NumPy's built-in dtypes."""
    text = json.dumps({**header, "n_arrays": len(arrays)}).encode()
    stream.write(MAGIC + struct.pack("<I", len(text)) + text)
    for array in arrays:
        buffer = io.BytesIO()
        # Not ascontiguousarray: that turns a scalar into a vector.
        np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
        stream.write(struct.pack("<Q", buffer.getbuffer().nbytes))
        stream.write(buffer.getbuffer())
    stream.flush()


def read_message(stream: BinaryIO, limit_bytes: int | None = None) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Receive one message; raises :class:`WireError` where there is none.

    ``limit_bytes``: what all arrays together may take; more is not read but a :class:`TooLargeError`.
    """
    prefix = _read_exactly(stream, 8)
    if prefix[:4] != MAGIC:
        raise WireError(f"not a message: begins with {prefix[:4]!r}")
    (length,) = struct.unpack("<I", prefix[4:])
    if length > MAX_HEADER_BYTES:
        raise WireError(f"a header of {length} bytes")
    header = json.loads(_read_exactly(stream, length))
    arrays, taken = [], 0
    for _ in range(header.pop("n_arrays")):
        (n_bytes,) = struct.unpack("<Q", _read_exactly(stream, 8))
        taken += n_bytes
        if limit_bytes is not None and taken > limit_bytes:
            raise TooLargeError(f"{taken:,} bytes, and {limit_bytes:,} are allowed")
        arrays.append(np.lib.format.read_array(io.BytesIO(_read_exactly(stream, n_bytes)), allow_pickle=False))
    return header, arrays


def _read_exactly(stream: BinaryIO, n: int) -> bytes:
    data = stream.read(n)  # a buffered reader returns less only at the end of the stream
    if len(data) < n:
        raise WireError(f"the pipe closed after {len(data)} of {n} bytes")
    return data
