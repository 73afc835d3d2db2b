"""Trim: silence is cut off, pauses are not."""

from __future__ import annotations

import numpy as np

from helpers.sound import TONE
from mltk.audio.augment import trim


def test_trim_cuts_off_silence_but_not_pauses() -> None:
    quiet, pause = np.zeros(8000, np.int16), np.zeros(4000, np.int16)
    clip = np.concatenate([quiet, TONE, pause, TONE, quiet])
    kept = trim.apply(clip, 30)
    assert 2 * len(TONE) + len(pause) <= len(kept) <= 2 * len(TONE) + len(pause) + 5000
    assert len(trim.apply(quiet, 30)) == len(quiet)
    assert len(trim.apply(TONE[:100], 30)) == 100
