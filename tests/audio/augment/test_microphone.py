"""Frequency responses of microphones and telephones."""

from __future__ import annotations

import numpy as np
import pytest

from mltk.audio.augment import microphone
from mltk.audio.augment.microphone import KNOTS_HZ, TELEPHONE_HZ, Microphone, response

RATE_HZ = 16000
FLAT = (0.0,) * len(KNOTS_HZ)


def tone(hz: float) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(RATE_HZ) / RATE_HZ)).astype(np.float32)


def level_db(samples: np.ndarray, hz: float) -> float:
    return float(20 * np.log10(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))[round(hz)] + 1e-9))


def test_the_response_follows_the_knots() -> None:
    gains = tuple(float(i) for i in range(len(KNOTS_HZ)))
    factors = response(Microphone((20.0, 20000.0), gains), np.array(KNOTS_HZ))
    np.testing.assert_allclose(20 * np.log10(factors), gains, atol=1e-9)
    between = response(Microphone((20.0, 20000.0), gains), np.array([2000 * np.sqrt(2)]))
    assert 20 * np.log10(between[0]) == pytest.approx(5.5)


def test_a_telephone_passes_300_to_3400_hz() -> None:
    line = Microphone(TELEPHONE_HZ, FLAT)
    sound = np.sum([tone(hz) for hz in (75, 150, 1000, 3000, 6800)], axis=0)
    heard = microphone.apply(sound, line, RATE_HZ)
    gain = {hz: level_db(heard, hz) - level_db(sound, hz) for hz in (75, 150, 1000, 3000, 6800)}
    assert gain[3000] - gain[1000] == pytest.approx(0, abs=0.1)
    assert gain[150] - gain[1000] == pytest.approx(-12, abs=0.2)
    assert gain[75] - gain[1000] == pytest.approx(-24, abs=0.2)
    assert gain[6800] - gain[1000] == pytest.approx(-12, abs=0.2)


def test_loudness_and_length_stay() -> None:
    rng = np.random.default_rng(1)
    sound = rng.normal(0, 0.1, 5000).astype(np.float32)
    for _ in range(20):
        heard = microphone.apply(sound, microphone.draw(rng), RATE_HZ)
        assert heard.dtype == np.float32
        assert heard.shape == sound.shape
        assert np.abs(heard).max() == pytest.approx(np.abs(sound).max(), rel=1e-4)
    line = Microphone(TELEPHONE_HZ, FLAT)
    assert microphone.apply(sound, None, RATE_HZ) is sound
    assert microphone.apply(sound[:0], line, RATE_HZ).shape == (0,)
    np.testing.assert_array_equal(microphone.apply(np.zeros(50, np.float32), line, RATE_HZ), np.zeros(50))


def test_the_end_of_a_clip_does_not_come_back_at_its_beginning() -> None:
    click = np.zeros(4000, np.float32)
    click[-1] = 0.5
    heard = microphone.apply(click, Microphone(TELEPHONE_HZ, FLAT), RATE_HZ)
    assert np.abs(heard[:1000]).max() < 0.01 * np.abs(heard).max()


def test_microphones_that_are_drawn() -> None:
    rng = np.random.default_rng(3)
    drawn = [microphone.draw(rng) for _ in range(800)]
    assert 150 < sum(m is None for m in drawn) < 250
    assert 60 < sum(m is not None and m.band_hz == TELEPHONE_HZ for m in drawn) < 140
    gains = np.array([m.gains_db for m in drawn if m is not None])
    assert gains.shape[1] == len(KNOTS_HZ)
    assert 2 < gains.std() < 6
