"""What the tests of `mltk.micro.profile` share: models made by hand, and published ones from test packages."""

from __future__ import annotations

import pytest

from helpers.published_models import PUBLISHED
from mltk.micro.profile.profiler import profile_tflite
from mltk.micro.profile.results import ProfilingModelResults
from mltk.tflite.model import TfliteModel


@pytest.fixture(params=PUBLISHED or [None], ids=lambda path: path.name if path else "none installed")
def published(request: pytest.FixtureRequest) -> TfliteModel:
    if request.param is None:
        pytest.skip("neither pymicro-wakeword nor tflite-micro is installed")
    return TfliteModel.load_flatbuffer_file(str(request.param))


@pytest.fixture
def cnn_model(cnn: bytes) -> TfliteModel:
    return TfliteModel(cnn, path="small_cnn.tflite")


@pytest.fixture
def results(cnn_model: TfliteModel) -> ProfilingModelResults:
    return profile_tflite(cnn_model, "xg24-mvp")
