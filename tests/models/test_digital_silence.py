"""The synthetic keyword spotter is trained on digital silence, as of a muted microphone, as class ``_silence_``."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest

from helpers.audio_folder import tone
from mltk.audio.files import write_audio
from mltk.audio.speech.engines.espeak import EspeakEngine


def test_a_fifth_of_the_silence_clips_is_digital_silence(tmp_path: Path) -> None:
    if not EspeakEngine.is_installed():
        pytest.skip("espeakng-loader is not installed")
    from mltk.models.examples.keyword_spotting_synthetic import my_model

    for i in range(300):
        write_audio(str(tmp_path / "one" / f"{i}.wav"), tone(440, 0.1), 16000)
    datagen = copy.copy(my_model.datagen)
    datagen.frontend_enabled, datagen.silence_class_percentage, datagen.debug = False, 1.0, True
    datagen.validation_split = 0.0
    batches = datagen.flow_from_directory(
        str(tmp_path), ["one", "_silence_"], class_mode="sparse", batch_size=600, seed=3
    )
    x, y = batches.batch(0, 0)
    silent = ~x.reshape(600, -1).any(axis=1)
    assert not silent[y == 0].any()
    assert 0.12 < np.mean(silent[y == 1]) < 0.28


def test_a_folder_without_silence_can_be_evaluated(tmp_path: Path) -> None:
    """``evaluate --dataset`` takes folders that lack classes, such as the clips of ``evaluate --stream``."""
    if not EspeakEngine.is_installed():
        pytest.skip("espeakng-loader is not installed")
    from mltk.models.examples.keyword_spotting_synthetic import my_model

    for i in range(20):
        write_audio(str(tmp_path / "one" / f"{i}.wav"), tone(440, 0.5), 16000)
    datagen = copy.copy(my_model.datagen)
    datagen.frontend_enabled, datagen.debug, datagen.validation_split = False, True, 0.0
    batches = datagen.flow_from_directory(str(tmp_path), ["one"], class_mode="sparse", batch_size=20, seed=3)
    x, _ = batches.batch(0, 0)
    assert x.reshape(20, -1).any(axis=1).all()
