"""Data behind the FlatBuffer of a ``.tflite``, which is appended again when the file is written.

TensorFlow Lite Metadata appends the associated files of a model (labels, vocabularies) as a ZIP archive. The directory
of the archive counts positions from the start of the ``.tflite``. If the FlatBuffer grows, the positions must change.
Source: https://ai.google.dev/edge/litert/models/metadata and PKWARE's APPNOTE.TXT, sections 4.3.12 and 4.3.16.
"""

from __future__ import annotations

import struct

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_CENTRAL_SIZE, _END_SIZE = 46, 22


def appended_bytes(source: bytes, end: int) -> tuple[bytes, int]:
    """Return the bytes behind ``end``, without padding, and their position."""
    tail = source[end:].lstrip(b"\0")
    return tail, len(source) - len(tail)


def append(packed: bytes, tail: bytes, position: int) -> bytes:
    """Return ``packed`` followed by ``tail``, which was at ``position`` of its original file."""
    if not tail:
        return packed
    if tail.startswith(_LOCAL):
        tail = _move_zip(tail, position, len(packed) - position)
    return packed + tail


def _move_zip(archive: bytes, position: int, shift: int) -> bytes:
    """Return a ZIP archive with shifted positions in its directory; unchanged if the directory is damaged."""
    end = archive.rfind(_END)
    if end < 0 or end + _END_SIZE > len(archive):
        return archive
    count, _, start = struct.unpack_from("<HII", archive, end + 10)
    moved = bytearray(archive)
    if not _shift(moved, end + 16, shift):
        return archive
    at = start - position
    for _ in range(count):
        if at < 0 or at + _CENTRAL_SIZE > end or archive[at : at + 4] != _CENTRAL:
            return archive
        if not _shift(moved, at + 42, shift):
            return archive
        at += _CENTRAL_SIZE + sum(struct.unpack_from("<HHH", archive, at + 28))
    return bytes(moved)


def _shift(archive: bytearray, at: int, shift: int) -> bool:
    value = struct.unpack_from("<I", archive, at)[0] + shift
    if not 0 <= value < 2**32:
        return False
    struct.pack_into("<I", archive, at, value)
    return True
