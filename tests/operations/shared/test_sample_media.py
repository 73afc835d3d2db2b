"""A sample as a page can show it."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mltk.operations.shared.sample_media import Source, media_of, picture_or_curves


def picture(sample: np.ndarray, *, spectrogram: bool = False) -> np.ndarray:
    found = picture_or_curves(sample, spectrogram=spectrogram)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found["picture"]))))


@pytest.mark.parametrize("shape", [(6, 8, 1), (6, 8, 3), (40, 50)])
def test_a_picture_keeps_its_shape(shape: tuple[int, ...]) -> None:
    assert picture(np.random.default_rng(0).random(shape)).shape[:2] == shape[:2]


def test_a_spectrogram_has_time_to_the_right_and_high_frequencies_at_the_top() -> None:
    sample = np.zeros((49, 40, 1), np.int8)
    sample[10, 39] = 100  # frame 10, the highest channel
    pixels = picture(sample, spectrogram=True)
    assert pixels.shape == (40, 49)
    assert np.unravel_index(pixels.argmax(), pixels.shape) == (0, 10)


@pytest.mark.parametrize(("shape", "channels", "points"), [((50,), 1, 50), ((50, 6), 6, 50), ((5000, 3), 3, 556)])
def test_a_signal_becomes_curves(shape: tuple[int, ...], channels: int, points: int) -> None:
    found = picture_or_curves(np.ones(shape), spectrogram=False)
    assert (len(found["curves"]), len(found["curves"][0])) == (channels, points)


@pytest.mark.parametrize("sample", [np.array(["text"]), np.zeros((3, 4, 5, 6)), np.zeros(0)])
def test_what_cannot_be_shown_is_left_out(sample: np.ndarray) -> None:
    assert picture_or_curves(sample, spectrogram=False) == {}


def test_a_large_picture_is_made_smaller() -> None:
    assert max(picture(np.zeros((1200, 900, 1))).shape) <= 512


def test_a_sound_is_there_to_be_heard() -> None:
    sound = np.arange(100, dtype=np.int16)
    media = media_of(np.zeros((49, 40, 1)), Source("a.wav", sound, 16000), spectrogram=True)
    assert base64.b64decode(media["sound"])[:4] == b"RIFF"
    assert "sound" not in media_of(np.zeros((49, 40, 1)), Source(), spectrogram=True)
