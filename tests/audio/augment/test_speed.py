"""Speed: the duration changes, the pitch does not."""

from __future__ import annotations

import pytest

from helpers.audio_folder import RATE
from helpers.sound import TONE, frequency, level
from mltk.audio.augment import speed


@pytest.mark.parametrize("factor", [0.5, 0.7, 0.9, 1.1, 1.5, 2.0])
def test_speed_changes_the_duration_and_keeps_the_pitch(factor) -> None:
    changed = speed.apply(TONE, RATE, factor)
    assert len(changed) == round(len(TONE) / factor)
    assert frequency(changed) == pytest.approx(440, abs=2)
    assert level(changed) == pytest.approx(level(TONE), rel=0.05)
