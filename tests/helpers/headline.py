"""Headline tests: they check that the host computes the numbers of the device. CI must run them, not skip them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
HEADLINE = ("micro/exact", "micro/engines", "micro/test_parity.py", "audio/frontend", "audio/speech", "device")
"""Folders and files below ``tests/``."""
ALLOWED = re.compile(
    r"arm-none-eabi-gcc|qemu-system-arm|larger set|files of Kokoro|\b(flite|festival|piper)\b|/proc|\broot\b"
)
"""Reasons of skips that stay allowed: what ``pip install .[dev]`` cannot install."""


def is_headline(path: Path) -> bool:
    """Whether the tests in a file are headline tests."""
    return path.is_relative_to(TESTS) and path.relative_to(TESTS).as_posix().startswith(HEADLINE)


def forbid_skip(report: pytest.TestReport | pytest.CollectReport, path: Path) -> None:
    """Turn a skip of headline tests into a failure.

    Args:
        report: Report of a test, or of collecting a file; changed in place.
        path: File with the test.
    """
    if not report.skipped or hasattr(report, "wasxfail") or not is_headline(path):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    if not ALLOWED.search(reason):
        report.outcome = "failed"
        report.longrepr = f"{path}: a headline test was skipped (--fail-on-skip). {reason}"
