"""Pitch: the frequency changes, the duration does not."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio_folder import RATE, tone
from helpers.sound import TONE, frequency, level
from mltk.audio.augment import pitch
from mltk.audio.files import to_int16


@pytest.mark.parametrize("semitones", [-12, -5, -2.5, 2.5, 5, 12])
def test_pitch_changes_the_frequency_and_keeps_the_duration(semitones) -> None:
    changed = pitch.apply(TONE, RATE, semitones)
    assert len(changed) == len(TONE)
    assert frequency(changed) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
    assert level(changed) == pytest.approx(level(TONE), rel=0.05)


def test_raising_the_pitch_lets_nothing_fold_back() -> None:
    """A tone at 6 kHz raised by an octave has no place below 8 kHz."""
    assert level(pitch.apply(to_int16(tone(6000, 1.0)), RATE, 12)) < 0.1 * level(TONE)


def test_floats_are_octaves_of_pitch() -> None:
    semitones = pitch.draw(np.random.default_rng(0), 1000, (-0.5, 0.5))
    assert -6 <= semitones.min() < -5.5
    assert 5.5 < semitones.max() <= 6
