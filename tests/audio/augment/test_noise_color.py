"""Colored noise: its spectrum and its level."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.sound import TONE, level
from mltk.audio.augment import noise_color
from mltk.errors import SettingError


@pytest.mark.parametrize(
    ("color", "decibels_per_octave"), [("white", 0), ("pink", -3), ("brown", -6), ("blue", 3), ("violet", 6)]
)
def test_noise_has_its_color_and_its_level(color, decibels_per_octave) -> None:
    table = noise_color.noise(color)
    assert level(table) == pytest.approx(noise_color.TABLE_LEVEL, rel=0.02)
    power = np.abs(np.fft.rfft(table.astype(np.float64))) ** 2
    octaves = [power[1 << i : 2 << i].mean() for i in range(10, 17)]
    slope = np.polyfit(range(7), 10 * np.log10(octaves), 1)[0]
    assert slope == pytest.approx(decibels_per_octave, abs=0.3)
    noisy = noise_color.apply(TONE, color, 0.1, start=5).astype(int)
    assert level(noisy - TONE) == pytest.approx(0.1 * level(TONE), rel=0.1)


def test_an_unknown_color_is_named() -> None:
    with pytest.raises(SettingError, match="Did you mean 'pink'"):
        noise_color.check_colors(["pnk"])
