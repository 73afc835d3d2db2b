"""Offset: where a clip lies in its window."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio_folder import RATE
from mltk.audio.augment import offset
from mltk.audio.augment._native import Effects, neutral


@pytest.mark.parametrize("n", [100, 20000])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_offset_in_c_is_that_in_python(n, share) -> None:
    clip = np.arange(n).astype(np.int16)
    effects = neutral(1)
    effects["clip"], effects["n_clip"], effects["offset"] = clip.ctypes.data, n, share
    assert np.array_equal(Effects(RATE).apply(effects, RATE)[0], offset.apply(clip, RATE, float(np.float32(share))))


def test_offset_puts_the_clip_where_it_says() -> None:
    clip = np.ones(10, np.int16)
    assert offset.apply(clip, 30, 0.0)[:10].all()
    assert offset.apply(clip, 30, 1.0)[20:].all()
    assert offset.apply(np.arange(30, dtype=np.int16), 10, 0.5).tolist() == list(range(10, 20))
