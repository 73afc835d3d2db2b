"""Pieces of recordings: every fourth counts, and no keyword is cut."""

from __future__ import annotations

import numpy as np

from mltk.audio.streams.pieces import LONGEST_PIECE_S, Times, first_part

NO_WORDS = (np.empty(0, np.int64), np.empty(0, np.int64))


def words(*spans: tuple[int, int]) -> tuple[Times, Times]:
    return np.array([s for s, _ in spans], np.int64), np.array([e for _, e in spans], np.int64)


def test_every_fourth_piece_counts() -> None:
    (pieces,) = first_part([3600.0], [NO_WORDS])
    assert len(pieces.counts) == 3600 / LONGEST_PIECE_S
    assert pieces.counts.tolist() == [True, False, False, False] * 90
    np.testing.assert_array_equal(np.diff(pieces.edges_ms), 10_000)
    assert pieces.seconds == 900
    assert pieces.others().seconds == 2700
    times = np.array([0, 9_999, 10_000, 39_999, 40_000, 3_600_000])
    assert pieces.contain(times).tolist() == [True, True, False, False, True, False]
    np.testing.assert_array_equal(pieces.others().contain(times), ~pieces.contain(times))


def test_short_audio_has_shorter_pieces() -> None:
    (pieces,) = first_part([60.0], [NO_WORDS])
    assert len(pieces.counts) == 40
    assert pieces.seconds == 15


def test_short_recordings_take_turns_together() -> None:
    found = first_part([4.0] * 400, [NO_WORDS] * 400)
    assert sum(p.seconds for p in found) == 400
    assert [p.counts.tolist() for p in found[:6]] == [[True], [True], [True, False], [False], [False], [False]]
    assert found[2].edges_ms.tolist() == [0, 2000, 4000]


def test_a_cut_waits_until_no_keyword_can_be_detected() -> None:
    spans = words((9_000, 10_000), (20_000, 21_000), (29_000, 30_500), (30_400, 31_000), (45_000, 80_000))
    (pieces,) = first_part([400.0], [spans])
    assert pieces.edges_ms[:7].tolist() == [0, 10_001, 20_000, 31_001, 40_000, 80_001, 80_001]
    for start, end in zip(*spans, strict=True):
        assert len(set(np.searchsorted(pieces.edges_ms[1:-1], np.arange(start, end + 1), side="right").tolist())) == 1


def test_a_recording_that_is_one_keyword_is_not_cut() -> None:
    (pieces,) = first_part([20.0], [words((0, 25_000))])
    assert pieces.contain(np.array([0, 10_000, 19_999])).tolist() == [True] * 3
    assert pieces.seconds == 20


def test_an_empty_recording_has_a_piece() -> None:
    (pieces,) = first_part([0.0], [NO_WORDS])
    assert pieces.seconds == 0
    assert len(pieces.counts) == 1
