"""Pictures and sounds as Base64, read back by other libraries."""

from __future__ import annotations

import base64
import io
import wave

import numpy as np
from PIL import Image

from mltk.report.media import MAX_SOUND_S, png, to_pixels, wav


def opened(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def test_a_gray_picture_is_read_back() -> None:
    image = np.random.default_rng(0).integers(256, size=(5, 7), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(opened(png(image))), image)


def test_a_color_picture_is_read_back() -> None:
    image = np.random.default_rng(0).integers(256, size=(5, 7, 3), dtype=np.uint8)
    np.testing.assert_array_equal(np.asarray(opened(png(image))), image)


def test_colors_of_heat_get_brighter() -> None:
    image = np.arange(256, dtype=np.uint8)[None]
    bright = np.asarray(opened(png(image, heat=True)).convert("RGB")).astype(int).sum(axis=2)[0]
    assert bright[0] < 10
    assert bright[-1] > 600
    assert (np.diff(bright) >= -3).all()


def test_a_sound_is_read_back() -> None:
    samples = np.random.default_rng(0).integers(-(2**15), 2**15, size=800).astype(np.int16)
    with wave.open(io.BytesIO(base64.b64decode(wav(samples, 16000)))) as found:
        assert (found.getframerate(), found.getnchannels(), found.getsampwidth()) == (16000, 1, 2)
        np.testing.assert_array_equal(np.frombuffer(found.readframes(900), "<i2"), samples)


def test_a_long_sound_is_cut() -> None:
    with wave.open(io.BytesIO(base64.b64decode(wav(np.zeros(200_000, np.int16), 8000)))) as found:
        assert found.getnframes() == MAX_SOUND_S * 8000


def test_values_become_gray_values() -> None:
    assert to_pixels(np.array([-1.0, 0.0, 1.0])).tolist() == [0, 128, 255]
    assert to_pixels(np.array([0.5, 3.0]), 0, 1).tolist() == [128, 255]
    assert to_pixels(np.full(3, 7)).tolist() == [0, 0, 0]
    assert to_pixels(np.array([np.nan, np.inf, 1.0])).tolist() == [0, 0, 255]
