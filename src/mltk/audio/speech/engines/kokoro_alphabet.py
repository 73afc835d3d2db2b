"""Kokoro's alphabet of sounds: eSpeak NG's pronunciations as the numbers that the model reads.

The engines ``kokoro`` and ``hibari`` use it.
"""

from __future__ import annotations

from mltk.audio.speech.accents import split_stress
from mltk.audio.speech.engines.base import SpeechError

# The symbols that English needs, and their numbers (``config.json`` of the model).
TOKENS = {
    ";": 1, ":": 2, ",": 3, ".": 4, "!": 5, "?": 6, " ": 16, "A": 24, "I": 25, "O": 31, "Q": 33, "T": 36, "W": 39,
    "Y": 41, "ᵊ": 42, "a": 43, "b": 44, "d": 46, "e": 47, "f": 48, "h": 50, "i": 51, "j": 52, "k": 53, "l": 54,
    "m": 55, "n": 56, "o": 57, "p": 58, "r": 60, "s": 61, "t": 62, "u": 63, "v": 64, "w": 65, "x": 66, "z": 68,
    "ɑ": 69, "ɒ": 71, "æ": 72, "ɔ": 76, "ð": 81, "ʤ": 82, "ə": 83, "ɛ": 86, "ɜ": 87, "ɡ": 92, "ɪ": 102, "ŋ": 112,
    "θ": 119, "ɹ": 123, "ɾ": 125, "ʃ": 131, "ʧ": 133, "ʊ": 135, "ʌ": 138, "ʒ": 147, "ʔ": 148, "ˈ": 156, "ˌ": 157,
    "ː": 158,
}  # fmt: skip
# eSpeak NG's mnemonics in this alphabet: (American, British), or one for both.
SOUNDS: dict[str, str | tuple[str, str]] = {
    "i:": ("i", "iː"), "i": "i", ";": "", "I": "ɪ", "I2": "ɪ", "I#": "ɪ", "e": "e", "E": "ɛ", "e@": ("ɛɹ", "ɛː"),
    "a": "æ", "aa": ("æ", "ɑː"), "a#": "ə", "A:": ("ɑ", "ɑː"), "A@": ("ɑɹ", "ɑː"), "0": ("ɑ", "ɒ"), "O2": ("ɔ", "ɒ"),
    "O": "ɔ", "O:": ("ɔ", "ɔː"), "O@": ("ɔɹ", "ɔː"), "o@": ("ɔɹ", "ɔː"), "o": "o", "U": "ʊ", "u:": ("u", "uː"),
    "u": "u", "U@": ("ʊɹ", "ʊə"), "V": "ʌ", "@": "ə", "@2": "ə", "@-": "ᵊ", "3": ("əɹ", "ə"), "3:": ("ɜɹ", "ɜː"),
    "@L": "ᵊl", "i@": "iə", "i@3": ("ɪɹ", "ɪə"), "eI": "A", "aI": "I", "aI2": "I", "aI3": ("Iəɹ", "Iə"), "aI@": "Iə",
    "aU": "W", "OI": "Y", "oU": ("O", "Q"), "VR": "ʌɹ", "IR": "ɪɹ",
    "t#": ("ɾ", "t"), "t2": "t", "t[": "t", "d[": "d", "?": "ʔ", "n-": "ᵊn", "N": "ŋ", "T": "θ", "D": "ð", "S": "ʃ",
    "Z": "ʒ", "r": "ɹ", "tS": "ʧ", "dZ": "ʤ", "w#": "w", "g": "ɡ", **{sound: sound for sound in "bdfhjklmnpstvwxz"},
}  # fmt: skip
_STRESS = {"'": "ˈ", ",": "ˌ"}


def tokens_of(mnemonics: list[str], *, british: bool) -> list[int]:
    """Translate eSpeak NG's mnemonics of English to numbers, with a full stop at the end.

    Without the full stop, the end of a single word is often missing.

    Args:
        mnemonics: Phonemes; a space separates words.
        british: Whether the speaker is British, not American.

    Returns:
        The number of each symbol, without the mark 0 at the beginning and the end.

    Raises:
        SpeechError: A sound is not English.
    """
    return [TOKENS[symbol] for symbol in symbols_of(mnemonics, british=british) + "."]


def symbols_of(mnemonics: list[str], *, british: bool) -> str:
    """Translate eSpeak NG's mnemonics of English.

    Args:
        mnemonics: Phonemes; a space separates words.
        british: Whether the speaker is British, not American.

    Returns:
        The symbols of Kokoro's alphabet.

    Raises:
        SpeechError: A sound is not English.
    """
    found = ""
    for mnemonic in mnemonics:
        if mnemonic == " ":
            found += " "
            continue
        stress, bare = split_stress(mnemonic)
        if bare not in SOUNDS:
            raise SpeechError(f"Kokoro has no symbol for the sound {mnemonic!r} of eSpeak NG.")
        sound = SOUNDS[bare]
        found += "".join(_STRESS.get(mark, "") for mark in stress[:1])
        found += sound if isinstance(sound, str) else sound[british]
    return found
