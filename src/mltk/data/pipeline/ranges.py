"""Ranges that the parameters of effects are drawn from."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mltk.errors import SettingError

Range = tuple[float, float]
"""``(lowest, highest)``."""


def uniform(rng: np.random.Generator, n: int, span: Range | None, neutral: float = 0.0) -> npt.NDArray[np.float64]:
    """Draw ``n`` values, uniform over ``span``.

    The number of random values that are used does not depend on ``span``. So turning one effect off does not change
    what the other effects draw.

    Args:
        rng: Generator to draw from.
        n: Number of values.
        span: Range of the values; None draws nothing.
        neutral: Value that is returned if there is no range.

    Returns:
        float64 [n].
    """
    drawn = rng.random(n)
    return np.full(n, neutral) if span is None else span[0] + drawn * (span[1] - span[0])


def check_range(name: str, span: object, low: float, high: float, what: str) -> Range | None:
    """Check a setting that holds a range.

    Args:
        name: Name of the setting.
        span: Value of the setting; None is allowed.
        low: Lowest value that is allowed.
        high: Highest value that is allowed.
        what: What the values are, for the message.

    Returns:
        The range as two floats, or None.

    Raises:
        SettingError: The value is not a range, or not within ``low`` and ``high``.
    """
    if span is None:
        return None
    try:
        first, second = (float(v) for v in span)  # type: ignore[attr-defined]  # a TypeError is expected here
    except (TypeError, ValueError):
        raise SettingError(f"{name} is {span!r}; it must be (lowest, highest): {what}, or None.") from None
    if not low <= first <= second <= high:
        raise SettingError(f"{name} is {span!r}; it must be (lowest, highest) within {low:g} to {high:g}: {what}.")
    return first, second
