"""What the effects' drawing has in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.errors import SettingError

Range = tuple[float, float]


def uniform(rng: np.random.Generator, n: int, span: Range | None, neutral: float = 0.0) -> npt.NDArray[np.float64]:
    """``n`` values, uniform from ``span[0]`` to ``span[1]``; ``neutral`` without a span.

    As many random numbers are used either way, so that turning one effect off leaves the others as they were.
    """
    drawn = rng.random(n)
    return np.full(n, neutral) if span is None else span[0] + drawn * (span[1] - span[0])


def check_range(name: str, span: object, low: float, high: float, what: str) -> Range | None:
    """The range as a tuple of two numbers. Raises SettingError if it isn't one, or not within ``low`` to ``high``."""
    if span is None:
        return None
    try:
        first, second = (float(v) for v in span)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise SettingError(f"{name} is {span!r}; it has to be (lower, upper): {what}, or None.") from None
    if not low <= first <= second <= high:
        raise SettingError(f"{name} is {span!r}; it has to be (lower, upper) from {low:g} to {high:g}: {what}.")
    return first, second
