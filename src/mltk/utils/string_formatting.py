"""Numbers and times as text."""

from __future__ import annotations

import datetime
import re
from typing import Any

_SMALL = ("", "m", "µ", "n", "p")
_LARGE = ("", "k", "M", "G", "T", "P")


def format_units(
    value: float,
    precision: int = 3,
    add_space: bool = True,
    ljust: int = 0,
    rjust: int = 0,
    memory_units: bool = False,
) -> str:
    """Return a number with the prefix of its unit: ``"12.345 k"`` of 12345.

    Args:
        value: The number.
        precision: Number of digits after the point.
        add_space: Whether a space stands before the prefix.
        ljust: Smallest length of the text, with spaces at the right.
        rjust: Smallest length of the text, with spaces at the left.
        memory_units: Whether a prefix is 1024 times the one before; numbers below 1 then have no prefix.
    """
    if value == 0:
        text = "0"
    else:
        scaled, prefix = _scaled(float(value), 1024 if memory_units else 1000, small=not memory_units)
        text = f"{scaled:.{precision}f}"
        if prefix:
            text += f"{' ' if add_space else ''}{prefix}"
    return text.ljust(ljust).rjust(rjust)


def _scaled(value: float, base: int, small: bool) -> tuple[float, str]:
    size, step = abs(value), 0
    if small:
        while size < 1 and step < len(_SMALL) - 1:
            size, step = size * 1000, step + 1
        if step:
            return value * 1000**step, _SMALL[step]
    while size >= base and step < len(_LARGE) - 1:
        size, step = size / base, step + 1
    return value / base**step, _LARGE[step]


def convert_units(v: str | int) -> int:
    """Return the number of a text with a prefix of 1024: 1572864 of ``"1.5M"``.

    Args:
        v: A number with ``k``, ``M``, ``G`` or nothing behind it, in upper or lower case. A ``B`` is ignored.

    Raises:
        ValueError: The text is not a whole number of bytes.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmg]?)b?\s*", str(v), re.IGNORECASE)
    number = float(match[1]) * 1024 ** " kmg".index(match[2].lower() or " ") if match else 0.5
    if number != int(number):
        raise ValueError(f"{v!r} is not a whole number with k, M, G or nothing behind it")
    return int(number)


class FormattedInt(int):
    """An int that is shown with the prefix of its unit."""

    def __str__(self) -> str:
        return format_units(int(self))

    def __repr__(self) -> str:
        return int.__repr__(self)

    def __format__(self, format_spec: str) -> str:
        return int.__format__(self, format_spec) if format_spec else str(self)


class FormattedFloat(float):
    """A float that is shown with the prefix of its unit."""

    def __str__(self) -> str:
        return format_units(float(self))

    def __repr__(self) -> str:
        return float.__repr__(self)

    def __format__(self, format_spec: str) -> str:
        return float.__format__(self, format_spec) if format_spec else str(self)


def iso_time_str() -> str:
    """Return the time in UTC, ``2026-11-26T10:50:51.845Z``."""
    return _now().replace("+00:00", "Z")


def iso_time_filename_str() -> str:
    """Return the time in UTC for the name of a file, ``2026-11-26T10-50-51.845``."""
    return _now().removesuffix("+00:00").replace(":", "-")


def pretty_time_str() -> str:
    """Return the local time, ``2026-11-26 10:50:51``."""
    return datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S")


def _now() -> str:
    now: Any = datetime.datetime.now(datetime.UTC)
    return str(now.isoformat(timespec="milliseconds"))
