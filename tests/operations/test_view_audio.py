"""``mltk view_audio``: a page that begins with the settings of a model, or with the defaults."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.dense_models import dense_classifier
from helpers.listening_models import listening_model
from mltk.errors import ModelNotFoundError, UnsupportedModelError
from mltk.operations.shared import page_server
from mltk.operations.view_audio import view_audio
from mltk.tflite.model import TfliteModel

SPECIFICATION = """# @mltk_model
import mltk

class Ear(mltk.MltkModel, mltk.AudioDatasetMixin):
    pass

my_model = Ear()
my_model.datagen = mltk.ParallelAudioDataGenerator()
my_model.datagen.frontend_settings.filterbank_n_channels = 23
"""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    pages: list[str] = []
    monkeypatch.setattr(page_server, "serve", lambda page, *_, **__: pages.append(page.replace(" ", "")) or "url")
    return pages


def test_the_page_begins_with_the_settings_of_the_model(served: list[str]) -> None:
    assert view_audio() == "url"
    assert view_audio(TfliteModel(listening_model())) == "url"
    assert '["filterbank_n_channels","int",32,4,128,1]' in served[0]
    assert '["filterbank_n_channels","int",16,4,128,1]' in served[1]


def test_a_specification_that_has_not_been_trained_has_settings_too(
    served: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ear.py").write_text(SPECIFICATION)
    assert view_audio(str(tmp_path / "ear.py")) == "url"
    assert '["filterbank_n_channels","int",23,4,128,1]' in served[0]


def test_a_model_without_a_frontend_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match="no parameters of the audio frontend"):
        view_audio(dense_classifier((20, 24, 3)))
    with pytest.raises(ModelNotFoundError):
        view_audio("not_there.tflite")
