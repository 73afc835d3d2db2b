from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from mltk.audio.speech.clips import finish, resample, trim_silence, write_wav


def tone(frequency_hz: float, rate_hz: int, seconds: float = 0.5) -> np.ndarray:
    return (10000 * np.sin(2 * np.pi * frequency_hz * np.arange(int(rate_hz * seconds)) / rate_hz)).astype(np.int16)


@pytest.mark.parametrize(
    ("from_hz", "to_hz"), [(22050, 16000), (8000, 16000), (16000, 8000), (48000, 16000), (11025, 16000)]
)
def test_resampling_keeps_what_both_rates_hold(from_hz: int, to_hz: int) -> None:
    y = resample(tone(1000, from_hz), from_hz, to_hz)
    assert len(y) == pytest.approx(to_hz / 2, abs=2)
    middle = slice(200, 3500)
    np.testing.assert_allclose(y[middle], tone(1000, to_hz)[: len(y)][middle], atol=10)


def test_resampling_removes_what_the_new_rate_cannot_hold() -> None:
    y = resample(tone(9000, 22050), 22050, 16000)
    assert np.abs(y[200:-200]).max() < 10


def test_resampling_of_nothing() -> None:
    assert len(resample(np.zeros(0, np.int16), 22050, 16000)) == 0


def test_silence_is_cut_off() -> None:
    speech = tone(500, 16000, 0.3)
    clip = np.concatenate([np.zeros(4000, np.int16), speech, np.zeros(8000, np.int16)])
    assert len(trim_silence(clip, 16000)) == pytest.approx(len(speech) + 2 * 320, abs=160)
    assert len(trim_silence(np.zeros(4000, np.int16), 16000)) == 0
    assert len(trim_silence(speech, 16000)) == len(speech)


def test_loudness_and_fade() -> None:
    y = finish(tone(500, 16000), 16000, 16000, -6.0)
    assert y.dtype == np.int16
    assert np.abs(y).max() == pytest.approx(32767 * 10 ** (-6 / 20), abs=2)
    assert y[0] == y[-1] == 0
    assert len(finish(np.zeros(0, np.int16), 16000, 16000, -6.0)) == 0


def test_a_wav_file(tmp_path: Path) -> None:
    write_wav(tmp_path / "a.wav", tone(500, 16000), 16000)
    with wave.open(str(tmp_path / "a.wav")) as file:
        assert file.getparams()[:4] == (1, 2, 16000, 8000)
    assert [p.name for p in tmp_path.iterdir()] == ["a.wav"]
