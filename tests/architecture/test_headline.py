"""With ``--fail-on-skip``, a skipped headline test is a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.headline import HEADLINE, TESTS, forbid_skip


def skipped(reason: str, path: Path) -> pytest.CollectReport:
    return pytest.CollectReport(str(path), "skipped", (str(path), 1, f"Skipped: {reason}"), [])


@pytest.mark.parametrize(
    ("file", "reason", "outcome"),
    [
        ("micro/exact/test_exact.py", "tflite-micro is not installed", "failed"),
        ("audio/speech/engines/test_engines.py", "espeakng-loader is not installed", "failed"),
        ("device/test_audio_frontend.py", "qemu-system-arm is not installed", "skipped"),
        ("operations/test_view.py", "Netron is not installed", "skipped"),
    ],
)
def test_only_what_pip_cannot_install_may_be_skipped(file: str, reason: str, outcome: str) -> None:
    report = skipped(reason, TESTS / file)
    forbid_skip(report, TESTS / file)
    assert report.outcome == outcome
    assert (f"(--fail-on-skip). Skipped: {reason}" in str(report.longrepr)) == (outcome == "failed")


def test_the_headline_tests_exist() -> None:
    assert [path for path in HEADLINE if not (TESTS / path).exists()] == []
