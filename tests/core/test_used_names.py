"""Every name that the specifications and datasets of MLTK 0.20 use is there.

``data/used_names_0_20.txt`` has the names; ``benchmarks/compatibility_names.py`` made it from the released wheel. A
line with several classes is a setting or method that one of the classes must have.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

NAMES = (Path(__file__).parent / "data" / "used_names_0_20.txt").read_text().splitlines()


def found(name: str) -> bool:
    """Whether a dotted name is a module, or an attribute of a module."""
    words = name.split(".")
    for n in range(len(words), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(words[:n]))
        except ModuleNotFoundError:
            continue
        for word in words[n:]:
            if not hasattr(value, word):
                return False
            value = getattr(value, word)
        return True
    return False


@pytest.mark.tf
def test_every_used_name_is_there() -> None:
    assert len(NAMES) > 400
    missing = []
    for name in NAMES:
        *first, last = name.split()
        member = last.rpartition(".")[2]
        if not any(found(n) for n in [*(f"{base}.{member}" for base in first), last]):
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("name", ["mltk.core.nothing", "mltk.core.MltkModel.nothing", "mltk.nothing.more"])
def test_a_missing_name_is_noticed(name: str) -> None:
    assert not found(name)
