"""A joined recording: words are where the labels say, the same seed makes the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mltk.audio.files import read_audio_int16
from mltk.audio.streams.joining import Clip, Joiner
from mltk.audio.streams.recordings import find_recordings
from mltk.errors import DatasetError

RATE = 8000
CLASSES = ["yes", "no", "_unknown_"]


def tone(hz: float, seconds: float = 0.5) -> np.ndarray:
    quiet = np.zeros(RATE // 2, np.int16)  # longer than the frames with which the ends are found
    t = np.arange(int(seconds * RATE)) / RATE
    return np.concatenate([quiet, (8000 * np.sin(2 * np.pi * hz * t)).astype(np.int16), quiet])


def clips() -> list[Clip]:
    silence = Clip(np.empty(0, np.int16), "_silence_")
    return [Clip(tone(500), "yes"), Clip(tone(1000), "no"), Clip(tone(2000), "_unknown_"), silence]


def test_the_words_are_where_the_labels_say(tmp_path: Path) -> None:
    path, labels = Joiner(clips(), [], RATE, seed=3).write(str(tmp_path), hours=0.05)
    audio, rate = read_audio_int16(path, RATE)
    assert (len(audio), rate) == (180 * RATE, RATE)
    assert {label.text for label in labels} == {"yes", "no"}
    assert 10 < len(labels) < 60
    for label in labels:
        middle = audio[round((label.start_s + 0.2) * RATE) : round((label.end_s - 0.2) * RATE)].astype(float)
        spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 8000))
        # The word stands out at its own frequency, and 2000 Hz, which is no keyword, never has a label.
        assert abs(int(spectrum[300:2500].argmax()) + 300 - {"yes": 500, "no": 1000}[label.text]) < 30
        assert label.end_s - label.start_s == pytest.approx(0.5, abs=0.35)
    found = find_recordings(str(tmp_path), CLASSES, sample_rate_hz=RATE, shortest_s=1)
    assert len(found.recordings[0].events) == len(labels)
    assert found.notes == []


def test_the_recording_depends_on_the_seed_alone(tmp_path: Path) -> None:
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        Joiner(clips(), [], RATE, seed=seed).write(str(tmp_path / folder), hours=0.02)
    one, again, other = ((tmp_path / f / "joined.wav").read_bytes() for f in "abc")
    assert one == again != other
    Joiner(clips(), [], RATE, seed=1).write(str(tmp_path / "d"), hours=0.04)  # a longer one begins in the same way
    assert (tmp_path / "d" / "joined.wav").read_bytes()[44 : 44 + RATE * 60] == one[44 : 44 + RATE * 60]


def test_background_recordings_are_between_the_words(tmp_path: Path) -> None:
    hum = (3000 * np.sin(np.arange(20 * RATE) * 2 * np.pi * 100 / RATE)).astype(np.int16)
    path, labels = Joiner(clips(), [hum], RATE).write(str(tmp_path), hours=0.02)
    audio, _ = read_audio_int16(path, RATE)
    pause = audio[: int(min(label.start_s for label in labels) * RATE) - RATE // 2][:4000].astype(float)
    assert np.abs(np.fft.rfft(pause, 8000)).argmax() == pytest.approx(100, abs=4)


def test_without_keywords_there_is_nothing_to_join() -> None:
    with pytest.raises(DatasetError, match="no clips of keywords"):
        Joiner([Clip(tone(500), "_unknown_")], [], RATE)
