"""Hibari's engine, with the real model of the package ``hibari-tts``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest

from mltk.audio.speech import SpeechDataset
from mltk.audio.speech.engines import SpeechError, Utterance, installed_engines, make_engine
from mltk.audio.speech.engines.hibari import HibariEngine
from mltk.audio.speech.natural_timbres import person
from mltk.errors import MissingDependencyError, SettingError


@pytest.fixture(scope="module")
def hibari() -> Iterator[HibariEngine]:
    with make_engine("hibari") as engine:
        assert isinstance(engine, HibariEngine)
        yield engine


def pitch_hz(samples: np.ndarray, rate_hz: int) -> float:
    """Pitch of the loudest 100 ms, by autocorrelation."""
    n = rate_hz // 10
    levels = np.convolve(np.square(samples.astype(float)), np.ones(n), "valid")
    part = samples[(start := int(np.argmax(levels))) : start + n].astype(float)
    spectrum = np.fft.rfft(part, 2 * n)
    correlation = np.fft.irfft(spectrum * spectrum.conj())[: rate_hz // 60]
    lowest = rate_hz // 420
    return float(rate_hz / (lowest + np.argmax(correlation[lowest:])))


def test_it_speaks(hibari: HibariEngine) -> None:
    assert "hibari" in installed_engines()
    assert hibari.version[0].isdigit()
    slow = hibari.synthesize(Utterance("seven", "heart", rate_wpm=100))
    fast = hibari.synthesize(Utterance("seven", "heart", rate_wpm=220))
    assert slow.sample_rate_hz == 24000
    assert slow.samples.dtype == np.int16
    assert 0.2 < len(fast.samples) / 24000 < 0.7 * len(slow.samples) / 24000 < 2
    assert np.abs(fast.samples.astype(int)).max() > 3000


def test_a_drawn_speaker_has_a_pitch_of_its_own(hibari: HibariEngine) -> None:
    people = [0, 2, 5, 7, 9]
    for number in people:
        said = Utterance("no", f"heart+timbre{number}", pitch_range=0)
        heard = pitch_hz(hibari.synthesize(said).samples, 24000)
        assert heard == pytest.approx(person(number).pitch_hz, rel=0.35), number
    low, high = (
        pitch_hz(hibari.synthesize(Utterance("no", "heart+timbre5", pitch=p, pitch_range=0)).samples, 24000)
        for p in (30, 70)
    )
    assert high > 1.3 * low


def test_the_same_utterance_has_the_same_samples(hibari: HibariEngine) -> None:
    for voice in ("heart", "heart+timbre11"):
        said = Utterance("three", voice, rate_wpm=170, pitch=40)
        first = hibari.synthesize(said).samples
        hibari.synthesize(Utterance("up", "heart+timbre3"))
        np.testing.assert_array_equal(first, hibari.synthesize(said).samples)


def test_words_that_do_not_exist(hibari: HibariEngine) -> None:
    samples = hibari.synthesize(Utterance("~seven", "heart+timbre4", phonemes="z_'E_v_@_n")).samples
    assert np.abs(samples.astype(int)).max() > 1000
    with pytest.raises(SpeechError, match='no symbol for the sound "\'Y:"'):
        hibari.synthesize(Utterance("", "heart", phonemes="'Y:"))


def test_voices(hibari: HibariEngine) -> None:
    names = hibari.voices()
    assert names[:2] == ["heart", "heart+timbre0"]
    assert len(names) == len(set(names)) == 400
    assert hibari.language_of("heart") == "en-us"
    assert hibari.language_of("heart+timbre12") == person(12).language
    for wrong in ("nobody", "heart+m3", "heart+timbre", "heart+timbreX", "heart+", ""):
        with pytest.raises(SpeechError, match=r"no Hibari voice(.|\n)*heart\+timbre17"):
            hibari.synthesize(Utterance("yes", wrong))


def test_a_dataset_with_accents_and_near_misses() -> None:
    dataset = SpeechDataset(["three"], samples_per_keyword=40, samples_unknown=20, engines="hibari")
    clips = dataset.plan()
    french = [c for c in clips if c.class_name == "three" and HibariEngine.language_of(c.utterance.voice) == "fr-fr"]
    assert {c.utterance.phonemes for c in french} <= {"s_r_'i:"}
    assert any(c.utterance.phonemes for c in clips if c.class_name == "three")
    assert any(c.utterance.text == "~three" for c in clips)


def test_it_speaks_english_only() -> None:
    with pytest.raises(SettingError, match="language is 'de', but the engine 'hibari' can only speak English"):
        SpeechDataset(["ja"], language="de", engines=["espeak", "hibari"])


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hibari.dsp", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'openmltk\[voices\]'"):
        make_engine("hibari")
