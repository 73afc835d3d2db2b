"""Figures as JSON can hold them."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np


def plain_data(value: Any) -> Any:
    """Return a value as JSON can hold it.

    Arrays and numbers of NumPy become Python's. NaN and infinity become None. Keys become str.
    """
    if isinstance(value, np.ndarray):
        return plain_data(value.tolist())
    if isinstance(value, np.generic):
        return plain_data(value.item())
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return plain_dict(value)
    if isinstance(value, list | tuple):
        return [plain_data(v) for v in value]
    return value


def plain_dict(values: dict[Any, Any]) -> dict[str, Any]:
    """Return a dict as JSON can hold it; see `plain_data`."""
    return {str(k): plain_data(v) for k, v in values.items()}


def wrap_lines(text: str, width: int) -> str:
    """Wrap each line of a text that is longer than ``width`` columns, between words."""
    return "\n".join(
        line
        if len(line) <= width
        else textwrap.fill(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )
