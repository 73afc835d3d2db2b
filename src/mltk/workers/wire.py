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

MAGIC = b"MLTK"
MAX_HEADER_BYTES = 1 << 24
_PREFIX = struct.Struct("<4sI")
_KINDS = frozenset("biufcSU")  # kinds of dtypes whose bytes are the values: no objects, no structures
_ARRAYS = "arrays"
# Faster than json.dumps and json.loads, which matters for calls of small functions.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode

Header = dict[str, Any]
Array = np.ndarray[Any, np.dtype[Any]]  # NDArray[Any]; numpy.typing takes 10 ms to import
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
    contents, layouts = [], []
    for array in arrays:
        if array.dtype.kind not in _KINDS:
            raise TypeError(f"An array of type {array.dtype} can't be sent to another process.")
        layouts.append((array.dtype.str, array.shape))
        if array.nbytes:
            contents.append(array.reshape(-1).view(np.uint8).data)  # in C order; copied unless it is already
    text = _encode({**header, _ARRAYS: layouts}).encode()
    stream.write(_PREFIX.pack(MAGIC, len(text)) + text)
    for content in contents:
        stream.write(content)
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
    if limit_bytes is not None:
        n_bytes = sum(dtype.itemsize * math.prod(shape) for dtype, shape in layouts)
        if n_bytes > limit_bytes:
            raise TooLargeError(f"The arrays have {n_bytes:,} bytes, and {limit_bytes:,} are allowed.")
    return header, [_read_array(stream, dtype, shape) for dtype, shape in layouts]


Layout = tuple[np.dtype[Any], tuple[int, ...]]


def _parse_header(text: bytes) -> tuple[Header, list[Layout]]:
    try:
        decoded = text.decode()
        header, end = _decode(decoded)
        if end < len(decoded):
            raise ValueError("something follows it")
        layouts = [_layout(dtype, shape) for dtype, shape in header.pop(_ARRAYS)]
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as e:
        raise WireError(f"The message has a malformed header: {e}") from e
    return header, layouts


def _layout(name: str, shape: Sequence[int]) -> Layout:
    dtype = np.dtype(name)
    if dtype.kind not in _KINDS:
        raise ValueError(f"arrays of type {name} are not accepted")
    for n in shape:
        if not isinstance(n, int) or n < 0:
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
