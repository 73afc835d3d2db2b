"""The phonetic distance of two words, and words that a keyword spotter is likely to confuse with a keyword.

The distance is an edit distance over phonemes. Replacing a sound by a similar one costs little. Similarity is counted
in articulatory features, as in Kondrak, "A new algorithm for the alignment of phonetic sequences", NAACL 2000, with
simpler weights. Phonemes are eSpeak NG's mnemonics.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from mltk.audio.speech.accents import split_stress

IsForbidden: TypeAlias = Callable[[Sequence[str]], bool]

# Height 0 (open) to 3 (close) and backness 0 to 2 of the tongue, first at the begin, then at the end of the vowel.
_VOWELS: dict[str, tuple[float, float, float, float]] = {
    "i:": (3, 0, 3, 0), "i": (2.9, 0, 2.9, 0), "I": (2.4, 0.3, 2.4, 0.3), "I2": (2.4, 0.3, 2.4, 0.3),
    "I#": (2.4, 0.4, 2.4, 0.4), "e": (2, 0, 2, 0), "E": (1.3, 0, 1.3, 0), "e@": (1.3, 0, 1.5, 1),
    "a": (0.4, 0.2, 0.4, 0.2), "aa": (0.2, 0.5, 0.2, 0.5), "a#": (0.9, 1, 0.9, 1), "A:": (0, 1.8, 0, 1.8),
    "A@": (0, 1.8, 0.8, 1.4), "0": (0.4, 2, 0.4, 2), "O2": (0.5, 2, 0.5, 2), "O:": (1.1, 2, 1.1, 2),
    "O@": (1.1, 2, 1.4, 1.4), "o@": (1.4, 2, 1.5, 1.4), "o": (2, 2, 2, 2), "U": (2.5, 1.7, 2.5, 1.7),
    "u:": (3, 2, 3, 2), "u": (3, 2, 3, 2), "U@": (2.5, 1.7, 1.5, 1), "V": (0.9, 1.3, 0.9, 1.3),
    "@": (1.5, 1, 1.5, 1), "@2": (1.5, 1, 1.5, 1), "@-": (1.5, 1, 1.5, 1), "3": (1.6, 1.1, 1.6, 1.1),
    "3:": (1.5, 1.2, 1.5, 1.2), "@L": (1.5, 1, 2, 2), "i@": (2.9, 0, 1.5, 1), "i@3": (2.9, 0, 1.5, 1.1),
    "eI": (2, 0, 2.8, 0), "aI": (0.2, 0.7, 2.8, 0.1), "aI3": (0.2, 0.7, 1.6, 1), "aI@": (0.2, 0.7, 1.5, 1),
    "aI2": (0.8, 0.7, 2.8, 0.1), "aU": (0.2, 0.7, 2.8, 1.9), "OI": (1.1, 2, 2.8, 0.1), "oU": (2, 2, 2.8, 2),
    "VR": (0.9, 1.3, 0.9, 1.3), "IR": (2.4, 0.3, 2.4, 0.3),
}  # fmt: skip
# Place 0 (lips) to 9 (glottis), manner, voiced.
_CONSONANTS: dict[str, tuple[float, str, bool]] = {
    "p": (0, "stop", False), "b": (0, "stop", True), "t": (3, "stop", False), "d": (3, "stop", True),
    "t#": (3, "stop", True), "t2": (3, "stop", False), "t[": (2, "stop", False), "k": (6, "stop", False),
    "g": (6, "stop", True), "?": (9, "stop", False), "m": (0, "nasal", True), "n": (3, "nasal", True),
    "n-": (3, "nasal", True), "N": (6, "nasal", True), "f": (1, "fricative", False), "v": (1, "fricative", True),
    "T": (2, "fricative", False), "D": (2, "fricative", True), "s": (3, "fricative", False),
    "z": (3, "fricative", True), "S": (4, "fricative", False), "Z": (4, "fricative", True),
    "x": (6, "fricative", False), "h": (9, "fricative", False), "tS": (4, "affricate", False),
    "dZ": (4, "affricate", True), "l": (3, "liquid", True), "r": (4, "liquid", True), "j": (5, "glide", True),
    "w": (6, "glide", True), "w#": (6, "glide", False),
}  # fmt: skip
_KINSHIP = {frozenset(("stop", "affricate")): 0.5, frozenset(("fricative", "affricate")): 0.5,
            frozenset(("liquid", "glide")): 0.5, frozenset(("fricative", "stop")): 0.8}  # fmt: skip
# The sounds that replace another sound in an altered word: those that most kinds of English have.
_PLAIN_VOWELS = ("i:", "I", "E", "a", "A:", "0", "O:", "U", "u:", "V", "3:", "eI", "aI", "aU", "OI", "oU")
_PLAIN_CONSONANTS = (
    "p", "b", "t", "d", "k", "g", "m", "n", "f", "v", "T", "D", "s", "z", "S", "h", "tS", "dZ", "l", "r", "j", "w",
)  # fmt: skip
INSERTION_COST = 0.7
WEAK_COST = 0.35  # cost of inserting or dropping a sound that fluent speech often drops
_WEAK = {"@", "@2", "@-", "h", "?", "a#"}
NEAR_COST = (0.3, 1.6)
"""Least and largest distance of a near miss from its keyword. The least is a clearly audible change."""
MAX_ALTERATION = 0.6


def substitution_cost(a: str, b: str) -> float:
    """Return the cost of replacing a phoneme: 0 for the same sound, up to 1 for unlike sounds. Stress is ignored."""
    a, b = split_stress(a)[1], split_stress(b)[1]
    if a == b:
        return 0.0
    if a in _VOWELS and b in _VOWELS:
        p, q = _VOWELS[a], _VOWELS[b]
        begin: float = ((p[0] - q[0]) ** 2 + (p[1] - q[1]) ** 2) ** 0.5
        end: float = ((p[2] - q[2]) ** 2 + (p[3] - q[3]) ** 2) ** 0.5
        return min(1.0, 0.1 + (begin + end) / 4)
    if a in _CONSONANTS and b in _CONSONANTS:
        place_a, manner_a, voiced_a = _CONSONANTS[a]
        place_b, manner_b, voiced_b = _CONSONANTS[b]
        manner = 0.0 if manner_a == manner_b else 0.5 * _KINSHIP.get(frozenset((manner_a, manner_b)), 1.0)
        return min(1.0, min(0.4, 0.13 * abs(place_a - place_b)) + manner + 0.25 * (voiced_a != voiced_b))
    return 1.0


def _gap_cost(phoneme: str) -> float:
    bare = split_stress(phoneme)[1]
    return WEAK_COST if bare in _WEAK else INSERTION_COST


def phonetic_distance(a: Sequence[str], b: Sequence[str]) -> float:
    """Return the cost of turning one word into another: 0 for homophones, below 1 for similar words.

    Args:
        a: Phonemes of a word.
        b: Phonemes of the other word.
    """
    a, b = [p for p in a if p != " "], [p for p in b if p != " "]
    row = [0.0]
    for phoneme in b:
        row.append(row[-1] + _gap_cost(phoneme))
    for p in a:
        above, row = row, [row[0] + _gap_cost(p)]
        for j, q in enumerate(b):
            row.append(min(above[j] + substitution_cost(p, q), above[j + 1] + _gap_cost(p), row[j] + _gap_cost(q)))
    return row[-1]


def is_almost(a: Sequence[str], b: Sequence[str]) -> bool:
    """Return whether two words are too similar to tell them apart: their distance is below that of near misses.

    Args:
        a: Phonemes of a word.
        b: Phonemes of the other word.
    """
    # A sound more or less costs at least WEAK_COST, which is not below the limit.
    same_length = len(a) - list(a).count(" ") == len(b) - list(b).count(" ")
    return same_length and phonetic_distance(a, b) < NEAR_COST[0]


def nearest_words(
    keyword: Sequence[str], words: Iterable[tuple[str, Sequence[str]]], is_forbidden: IsForbidden, n: int
) -> list[str]:
    """Choose the words that sound most like a keyword without being mistaken for it.

    Args:
        keyword: Phonemes of the keyword.
        words: Pairs of spelling and phonemes.
        is_forbidden: Whether phonemes sound like a keyword.
        n: Number of words at most.

    Returns:
        Spellings, the nearest first.
    """
    low, high = NEAR_COST
    found = []
    for word, phonemes in words:
        distance = phonetic_distance(keyword, phonemes)
        if low <= distance <= high and not is_forbidden(phonemes):
            found.append((distance, word))
    return [word for _, word in sorted(found)[:n]]


def altered(keyword: Sequence[str], is_forbidden: IsForbidden, n: int, seed: str) -> list[list[str]]:
    """Make words that don't exist: a keyword with one sound replaced by a similar one, or dropped.

    Args:
        keyword: Phonemes of the keyword.
        is_forbidden: Whether phonemes sound like a keyword.
        n: Number of words at most.
        seed: Seed of the choice; the same arguments return the same words.

    Returns:
        The phonemes of each word.
    """
    low, high = NEAR_COST
    found: list[list[str]] = []
    for i, phoneme in enumerate(keyword):
        stress, bare = split_stress(phoneme)
        plain = _PLAIN_VOWELS if bare in _VOWELS else _PLAIN_CONSONANTS if bare in _CONSONANTS else ()
        for other in plain:
            if low <= substitution_cost(bare, other) <= MAX_ALTERATION:
                found.append([*keyword[:i], stress + other, *keyword[i + 1 :]])
        if bare in _CONSONANTS and len(keyword) > 2:
            found.append([*keyword[:i], *keyword[i + 1 :]])
    random.Random(seed).shuffle(found)
    chosen: list[list[str]] = []
    for word in found:
        if len(chosen) == n:
            break
        if low <= phonetic_distance(word, keyword) <= high and not is_forbidden(word):
            chosen.append(word)
    return chosen
