"""Which scripts the voices of a language can read.

A voice that meets a letter of another script says the name of the letter, such as "Chinese letter", for each letter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from mltk.errors import SettingError

# Script → languages of eSpeak NG 1.52 that read it, the most spoken first. Every other language reads Latin letters.
_LANGUAGES: dict[str, str] = {
    "CJK": "cmn yue cmn-latn-pinyin hak",
    "CYRILLIC": "ru uk bg sr be mk kk ky tt ba cv nog uz bs hr sl lfn ru-cl ru-lv",
    "ARABIC": "ar fa ur sd ug ku",
    "DEVANAGARI": "hi mr ne kok",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "HANGUL": "ko",
    "GREEK": "el grc",
    "HEBREW": "he",
    "THAI": "th",
    "BENGALI": "bn as bpy",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "GUJARATI": "gu",
    "GURMUKHI": "pa",
    "ORIYA": "or",
    "SINHALA": "si",
    "MYANMAR": "my shn",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy hyw",
    "ETHIOPIC": "am ti",
    "CHEROKEE": "chr-us-qaaa-x-west",
    "SHAVIAN": "en-shaw",
}
_NAMES = {"CJK": "Chinese"}
_NOT_LATIN = ("ja",)  # spells Latin words letter by letter


def script_of(letter: str) -> str:
    """Return the script of a letter, as the first word of its Unicode name; empty for digits and signs."""
    if not unicodedata.category(letter).startswith("L"):
        return ""
    words = unicodedata.name(letter, "").split("-")[0].split()
    if words[:1] in (["MODIFIER"], ["FEMININE"], ["MASCULINE"], ["MICRO"]):
        return ""
    if words[:1] in (["HALFWIDTH"], ["FULLWIDTH"]):
        words = words[1:]
    if words[:1] == ["KATAKANA"] and letter == "ー":
        return ""
    return words[0] if words else ""


def check_texts(setting: str, texts: Iterable[str], language: str) -> None:
    """Check that voices of a language can read texts.

    Args:
        setting: Name of the setting that holds the texts, for the message.
        texts: Words or phrases.
        language: Language, as a tag of eSpeak NG.

    Raises:
        SettingError: A text has letters of a script that the language does not use, or nothing that can be said.
    """
    for text in texts:
        if not any(unicodedata.category(c)[0] in "LN" for c in text):
            raise SettingError(f"{setting}: {text!r} has no letters and no digits, so a voice says nothing.")
        for letter in text:
            script = script_of(letter)
            if script and not _reads(language, script):
                speakers = _LANGUAGES.get(script, "en-us" if script == "LATIN" else "").split()
                name = _NAMES.get(script, script.title())
                raise SettingError(
                    f"{setting}: voices of language {language!r} can't read {text!r}: {letter!r} is a {name} letter.",
                    hint=(
                        f"Set language to the language of the texts, for example language={speakers[0]!r}."
                        if speakers
                        else "No voice reads this script. Write the text as it sounds, in the letters of the language."
                    ),
                )


def _reads(language: str, script: str) -> bool:
    language = language.lower()
    if script == "LATIN":
        return language not in _NOT_LATIN
    return language in _LANGUAGES.get(script, "").split()
