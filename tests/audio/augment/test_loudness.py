"""Loudness: the amplitude changes, and is clipped."""

from __future__ import annotations

import numpy as np

from mltk.audio.augment import loudness


def test_loudness_clips_at_the_ends_of_int16() -> None:
    assert loudness.apply(np.array([100, -100], np.int16), 0.5).tolist() == [50, -50]
    assert loudness.apply(np.array([30000, -30000], np.int16), 2).tolist() == [32767, -32768]
