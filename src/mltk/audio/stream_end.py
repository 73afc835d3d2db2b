"""Find Ogg and MP3 files that were cut: their decoders read them as shorter sounds, without an error.

An Ogg file ends with a page that has a mark. The first frame of most MP3 files says how many bytes follow; without it,
only a frame that is not complete shows the cut. Decoders of FLAC report a cut themselves.
"""

from __future__ import annotations

import struct

from mltk.audio.findings import Kind

_OGG_PAGE = 27 + 255 + 255 * 255
"""Largest size of a page of Ogg in bytes: header, table and data."""

_KBIT_S_MPEG1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBIT_S_MPEG2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
"""Version bits of a frame header (MPEG 1, 2, 2.5) → sample rates."""


def find_cut(path: str | bytes) -> list[tuple[Kind, str]]:
    """Find whether an Ogg or MP3 file was cut.

    Args:
        path: Audio file. The ending of its name says whether it is one of the two; other files are not looked at.

    Returns:
        The finding, if the file was cut; otherwise an empty list.

    Raises:
        OSError: The file cannot be read.
    """
    ending = path[-4:].lower()
    if ending in (".ogg", b".ogg"):
        detail = _cut_ogg(path)
    elif ending in (".mp3", b".mp3"):
        detail = _cut_mp3(path)
    else:
        return []
    return [(Kind.CUT, detail)] if detail else []


def _cut_ogg(path: str | bytes) -> str:
    """Return how an Ogg file was cut; an empty text for a whole file, and for a file of another format."""
    with open(path, "rb") as file:
        if file.read(4) != b"OggS":
            return ""
        file.seek(max(0, file.seek(0, 2) - _OGG_PAGE))
        tail = file.read()
    start = tail.rfind(b"OggS")
    page = tail[start:]
    if start < 0 or len(page) < 27 or len(page) < 27 + page[26]:
        return "its last page has no complete header"
    said = 27 + page[26] + sum(page[27 : 27 + page[26]])
    if len(page) < said:
        return f"its last page has {len(page)} of {said} bytes"
    return "" if page[5] & 4 else "its last page is not marked as the end"


def _cut_mp3(path: str | bytes) -> str:
    """Return how an MP3 file was cut; an empty text for a whole file, and for a file of another format."""
    with open(path, "rb") as file:
        content = file.read()
    place, end = _without_tags(content)
    size = _frame_size(content, place)
    if not size:
        return ""
    counted = _counted_bytes(content[place : place + size])
    if end - place < counted - size:  # encoders do not agree whether the frame with the count is counted
        return f"its header says {counted} bytes, and {end - place} follow"
    while size and place + size <= end:
        place += size
        size = _frame_size(content, place)
    return f"its last frame has {end - place} of {size} bytes" if size and place < end else ""


def _without_tags(content: bytes) -> tuple[int, int]:
    """Return where the frames of an MP3 file begin and end, without the tags of ID3."""
    place = 0
    while content[place : place + 3] == b"ID3" and len(content) >= place + 10:
        a, b, c, d = content[place + 6 : place + 10]
        place += 10 + (a << 21 | b << 14 | c << 7 | d)
    return place, len(content) - 128 * (content[-128:-125] == b"TAG")


def _frame_size(content: bytes, place: int) -> int:
    """Return the size in bytes of the frame of layer III that begins here; 0 if no such frame does."""
    header = content[place : place + 4]
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return 0
    version, index, rate = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version not in _RATES_HZ or index in (0, 15) or rate == 3:
        return 0
    kbit_s = (_KBIT_S_MPEG1 if version == 3 else _KBIT_S_MPEG2)[index]
    return (144_000 if version == 3 else 72_000) * kbit_s // _RATES_HZ[version][rate] + (header[2] >> 1 & 1)


def _counted_bytes(frame: bytes) -> int:
    """Return the number of bytes that the first frame says; 0 if it does not say it."""
    place = max(frame.find(b"Xing"), frame.find(b"Info"))
    if place < 0 or len(frame) < place + 16:
        return 0
    (flags,) = struct.unpack_from(">I", frame, place + 4)
    if not flags & 2:
        return 0
    (counted,) = struct.unpack_from(">I", frame, place + 8 + 4 * (flags & 1))
    return int(counted)
