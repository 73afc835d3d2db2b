"""The sizes in the header of a WAV file, compared with the file.

libsndfile reads as many bytes as the header says. A recorder that was cut off leaves a size of 0, or the size at that
time. A program that writes into a pipe cannot know the size, and writes 0, 0x7FFFFFFF or 0xFFFFFFFF.
"""

from __future__ import annotations

import io
import os
import struct
from typing import NamedTuple

from mltk.audio.findings import Kind

UNKNOWN_SIZE = 0x7FFF0000
"""From this size on, the header says that the size is not known."""

LITTLE_BYTES = 1024
"""As many bytes after the data can be anything that a program appends to a file."""

_APPENDED = (b"TAG", b"ID3", b"APETAGEX")


class _Data(NamedTuple):
    """The data chunk of a WAV file: the place of its first byte, its size in the header, and the bytes that follow."""

    start: int
    said: int
    actual: int
    big_endian: bool


def compare(path: str | bytes) -> tuple[io.BytesIO | None, list[tuple[Kind, str]]]:
    """Compare the header of a WAV file with the file.

    Args:
        path: Audio file of any format.

    Returns:
        A copy of the file in memory, with the right sizes, if the header's size is too small; otherwise None. And what
        was found.

    Raises:
        OSError: The file cannot be read.
    """
    with open(path, "rb") as file:
        data = _find_data(file)
        if data is None or data.said == data.actual or data.said >= UNKNOWN_SIZE:
            return None, []
        detail = f"the header says {data.said} bytes, and {data.actual} follow"
        if data.said > data.actual:
            return None, [(Kind.CUT, detail)]
        file.seek(data.start + data.said)
        if not _is_audio(file.read(), data):
            return None, []
        file.seek(0)
        content = bytearray(file.read())
    size = ">I" if data.big_endian else "<I"
    struct.pack_into(size, content, 4, len(content) - 8)
    struct.pack_into(size, content, data.start - 4, data.actual)
    return io.BytesIO(bytes(content)), [(Kind.SIZE, detail)]


def _find_data(file: io.BufferedReader) -> _Data | None:
    size = os.fstat(file.fileno()).st_size
    head = file.read(12)
    if head[:4] not in (b"RIFF", b"RIFX") or head[8:] != b"WAVE" or size >= 1 << 32:
        return None
    big_endian = head[:4] == b"RIFX"
    place = 12
    while True:
        file.seek(place)
        chunk = file.read(8)
        if len(chunk) < 8:
            return None
        (n,) = struct.unpack(">I" if big_endian else "<I", chunk[4:])
        if chunk[:4] == b"data":
            return _Data(place + 8, n, size - place - 8, big_endian)
        place += 8 + n + n % 2


def _is_audio(rest: bytes, data: _Data) -> bool:
    """Return whether what follows the data, as the header counts them, are more data."""
    if any(_are_chunks(rest[pad:], data.big_endian) for pad in {0, data.said % 2}):
        return False
    if not data.said:
        return True
    appended = rest.startswith(_APPENDED) or not rest.strip(b"\0")
    return not appended and len(rest) > min(LITTLE_BYTES, data.said)


def _are_chunks(rest: bytes, big_endian: bool) -> bool:
    """Return whether ``rest`` consists of chunks, to its end."""
    place = 0
    while len(rest) - place >= 8:
        name, n = struct.unpack_from(">4sI" if big_endian else "<4sI", rest, place)
        if not all(32 <= byte < 127 for byte in name):
            return False
        place += 8 + n + n % 2
    return len(rest) - place in (-1, 0, 1)
