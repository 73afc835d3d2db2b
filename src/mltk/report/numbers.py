"""Numbers as people read them."""

from __future__ import annotations

import math

UNKNOWN = "unknown"
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def percent(share: float | None, digits: int = 1) -> str:
    """Return a share as per cent, such as ``97.8 %``; ``unknown`` for None and NaN."""
    return UNKNOWN if share is None or math.isnan(share) else f"{share * 100:.{digits}f} %"


def unbroken(text: str) -> str:
    """Return text in which no line ends between a number and its percent sign."""
    return text.replace(" %", "\u00a0%")


def count(value: float | None) -> str:
    """Return a whole number with separators, such as ``14,304``."""
    return UNKNOWN if value is None or math.isnan(value) else f"{value:,.0f}"


def short(value: float | None, unit: str = "") -> str:
    """Return a number with three digits and a prefix, such as ``88.1 k``."""
    if value is None or math.isnan(value):
        return UNKNOWN
    for size, prefix in _PREFIXES:
        if abs(value) >= size:
            return f"{value / size:.3g} {prefix}{unit}"
    return f"{value:.3g}{' ' + unit if unit else ''}"


def n_bytes(value: float | None) -> str:
    """Return a number of bytes, such as ``14.3 kB``; 1 kB is 1000 bytes."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{value:,.0f} bytes" if abs(value) < 1000 else short(value, "B")


def rate(value: float | None) -> str:
    """Return a number of events in an hour, such as ``1,043`` or ``3.5``: never with an exponent or a prefix."""
    if value is None or math.isnan(value):
        return UNKNOWN
    return f"{value:,.0f}" if value >= 99.95 else f"{value:.3g}"


def duration(hours: float) -> str:
    """Return a length of audio in the unit that fits, such as ``1 hour``, ``3.2 minutes`` or ``14 seconds``."""
    value, unit = hours, "hour"
    if hours < 0.9995:
        value, unit = (hours * 60, "minute") if hours * 60 >= 0.9995 else (hours * 3600, "second")
    text = f"{value:.3g}"
    return f"{text} {unit}{'' if text == '1' else 's'}"


def seconds(value: float | None) -> str:
    """Return a time, such as ``1.44 ms``."""
    if value is None or math.isnan(value):
        return UNKNOWN
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e6:.3g} µs"


def figure(value: object) -> str:
    """Return a figure of any kind: four digits of a float, everything else as text."""
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return UNKNOWN if math.isnan(value) else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def interval(right: float, n: int) -> tuple[float, float]:
    """Return the bounds of a share between which the true share is with 95 % certainty.

    Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Args:
        right: The share that was found, from 0 to 1.
        n: Number of samples, at least 1.
    """
    z = 1.959964
    middle = (right + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(right * (1 - right) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
