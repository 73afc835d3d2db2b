"""Texts that the voices of a language can't read are refused, and texts that fit are not."""

from __future__ import annotations

import pytest

from mltk.audio.speech.dataset import SpeechDataset
from mltk.errors import SettingError


@pytest.mark.parametrize(
    ("text", "language", "speaks"),
    [
        ("你好小智", "en-us", "cmn"),
        ("hey 小智", "de", "cmn"),
        ("привет", "en-gb", "ru"),
        ("привет", "cmn", "ru"),
        ("こんにちは", "en-us", "ja"),
        ("今日は", "ja", "cmn"),
        ("안녕", "en-us", "ko"),
        ("مرحبا", "fr-fr", "ar"),
        ("नमस्ते", "en-us", "hi"),
        ("γειά", "de", "el"),
        ("hello", "ja", "en-us"),
    ],
)
def test_a_script_that_the_language_does_not_have_is_refused(text: str, language: str, speaks: str) -> None:
    with pytest.raises(SettingError, match=rf"keywords: .*{text}") as error:
        SpeechDataset(["go", text] if language != "ja" else [text], language=language)
    assert f"language={speaks!r}" in str(error.value)
    if language != "ja":
        with pytest.raises(SettingError, match="unknown_words"):
            SpeechDataset(["go"], unknown_words=["stop", text], language=language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("你好小智", "cmn"),
        ("hey 小智", "cmn"),
        ("grün", "de"),
        ("grün", "en-us"),
        ("Ælfred ñandú łódź", "en-us"),
        ("42", "en-us"),
        ("it's half-past 7!", "en-us"),
        ("привет", "ru"),
        ("здраво", "sr"),
        ("zdravo", "sr"),
        ("コンピューター", "ja"),
        ("안녕", "ko"),
        ("नमस्ते", "hi"),
        ("tiếng việt", "vi"),
    ],
)
def test_a_script_that_fits_is_accepted(text: str, language: str) -> None:
    SpeechDataset([text], language=language)


def test_a_text_without_letters_is_refused() -> None:
    with pytest.raises(SettingError, match=r"no letters|no words to say"):
        SpeechDataset(["go", "!!!"])
