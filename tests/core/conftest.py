"""A copy of an archive that MLTK 0.20 wrote, and a script as 0.20 users write it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

DATA = Path(__file__).parent / "data"


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the archive, with a user folder of its own."""
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "user"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    path = list(sys.path)
    yield Path(shutil.copy(DATA / "tiny_blobs.mltk.zip", work))
    sys.path[:] = path
    sys.modules.pop("tiny_blobs", None)
