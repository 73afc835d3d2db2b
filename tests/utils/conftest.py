"""Every test has a user folder and a working folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder; the user folder is ``user`` beside it."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "user"))
    monkeypatch.delenv("MLTK_USER_SETTINGS_PATH", raising=False)
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def work(own_folders: Path) -> Path:
    """The working folder of the test."""
    return own_folders
