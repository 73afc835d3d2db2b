"""Folders of made-up recordings, made once."""

from __future__ import annotations

from pathlib import Path

import pytest
from audio_folder import noise_folder, tones_folder


@pytest.fixture(scope="session")
def tones(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 clips of three classes and five speakers."""
    return tones_folder(tmp_path_factory.mktemp("tones"))


@pytest.fixture(scope="session")
def noises(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two recordings of noise."""
    return noise_folder(tmp_path_factory.mktemp("noises"))
