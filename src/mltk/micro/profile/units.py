"""Numbers with units, as people read and write them: ``2.7M``, ``15.3 ms``, ``64k``."""

from __future__ import annotations

import re
from typing import Any

from mltk.errors import MltkError

_LARGE = ("", "k", "M", "G", "T", "P")
_SMALL = ("", "m", "u", "n", "p")
_SIZE = re.compile(r"\s*([0-9.]+)\s*([kmg]?)(?:i?b|bytes)?\s*", re.IGNORECASE)
_TIME = re.compile(r"\s*([0-9.]+)\s*(s|ms|us|µs|μs)\s*", re.IGNORECASE)
_RATE = re.compile(r"\s*([0-9.]+)\s*([kmg]?)(?:hz)?\s*", re.IGNORECASE)
_POWER = re.compile(r"\s*([0-9.]+)\s*(w|mw|uw|µw|μw)\s*", re.IGNORECASE)


def format_units(value: Any) -> Any:
    """Return a number as text with one decimal and an SI prefix, as in MLTK 0.20: ``1.5k``, ``30.7m``, ``0``."""
    if value is None:
        return ""
    if isinstance(value, bool | str):
        return value
    if not value:
        return "0"
    scaled = float(value)
    size = abs(scaled)
    units = _LARGE if size >= 1 else _SMALL
    for unit in units:
        if size < 999.95 and (units is _LARGE or size >= 0.99995):
            return f"{scaled:.1f}{unit}"
        factor = 1e-3 if units is _LARGE else 1e3
        scaled, size = scaled * factor, size * factor
    return f"{value:.1e}"


def format_time(seconds: float) -> str:
    """Return a time in at most eight characters: ``15.3 ms``."""
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        if seconds * factor >= 0.9995:
            return f"{seconds * factor:.3g} {unit}" if seconds * factor < 999.5 else f"{seconds * factor:,.0f} {unit}"
    return f"{seconds * 1e9:.3g} ns" if seconds else "0"


def format_bytes(n: float) -> str:
    """Return a size in bytes up to 9,999, then in KiB or MiB."""
    for unit, factor in (("", 1), (" KiB", 1 << 10), (" MiB", 1 << 20)):
        if n < 10_000 * factor or unit == " MiB":
            return f"{n / factor:,.0f}{unit}" if n / factor >= 100 or not unit else f"{n / factor:.1f}{unit}"
    return f"{n:,.0f}"


def _parse(text: str, pattern: re.Pattern[str], factors: dict[str, float], what: str) -> float:
    match = pattern.fullmatch(text)
    if match and match[1].count(".") <= 1 and match[1] != ".":
        return float(match[1]) * factors[match[2].lower()]
    raise MltkError(f"{text!r} is not a {what}.")


def parse_size(text: str) -> int:
    """Return the bytes of ``"64k"``, ``"1.5M"`` or ``"2048"``. k is 1024."""
    return int(_parse(text, _SIZE, {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}, "size such as 64k or 512k"))


def parse_time(text: str) -> float:
    """Return the seconds of ``"50ms"``, ``"0.2s"`` or ``"800us"``."""
    return _parse(text, _TIME, {"s": 1, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "μs": 1e-6}, "time such as 50ms or 0.2s")


def parse_clock(text: str) -> float:
    """Return the hertz of ``"80M"``, ``"80MHz"`` or ``"80000000"``."""
    value = _parse(text, _RATE, {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}, "clock rate such as 80M")
    if value <= 0:
        raise MltkError(f"A clock rate must be above 0, not {text!r}.")
    return value


def parse_power(text: str) -> float:
    """Return the watts of ``"12mW"``."""
    return _parse(text, _POWER, {"w": 1, "mw": 1e-3, "uw": 1e-6, "µw": 1e-6, "μw": 1e-6}, "power such as 12mW")
