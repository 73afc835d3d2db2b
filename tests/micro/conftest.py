"""What the tests of `mltk.micro` share."""

from __future__ import annotations

import numpy as np
import pytest
from micro_model_builder import small_cnn

from mltk.micro.engines.runtimes import have_tflm


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if not have_tflm():
        for item in items:
            if "needs_tflm" in getattr(item, "fixturenames", ()):
                item.add_marker(pytest.mark.skip(reason="tflite-micro is not installed"))


@pytest.fixture
def needs_tflm() -> None:
    """The test compares with TensorFlow Lite Micro itself."""


@pytest.fixture(scope="session")
def cnn() -> bytes:
    return small_cnn()


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    return np.random.default_rng(5).integers(-128, 128, (40, 8, 8, 3)).astype(np.int8)
