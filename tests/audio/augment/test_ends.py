"""Ends: a clip is cut at a level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.audio_folder import RATE, tone
from mltk.audio.augment import ends
from mltk.audio.files import to_int16


def stairs() -> np.ndarray:
    """int16: 100 ms each at 40, 20, 0, 10 and 30 dB below the loudest, with 100 ms of nothing before and after."""
    levels = [0, 0.01, 0.1, 1, 0.316, 0.0316, 0]
    return to_int16(np.repeat(levels, RATE // 10) * tone(400, 0.7, 0.9))


@pytest.mark.parametrize(
    ("start_db", "stop_db", "begins_ms", "ends_ms"),
    [(5, 5, 300, 400), (15, 25, 300, 500), (25, 15, 200, 500), (60, 60, 100, 600), (0, 0, 0, 700), (0, 35, 0, 600)],
)
def test_ends_are_cut_where_the_level_says(start_db, stop_db, begins_ms, ends_ms) -> None:
    kept = ends.apply(stairs(), RATE, start_db, stop_db)
    start, stop = (int(v[0]) for v in ends.cut(ends.table(stairs(), RATE)[None], *np.array([[start_db], [stop_db]])))
    assert np.array_equal(kept, stairs()[start:stop])
    assert 1000 * start / RATE == pytest.approx(begins_ms, abs=20)  # of which a frame has a part already
    assert 1000 * stop / RATE == pytest.approx(ends_ms, abs=20)


@pytest.mark.parametrize("clip", [np.zeros(0), np.zeros(5000), np.ones(100), np.array([0, 9000])])
def test_ends_of_clips_with_nothing_to_cut(clip) -> None:
    clip = clip.astype(np.int16)
    assert np.array_equal(ends.apply(clip, RATE, 20, 20), clip)


@given(st.binary(max_size=6000), st.integers(0, 60), st.integers(0, 60), st.integers(1, 9))
def test_ends_keep_the_loudest_frame(data, start_db, stop_db, kilohertz) -> None:
    clip = np.frombuffer(data[: len(data) // 2 * 2], "<i2")
    rate = 1000 * kilohertz
    frame, hop = rate * ends.FRAME_MS // 1000, rate * ends.HOP_MS // 1000
    kept = ends.apply(clip, rate, start_db, stop_db)
    assert len(kept) >= min(len(clip), frame - hop)  # the last frame may be shorter
    if len(clip) > frame:
        power = [np.convolve(c.astype(float) ** 2, np.ones(frame)) for c in (clip, kept)]
        assert power[1].max() >= 0.999 * power[0][frame - 1 :: hop].max()
