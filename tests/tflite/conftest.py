"""Models that the tests of `mltk.tflite` share: one made by hand, others found in installed test packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from helpers.tflite_builder import small_cnn


def _package_files(package: str, pattern: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        return []
    return sorted(Path(spec.origin).parent.glob(pattern))


PUBLISHED = [*_package_files("pymicro_wakeword", "models/*.tflite"), *_package_files("tflite_micro", "**/*.tflite")]


@pytest.fixture(scope="session")
def cnn_bytes() -> bytes:
    return small_cnn()


@pytest.fixture(params=PUBLISHED or [None], ids=lambda path: path.name if path else "none installed")
def published(request: pytest.FixtureRequest) -> Path:
    if request.param is None:
        pytest.skip("neither pymicro-wakeword nor tflite-micro is installed")
    return request.param
