"""Every test has a user folder and a working folder of its own."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """``~/.mltk`` and the working folder are empty folders of the test; modules it loads are forgotten."""
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "user"))
    monkeypatch.delenv("MLTK_MODEL_PATHS", raising=False)
    monkeypatch.delenv("MLTK_USER_SETTINGS_PATH", raising=False)
    monkeypatch.chdir(work)
    modules, path = set(sys.modules), list(sys.path)
    logger = logging.getLogger("mltk")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    yield work
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
    for handler in set(logger.handlers) - set(handlers):
        handler.close()
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


@pytest.fixture
def work(own_folders: Path) -> Path:
    """The working folder of the test."""
    return own_folders
