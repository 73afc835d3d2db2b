"""Clips that are recorded in simulated rooms."""

from __future__ import annotations

import numpy as np

from mltk.audio.speech.surroundings import ECHO_MS, record

RATE_HZ = 16000


def sound() -> np.ndarray:
    return np.random.default_rng(1).normal(0, 3000, 8000).astype(np.int16)


def test_the_seed_determines_room_and_microphone() -> None:
    first, about = record(sound(), RATE_HZ, "42/yes/a.wav", None)
    again, same = record(sound(), RATE_HZ, "42/yes/a.wav", None)
    np.testing.assert_array_equal(first, again)
    assert about == same
    others = [record(sound(), RATE_HZ, f"42/yes/{i}.wav", None)[1] for i in range(200)]
    assert 60 < sum(a["room"] is not None for a in others) < 140
    assert 120 < sum(a["microphone"] is not None for a in others) < 180


def test_echoes_make_a_clip_longer_up_to_the_limit() -> None:
    for i in range(40):
        samples, about = record(sound(), RATE_HZ, str(i), None)
        assert samples.dtype == np.int16
        echo = ECHO_MS * RATE_HZ // 1000 if about["room"] else 0
        assert len(samples) == 8000 + echo
        assert np.abs(samples.astype(int)).max() <= np.abs(sound().astype(int)).max() + 1
        for longest in (6000, 8000, 8100):
            limited, _ = record(sound(), RATE_HZ, str(i), longest)
            assert len(limited) == (max(8000, longest) if echo else 8000)


def test_neither_room_nor_microphone_changes_nothing() -> None:
    plain = [
        samples
        for samples, about in (record(sound(), RATE_HZ, str(i), None) for i in range(60))
        if not about["room"] and not about["microphone"]
    ]
    assert plain
    for samples in plain:
        np.testing.assert_array_equal(samples, sound())
