"""Kokoro's alphabet of sounds."""

from __future__ import annotations

import pytest

from mltk.audio.speech.accents import FOREIGN_LANGUAGES, with_accent
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.audio.speech.engines.kokoro_alphabet import SOUNDS, TOKENS, symbols_of
from mltk.audio.speech.plan import NATIVE_ENGLISH
from mltk.audio.speech.words import common_words

needs_espeak = pytest.mark.skipif(not EspeakEngine.is_installed(), reason="espeakng-loader is not installed")


def test_every_symbol_has_a_token() -> None:
    symbols = "".join("".join(sound) for sound in SOUNDS.values())
    assert set(symbols) <= set(TOKENS)
    assert len(set(TOKENS.values())) == len(TOKENS)


@needs_espeak
def test_every_english_sound_has_a_symbol() -> None:
    with EspeakEngine() as espeak:
        words = list(common_words())
        for language in NATIVE_ENGLISH:
            for mnemonics in espeak.phonemes_of(words, language):
                assert symbols_of(mnemonics, british=False)
                assert symbols_of(mnemonics, british=True)
        for mnemonics in espeak.phonemes_of(words, "en-us"):
            for language in FOREIGN_LANGUAGES:
                assert symbols_of(with_accent(mnemonics, language), british=False)
