"""Another machine for the tests of ``mltk ssh``."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.other_machine import OtherMachine, make_other_machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OtherMachine:
    """Another machine. This machine's working folder is ``tmp_path/work``."""
    return make_other_machine(tmp_path, monkeypatch)
