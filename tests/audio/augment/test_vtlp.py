"""Vocal tract length perturbation: formants move, the pitch does not."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio_folder import RATE
from helpers.sound import level, vowel
from mltk.audio.augment import vtlp


def center(clip: np.ndarray, near: float) -> float:
    """Return the center of the power of a resonance near a frequency, in Hz."""
    power = np.abs(np.fft.rfft(clip * np.hanning(len(clip)))) ** 2
    frequencies = np.arange(int(near * 0.6), int(near * 1.4))
    part = power[frequencies]
    return float((part * frequencies).sum() / part.sum())


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.2])
@pytest.mark.parametrize("formant", [700, 1200, 1800, 2800])
def test_vtlp_moves_formants(factor, formant) -> None:
    """Fully; by half or more where they move by less than the resolution of the filter (about 150 Hz)."""
    clip = vowel(None, (formant,))
    moved = center(vtlp.apply(clip, RATE, factor), formant) / center(clip, formant) - 1
    assert 0.4 * abs(factor - 1) < abs(moved) < 1.1 * abs(factor - 1)
    assert (moved > 0) == (factor > 1)


@pytest.mark.parametrize("factor", [0.85, 1.15])
def test_vtlp_keeps_the_pitch(factor) -> None:
    clip = vowel(110, (700, 1800))
    changed = vtlp.apply(clip, RATE, factor)
    assert len(changed) == len(clip)
    part = changed[4000:8000].astype(np.float64)
    periods = np.correlate(part, part, "full")[len(part) - 1 :]
    assert 100 + periods[100:200].argmax() == pytest.approx(RATE / 110, abs=2)


def test_vtlp_of_one_is_the_clip_and_near_one_almost() -> None:
    clip = vowel(110, (700, 1800))
    assert np.array_equal(vtlp.apply(clip, RATE, 1.0), clip)
    near = vtlp.apply(clip, RATE, 1.001).astype(int)[500:-500]
    assert level(near - clip[500:-500]) < 0.02 * level(clip)
