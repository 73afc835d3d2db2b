"""Bytes as hexadecimal text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

_ROW = 16


def hexdump(data: bytes | BinaryIO, result: str = "print") -> Any:
    """Show bytes: in each line the position, 16 bytes in hexadecimal, and their characters.

    Args:
        data: The bytes, or a file that is open for reading bytes.
        result: ``"print"`` prints the lines, ``"return"`` returns them as a str, ``"generator"`` as an iterator.

    Returns:
        None, a str, or an iterator over str.

    Raises:
        ValueError: ``result`` is something else.
    """
    content = data if isinstance(data, (bytes, bytearray, memoryview)) else data.read()
    if result == "return":
        return "\n".join(dumpgen(content))
    if result == "generator":
        return dumpgen(content)
    if result != "print":
        raise ValueError(f"{result!r} is not a kind of result. Kinds are 'print', 'return' and 'generator'.")
    for line in dumpgen(content):
        print(line)
    return None


def dumpgen(data: bytes) -> Iterator[str]:
    """Yield the lines of :func:`hexdump`."""
    for at in range(0, len(data), _ROW):
        row = bytes(data[at : at + _ROW])
        halves = f"{dump(row[:8])}  {dump(row[8:])}"
        text = "".join(chr(b) if 0x20 <= b < 0x7F else "." for b in row)
        yield f"{at:08X}: {halves:<49} {text}"


def dump(binary: bytes, size: int = 2, sep: str = " ") -> str:
    """Return bytes in hexadecimal, in upper case.

    Args:
        binary: The bytes.
        size: Number of digits between two separators.
        sep: The separator.
    """
    digits = bytes(binary).hex().upper()
    return sep.join(digits[n : n + size] for n in range(0, len(digits), size))


def dehex(hextext: str) -> bytes:
    """Return the bytes of hexadecimal text; spaces and line breaks are ignored."""
    return bytes.fromhex(hextext)


def restore(dump: str) -> bytes:
    """Return the bytes of text that :func:`hexdump` made."""
    found = b""
    for line in dump.splitlines():
        match = re.match(r"\s*[0-9A-Fa-f]+: ((?:[0-9A-Fa-f]{2} {0,2})+)", line[: 10 + 3 * _ROW + 1])
        if match:
            found += bytes.fromhex(match[1])
    return found
