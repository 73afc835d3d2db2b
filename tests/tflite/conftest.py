"""Models that the tests of `mltk.tflite` share: one made by hand, others found in installed test packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.published_models import PUBLISHED
from helpers.tflite_builder import small_cnn


@pytest.fixture(scope="session")
def cnn_bytes() -> bytes:
    return small_cnn()


@pytest.fixture(params=PUBLISHED or [None], ids=lambda path: path.name if path else "none installed")
def published(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip("neither pymicro-wakeword nor tflite-micro is installed")
    return request.param
