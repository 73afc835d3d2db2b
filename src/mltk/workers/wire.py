"""The messages between this process and its children: a JSON header and NumPy arrays over a pipe.

A message is ``b"MLTK"``, the size of the header (little-endian uint32), the header (UTF-8 JSON), then the bytes of
each array in C order. The header lists the dtype and the shape of each array. Nothing is pickled, so a reader never
runs what a writer sent.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from io import BufferedIOBase
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

MAGIC = b"MLTK"
MAX_HEADER_BYTES = 1 << 24
_PREFIX = struct.Struct("<4sI")
_KINDS = frozenset("biufcSU")  # kinds of dtypes whose bytes are the values: no objects, no structures
_ARRAYS = "arrays"

Header = dict[str, Any]
Array = npt.NDArray[Any]
Message = tuple[Header, list[Array]]


class WireError(Exception):
    """No message could be read."""


class PipeClosedError(WireError):
    """The pipe closed before the message was complete: the process at the other end has ended, or is ending."""


class TooLargeError(WireError):
    """The arrays of a message are larger than the reader accepts."""


def write_message(stream: BinaryIO, header: Header, arrays: Sequence[Array] = ()) -> None:
    """Send one message.

    Args:
        stream: Binary stream, for example a pipe.
        header: Plain JSON data.
        arrays: Arrays of NumPy's built-in dtypes, of any shape.

    Raises:
        TypeError: An array has a dtype that can't be sent, or ``header`` is not plain JSON data.
    """
    # Not ascontiguousarray: that turns a scalar into a vector.
    contiguous = [np.asarray(array, order="C") for array in arrays]
    for array in contiguous:
        if array.dtype.kind not in _KINDS:
            raise TypeError(f"An array of type {array.dtype} can't be sent to another process.")
    text = json.dumps({**header, _ARRAYS: [(a.dtype.str, a.shape) for a in contiguous]}).encode()
    stream.write(_PREFIX.pack(MAGIC, len(text)) + text)
    for array in contiguous:
        stream.write(array.reshape(-1).view(np.uint8).data if array.nbytes else b"")
    stream.flush()


def read_message(stream: BufferedIOBase, limit_bytes: int | None = None) -> Message:
    """Receive one message.

    Args:
        stream: Buffered binary stream.
        limit_bytes: The most bytes that all arrays together may have; more are not read.

    Returns:
        The header, and the arrays as they were sent: same dtypes, same shapes, writable.

    Raises:
        TooLargeError: The arrays exceed ``limit_bytes``.
        PipeClosedError: The stream ended.
        WireError: The stream holds something else than a message.
    """
    magic, length = _PREFIX.unpack(_read_exactly(stream, _PREFIX.size))
    if magic != MAGIC:
        raise WireError(f"This is not a message: it begins with {magic!r}.")
    if length > MAX_HEADER_BYTES:
        raise WireError(f"The message has a header of {length:,} bytes; at most {MAX_HEADER_BYTES:,} are possible.")
    header, layouts = _parse_header(_read_exactly(stream, length))
    n_bytes = sum(dtype.itemsize * math.prod(shape) for dtype, shape in layouts)
    if limit_bytes is not None and n_bytes > limit_bytes:
        raise TooLargeError(f"The arrays have {n_bytes:,} bytes, and {limit_bytes:,} are allowed.")
    return header, [_read_array(stream, dtype, shape) for dtype, shape in layouts]


Layout = tuple[np.dtype[Any], tuple[int, ...]]


def _parse_header(text: bytes) -> tuple[Header, list[Layout]]:
    try:
        header = json.loads(text)
        layouts = [_layout(dtype, shape) for dtype, shape in header.pop(_ARRAYS)]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as e:
        raise WireError(f"The message has a malformed header: {e}") from e
    return header, layouts


def _layout(name: str, shape: Sequence[int]) -> Layout:
    dtype = np.dtype(name)
    if dtype.kind not in _KINDS:
        raise ValueError(f"arrays of type {name} are not accepted")
    if not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ValueError(f"{shape} is not a shape")
    return dtype, tuple(shape)


def _read_array(stream: BufferedIOBase, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    try:
        array = np.empty(shape, dtype)
    except ValueError as e:  # more dimensions or elements than NumPy has
        raise WireError(f"The message has an array of shape {shape}: {e}") from e
    if array.nbytes:
        n_read = stream.readinto(array.reshape(-1).view(np.uint8).data)
        if n_read < array.nbytes:  # a buffered reader returns less only at the end of the stream
            raise PipeClosedError(f"The pipe closed after {n_read} of {array.nbytes} bytes.")
    return array


def _read_exactly(stream: BufferedIOBase, n: int) -> bytes:
    data = stream.read(n)
    if len(data) < n:
        raise PipeClosedError(f"The pipe closed after {len(data)} of {n} bytes.")
    return data
