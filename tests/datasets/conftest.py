from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dataset_file_server import FileServer, serve


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    """A server of the empty folder ``tmp_path / "served"``."""
    folder = tmp_path / "served"
    folder.mkdir()
    with serve(folder) as state:
        yield state


@pytest.fixture(autouse=True)
def dataset_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Downloads go to the test's own folder, and nobody waits between attempts."""
    monkeypatch.setenv("MLTK_DATASET_DIR", str(tmp_path / "datasets"))
    monkeypatch.delenv("MLTK_DATASET_MIRROR", raising=False)
    monkeypatch.setattr("mltk.data.fetch.download.RETRY_DELAY_S", 0)
    return tmp_path / "datasets"
