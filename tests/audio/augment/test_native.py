"""The C code of the effects: lengths, rates, vectors, and all effects at once."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.audio_folder import RATE, tone
from helpers.sound import frequency, level, vowel
from mltk.audio.augment import background_noise, loudness, offset
from mltk.audio.augment._native import Effects, neutral
from mltk.audio.files import to_int16


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 44100, 48000])
@pytest.mark.parametrize("options", [{"speed": 0.5}, {"speed": 2.0}, {"pitch": 0.6}, {"pitch": 1.7}, {"vtlp": 0.9}])
def test_effects_of_odd_lengths_and_rates(rate, options) -> None:
    """Every length is processed to its end, and by the effect, not with what lies beside the clip in memory."""
    effects, rng = Effects(rate), np.random.default_rng(0)
    for n in (1, 2, 15, 63, 64, 65, 1000, 4097):
        memory = rng.integers(-8000, 8001, n + 200).astype(np.int16)
        clip = memory[100:-100]
        changed = effects.warp(clip, **options)
        assert len(changed) == max(1, round(n / options.get("speed", 1.0)))
        assert np.abs(changed.astype(int)).max() <= 1.7 * np.abs(clip.astype(int)).max()
        memory[:100] = memory[-100:] = 32767
        assert np.array_equal(effects.warp(clip, **options), changed)
        assert not effects.warp(np.zeros(n, np.int16), **options).any()
        if n >= 15:
            assert 0.4 * level(clip) < level(changed) < 1.2 * level(clip)
        if n >= 1000:
            wave = to_int16(tone(rate / 40, n / rate + 0.01, rate=rate))[:n]
            wanted = rate / 40 * options.get("pitch", 1.0)
            assert frequency(effects.warp(wave, **options), rate) == pytest.approx(wanted, rel=0.01)


def test_an_empty_clip_stays_empty() -> None:
    assert len(Effects(16000).warp(np.empty(0, np.int16), speed=0.5)) == 0


def test_the_width_of_vectors_changes_no_sample() -> None:
    rng = np.random.default_rng(0)
    for rate in (8000, 16000, 48000):  # FFTs of an odd and of an even power of two
        widest, narrow = Effects(rate), Effects(rate, most_lanes=8)
        for n in (100, 5000, 20011):
            clip = rng.integers(-32768, 32768, n).astype(np.int16)
            options = {"speed": 0.9, "pitch": 1.1, "vtlp": 1.05}
            assert np.array_equal(widest.warp(clip, **options), narrow.warp(clip, **options))


def test_all_effects_at_once_are_the_single_ones_one_after_the_other() -> None:
    clip = vowel(110, (700, 1800))[:9000]
    recording = to_int16(np.random.default_rng(1).normal(0, 0.1, 3000))
    effects = neutral(1)
    effects["clip"], effects["n_clip"] = clip.ctypes.data, len(clip)
    effects["noise"], effects["n_noise"], effects["noise_start"] = recording.ctypes.data, len(recording), 1500
    effects["speed"], effects["pitch"], effects["vtlp"] = 0.9, 1.1, 1.05
    effects["offset"], effects["gain"], effects["noise_gain"] = 0.3, 0.5, 0.2
    together = Effects(RATE).apply(effects, RATE)[0]
    apart = Effects(RATE).warp(clip, speed=0.9, pitch=1.1, vtlp=1.05)
    apart = loudness.apply(offset.apply(apart, RATE, float(np.float32(0.3))), float(np.float32(0.5)))
    apart = background_noise.apply(apart, recording, float(np.float32(0.2)), 0.5)
    assert np.abs(together.astype(int) - apart).max() <= 1
