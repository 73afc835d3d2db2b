"""Each effect does what its parameter says, and draws by the generator it is given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.audio_folder import RATE, tone
from mltk.audio.augment import background_noise, ends, loudness, noise_color, offset, pitch, speed, trim, vtlp
from mltk.audio.augment._native import Effects, neutral
from mltk.audio.files import to_int16
from mltk.data.pipeline.normalize import normalize, normalize_batch
from mltk.errors import SettingError


def frequency(clip: np.ndarray) -> float:
    """Of the strongest component, in Hz."""
    spectrum = np.abs(np.fft.rfft(clip * np.hanning(len(clip)), 1 << 17))
    return float(spectrum.argmax() * RATE / (1 << 17))


def level(clip: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(clip.astype(np.float64)))))


TONE = to_int16(tone(440, 1.0))


@pytest.mark.parametrize("factor", [0.5, 0.7, 0.9, 1.1, 1.5, 2.0])
def test_speed_changes_the_duration_and_keeps_the_pitch(factor) -> None:
    changed = speed.apply(TONE, RATE, factor)
    assert len(changed) == round(len(TONE) / factor)
    assert frequency(changed) == pytest.approx(440, abs=2)
    assert level(changed) == pytest.approx(level(TONE), rel=0.05)


@pytest.mark.parametrize("semitones", [-12, -5, -2.5, 2.5, 5, 12])
def test_pitch_changes_the_frequency_and_keeps_the_duration(semitones) -> None:
    changed = pitch.apply(TONE, RATE, semitones)
    assert len(changed) == len(TONE)
    assert frequency(changed) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
    assert level(changed) == pytest.approx(level(TONE), rel=0.05)


def test_raising_the_pitch_lets_nothing_fold_back() -> None:
    """A tone at 6 kHz raised by an octave has no place below 8 kHz."""
    assert level(pitch.apply(to_int16(tone(6000, 1.0)), RATE, 12)) < 0.1 * level(TONE)


def vowel(pitch_hz: float | None, formants: tuple[float, ...]) -> np.ndarray:
    """int16 [1 s]: pulses through resonances; noise without a pitch, as whispered."""
    if pitch_hz is None:
        clip = np.random.default_rng(0).normal(size=RATE)
    else:
        clip = np.diff(np.floor(pitch_hz / RATE * np.arange(RATE)), prepend=0)
    for formant in formants:
        radius = np.exp(-np.pi * 100 / RATE)
        a1, a2 = -2 * radius * np.cos(2 * np.pi * formant / RATE), radius**2
        out = np.zeros(RATE + 2)
        for i, x in enumerate(clip):
            out[i] = x - a1 * out[i - 1] - a2 * out[i - 2]
        clip = out[:RATE]
    return to_int16(0.4 * clip / np.abs(clip).max())


def centre(clip: np.ndarray, near: float) -> float:
    """Of the power of a resonance about there, in Hz."""
    power = np.abs(np.fft.rfft(clip * np.hanning(len(clip)))) ** 2
    frequencies = np.arange(int(near * 0.6), int(near * 1.4))
    part = power[frequencies]
    return float((part * frequencies).sum() / part.sum())


@pytest.mark.parametrize("factor", [0.8, 0.9, 1.1, 1.2])
@pytest.mark.parametrize("formant", [700, 1200, 1800, 2800])
def test_vtlp_moves_formants(factor, formant) -> None:
    """Fully, or where they move by less than the filter resolves (some 150 Hz) by about half or more."""
    clip = vowel(None, (formant,))
    moved = centre(vtlp.apply(clip, RATE, factor), formant) / centre(clip, formant) - 1
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


def test_effects_of_odd_lengths_and_rates() -> None:
    rng = np.random.default_rng(0)
    for rate in (8000, 11025, 16000, 44100, 48000):
        effects = Effects(rate)
        for n in (1, 2, 15, 63, 64, 65, 1000, 4097):
            clip = rng.integers(-32768, 32768, n).astype(np.int16)
            for options in ({"speed": 0.5}, {"speed": 2.0}, {"pitch": 0.6}, {"pitch": 1.7}, {"vtlp": 0.9}):
                changed = effects.warp(clip, **options)
                assert len(changed) == max(1, round(n / options.get("speed", 1.0)))
                assert n < 15 or 0.3 < level(changed) / level(clip) < 1.5, (rate, n, options)
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
    apart = loudness.apply(offset.apply(apart, RATE, np.float32(0.3)), np.float32(0.5))
    apart = background_noise.apply(apart, recording, np.float32(0.2), 0.5)
    assert np.abs(together.astype(int) - apart).max() <= 1


@pytest.mark.parametrize("n", [100, 20000])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_offset_in_c_is_that_in_python(n, share) -> None:
    clip = np.arange(n).astype(np.int16)
    effects = neutral(1)
    effects["clip"], effects["n_clip"], effects["offset"] = clip.ctypes.data, n, share
    assert np.array_equal(Effects(RATE).apply(effects, RATE)[0], offset.apply(clip, RATE, np.float32(share)))


def test_offset_puts_the_clip_where_it_says() -> None:
    clip = np.ones(10, np.int16)
    assert offset.apply(clip, 30, 0.0)[:10].all()
    assert offset.apply(clip, 30, 1.0)[20:].all()
    assert offset.apply(np.arange(30), 10, 0.5).tolist() == list(range(10, 20))


def test_trim_cuts_off_silence_but_not_pauses() -> None:
    quiet, pause = np.zeros(8000, np.int16), np.zeros(4000, np.int16)
    clip = np.concatenate([quiet, TONE, pause, TONE, quiet])
    kept = trim.apply(clip, 30)
    assert 2 * len(TONE) + len(pause) <= len(kept) <= 2 * len(TONE) + len(pause) + 5000
    assert len(trim.apply(quiet, 30)) == len(quiet)
    assert len(trim.apply(TONE[:100], 30)) == 100


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


def test_loudness_clips_at_the_ends_of_int16() -> None:
    assert loudness.apply(np.array([100, -100], np.int16), 0.5).tolist() == [50, -50]
    assert loudness.apply(np.array([30000, -30000], np.int16), 2).tolist() == [32767, -32768]


@pytest.mark.parametrize(
    ("color", "decibels_per_octave"), [("white", 0), ("pink", -3), ("brown", -6), ("blue", 3), ("violet", 6)]
)
def test_noise_has_its_colour_and_its_level(color, decibels_per_octave) -> None:
    table = noise_color.noise(color)
    assert level(table) == pytest.approx(noise_color.TABLE_LEVEL, rel=0.02)
    power = np.abs(np.fft.rfft(table.astype(np.float64))) ** 2
    octaves = [power[1 << i : 2 << i].mean() for i in range(10, 17)]
    slope = np.polyfit(range(7), 10 * np.log10(octaves), 1)[0]
    assert slope == pytest.approx(decibels_per_octave, abs=0.3)
    noisy = noise_color.apply(TONE, color, 0.1, start=5).astype(int)
    assert level(noisy - TONE) == pytest.approx(0.1 * level(TONE), rel=0.1)


def test_background_noise_starts_over_at_its_end() -> None:
    mixed = background_noise.apply(np.zeros(7, np.int16), np.array([10, 20, 30], np.int16), 0.5, 2 / 3)
    assert mixed.tolist() == [15, 5, 10, 15, 5, 10, 15]


def test_an_unknown_colour_is_named() -> None:
    with pytest.raises(SettingError, match="Did you mean 'pink'"):
        noise_color.check_colors(["pnk"])


def test_drawing_is_fixed_by_the_generator_and_stays_in_range() -> None:
    def draw():
        rng = np.random.default_rng(3)
        return speed.draw(rng, 50, (0.8, 1.2)), pitch.draw(rng, 50, (-2, 3)), vtlp.draw(rng, 50, None)

    speeds, semitones, lengths = draw()
    assert all(np.array_equal(a, b) for a, b in zip(draw(), (speeds, semitones, lengths), strict=True))
    assert speeds.min() >= 0.8
    assert speeds.max() <= 1.2
    assert set(semitones) == {-2, -1, 0, 1, 2, 3}
    assert (lengths == 1).all()


def test_turning_an_effect_off_leaves_what_the_others_draw() -> None:
    def places(loud):
        rng = np.random.default_rng(3)
        loudness.draw(rng, 5, loud)
        return offset.draw(rng, 5, (0.0, 1.0))

    assert np.array_equal(places(None), places((0.5, 1.0)))


def test_floats_are_octaves_of_pitch() -> None:
    semitones = pitch.draw(np.random.default_rng(0), 1000, (-0.5, 0.5))
    assert -6 <= semitones.min() < -5.5
    assert 5.5 < semitones.max() <= 6


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[1, 2], [3, 4]]),
        ({"rescale": 2.0}, [[2, 4], [6, 8]]),
        ({"samplewise_center": True}, [[-1.5, -0.5], [0.5, 1.5]]),
        ({"samplewise_std_normalization": True}, [[0.8944264, 1.7888528], [2.6832793, 3.5777056]]),
        ({"samplewise_normalize_range": (-1, 1)}, [[-1, -1 / 3], [1 / 3, 1]]),
        (
            {"samplewise_center": True, "samplewise_std_normalization": True},
            [[-1.3416396, -0.4472132], [0.4472132, 1.3416396]],
        ),
    ],
)
def test_normalize_is_that_of_0_20(options, expected) -> None:
    np.testing.assert_allclose(normalize(np.array([[1, 2], [3, 4.0]], np.float32), **options), expected, rtol=1e-6)


def test_normalize_a_batch_sample_by_sample() -> None:
    samples = np.random.default_rng(0).normal(3, 2, (4, 5, 6)).astype(np.float32)
    batch = normalize_batch(samples, 0.5, True, True)
    for sample, normalized in zip(samples, batch, strict=True):
        np.testing.assert_allclose(normalized, normalize(sample, 0.5, True, True), rtol=1e-5)
    constant = normalize_batch(np.ones((1, 4), np.float32), normalize_range=(0, 1))
    assert constant.tolist() == [[0, 0, 0, 0]]
