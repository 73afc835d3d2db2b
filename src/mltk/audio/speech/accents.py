"""Foreign accents of English: the sounds that speakers of other languages replace.

A foreign accent has two parts. The voice file of the speaker's own language determines rhythm, intonation and the color
of each sound. The table here has the well-known replacements of sounds that the language lacks. They are collected for
teachers in Swan and Smith (eds.), "Learner English", 2nd ed., Cambridge 2001. Sounds are in eSpeak NG's mnemonics.
"""

from __future__ import annotations

_NO_DENTALS_S = {"T": "s", "D": "z"}
_NO_DENTALS_T = {"T": "t", "D": "d"}
_ONE_I = {"I": "i"}
_FINAL_DEVOICING = {"v": "f", "z": "s", "d": "t", "b": "p", "g": "k", "dZ": "tS", "Z": "S"}

# English vowels and variants of consonants that most of these languages lack, and what learners usually say instead.
# "_" separates two sounds. eSpeak NG drops a sound that the voice's language lacks.
_EVERYWHERE = {
    "A:": "a", "A@": "a_r", "0": "O", "O2": "O", "O:": "O", "O@": "O_r", "o@": "O_r", "3": "E_r", "3:": "E_r",
    "U": "u", "U@": "u_r", "@-": "", "@2": "@", "i@3": "i_r", "e@": "E_r", "aI3": "aI_r", "@L": "E_l",
    "t#": "t", "t2": "t", "n-": "n", "I2": "I", "I#": "I", "VR": "a_r", "IR": "I_r", "w#": "w",
}  # fmt: skip

# Language of eSpeak NG → (sounds anywhere, sounds at the end of a word).
_ACCENTS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "de": ({**_NO_DENTALS_S, "w": "v", "a": "E", "V": "a"}, _FINAL_DEVOICING),
    "nl": ({"aU": "a_u", **_NO_DENTALS_T, "a": "E", "V": "a"}, _FINAL_DEVOICING),
    "fr-fr": ({"aU": "a_u", **_NO_DENTALS_S, "h": "", "V": "a", "a#": "a", **_ONE_I}, {}),
    "es": ({"D": "d", "z": "s", "v": "b", "h": "x", "S": "tS", "V": "a", "@": "e", "a#": "a", **_ONE_I}, {"m": "n"}),
    "it": ({**_NO_DENTALS_T, "h": "", "V": "a", "@": "e", "a#": "a", **_ONE_I}, {}),
    "pt-br": ({**_NO_DENTALS_T, "h": "x", "V": "a", "a#": "a", **_ONE_I}, {}),
    "pl": ({"aU": "a_u", "T": "f", "D": "d", "w": "v", "V": "a", "@": "E", "a#": "a", **_ONE_I}, _FINAL_DEVOICING),
    "ru": ({"aU": "a_u", **_NO_DENTALS_S, "w": "v", "h": "x", "V": "a", "3:": "E", **_ONE_I}, _FINAL_DEVOICING),
    "el": ({"S": "s", "Z": "z", "h": "x", "V": "a", "@": "e", "a#": "a", **_ONE_I}, {}),
    "hi": ({"w": "v", "a": "E", "Z": "dZ"}, {}),
    "sv": ({**_NO_DENTALS_T, "V": "a", "w": "v", "z": "s", "Z": "S"}, {}),
    "tr": ({**_NO_DENTALS_T, "w": "v", "V": "a", **_ONE_I}, {"d": "t", "b": "p", "g": "k"}),
}
FOREIGN_LANGUAGES = tuple(sorted(_ACCENTS))
STRESS_MARKS = "',%="


def split_stress(phoneme: str) -> tuple[str, str]:
    """Split a phoneme into its stress marks and the rest: ``"'E"`` → ``("'", "E")``."""
    bare = phoneme.lstrip(STRESS_MARKS)
    return phoneme[: len(phoneme) - len(bare)], bare


def with_accent(phonemes: list[str], language: str) -> list[str]:
    """Replace the sounds of English that a speaker of another language replaces.

    Args:
        phonemes: Phonemes of English; a space separates words.
        language: The speaker's own language, as a tag of eSpeak NG. For an unknown language nothing is replaced.

    Returns:
        The phonemes with the accent.
    """
    if language not in _ACCENTS:
        return phonemes
    anywhere, at_end = _ACCENTS[language]
    spoken = []
    for i, phoneme in enumerate(phonemes):
        stress, bare = split_stress(phoneme)
        is_last = i + 1 == len(phonemes) or phonemes[i + 1] == " "
        if bare in _EVERYWHERE:
            sounds = [anywhere.get(sound, sound) for sound in _EVERYWHERE[bare].split("_")]
        else:
            sounds = anywhere.get(bare, bare).split("_")
        for sound in sounds:
            if is_last:
                sound = at_end.get(sound, sound)
            if sound:
                spoken.append(stress + sound)
                stress = ""
    return spoken
