"""Speakers that are made from one natural voice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mltk.audio.speech.accents import FOREIGN_LANGUAGES
from mltk.audio.speech.natural_timbres import VOICED_HZ, Person, Spectra, person, spoken_by

RATE_HZ, BINS, FRAMES = 24000, 601, 60
FORMANT_HZ = 1500.0
SAME = Person(
    pitch_hz=200.0,
    tract=1.0,
    formants=(1.0,) * 9,
    gains_db=(0.0,) * 9,
    sharpness=1.0,
    breath_db=0.0,
    hiss_db=0.0,
    liveliness=0.0,
    jitter=0.0,
    language="en-us",
)


def vowel() -> Spectra:
    """A voice of 200 Hz with one formant, then noise without a voice."""
    hz = np.linspace(0, RATE_HZ / 2, BINS)
    formant = -8 + 8 * np.exp(-0.5 * ((hz - FORMANT_HZ) / 200) ** 2)
    harmonics = np.repeat(formant[:, None], FRAMES, axis=1).astype(np.float32)
    pitch = np.where(np.arange(FRAMES) < 40, 200, 0).astype(np.float32)
    flat = np.full_like(harmonics, -3)
    return Spectra(harmonics, np.zeros_like(harmonics), flat, pitch)


def formant_hz(spectra: Spectra) -> float:
    return float(np.argmax(spectra.harmonics[:, 10]) * RATE_HZ / 2 / (BINS - 1))


def noise_db(spectra: Spectra, frame: int) -> float:
    return float(np.mean(spectra.noise[50:500, frame]) * 20 / np.log(10))


@pytest.mark.parametrize("tract", [0.8, 1.0, 1.25])
def test_the_vocal_tract_moves_the_formants_and_not_the_pitch(tract: float) -> None:
    changed = spoken_by(replace(SAME, tract=tract), vowel(), RATE_HZ, "a")
    assert formant_hz(changed) == pytest.approx(FORMANT_HZ * tract, abs=40)
    pitch = changed.pitch_hz[changed.pitch_hz > VOICED_HZ]
    assert np.median(pitch) == pytest.approx(200, rel=0.02)


def test_the_pitch_moves_and_not_the_formants() -> None:
    low = spoken_by(replace(SAME, pitch_hz=100.0), vowel(), RATE_HZ, "a")
    assert formant_hz(low) == pytest.approx(FORMANT_HZ, abs=40)
    assert np.median(low.pitch_hz[low.pitch_hz > VOICED_HZ]) == pytest.approx(100, rel=0.02)
    higher = spoken_by(replace(SAME, pitch_hz=100.0), vowel(), RATE_HZ, "a", pitch=1.5)
    np.testing.assert_allclose(higher.pitch_hz, 1.5 * low.pitch_hz, rtol=1e-5)


def test_sounds_without_a_voice_stay_without() -> None:
    for number in range(30):
        changed = spoken_by(person(number), vowel(), RATE_HZ, str(number))
        voiced = changed.pitch_hz > VOICED_HZ
        assert 20 < voiced.sum() < 55
        assert not voiced[-5:].any()
        assert changed.pitch_hz[voiced].min() >= 55
        assert all(np.isfinite(part).all() for part in vars(changed).values())


def test_breath_and_hiss() -> None:
    plain = spoken_by(SAME, vowel(), RATE_HZ, "a")
    breathy = spoken_by(replace(SAME, breath_db=6.0, hiss_db=-10.0), vowel(), RATE_HZ, "a")
    assert noise_db(breathy, 10) - noise_db(plain, 10) == pytest.approx(6, abs=0.1)
    assert noise_db(breathy, -1) - noise_db(plain, -1) == pytest.approx(-10, abs=0.1)


def test_gain_and_sharpness_of_the_formants() -> None:
    plain = spoken_by(SAME, vowel(), RATE_HZ, "a").harmonics[:, 10]
    loud = spoken_by(replace(SAME, gains_db=(6.0,) * 9), vowel(), RATE_HZ, "a").harmonics[:, 10]
    np.testing.assert_allclose(loud - plain, 6 * np.log(10) / 20, atol=1e-4)
    flat = spoken_by(replace(SAME, sharpness=0.5), vowel(), RATE_HZ, "a").harmonics[:, 10]
    assert np.ptp(flat) < 0.9 * np.ptp(plain)


def test_utterances_of_one_speaker_differ_in_rhythm() -> None:
    ends = {int((spoken_by(SAME, vowel(), RATE_HZ, str(i)).pitch_hz > VOICED_HZ).sum()) for i in range(20)}
    assert len(ends) > 5
    first, again = (spoken_by(person(3), vowel(), RATE_HZ, "seven") for _ in range(2))
    np.testing.assert_array_equal(first.harmonics, again.harmonics)
    np.testing.assert_array_equal(first.pitch_hz, again.pitch_hz)


def test_a_thousand_speakers_are_as_different_as_people() -> None:
    people = [person(number) for number in range(1000)]
    assert person(7) is person(7)
    assert len({p.pitch_hz for p in people}) > 950
    assert 0.62 < np.mean([p.language == "en-us" for p in people]) < 0.78
    assert {p.language for p in people} == {"en-us", *FOREIGN_LANGUAGES}
    low, high = np.percentile([p.pitch_hz for p in people], [5, 95])
    assert low < 110
    assert high > 250
    low, high = np.percentile([p.tract for p in people], [5, 95])
    assert low < 0.85
    assert high > 1.1


def test_one_frame_is_enough() -> None:
    first = Spectra(*(part[..., :1] for part in vars(vowel()).values()))
    assert spoken_by(person(1), first, RATE_HZ, "a").harmonics.shape == (BINS, 1)
