"""What a speech dataset will hold, decided before anything is said: every clip's words, speaker and manner.

The plan follows from the settings alone. What is drawn for a clip depends on the seed, its class and its number, so
that more clips or another class change nothing about those that are there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from mltk.audio.speech.accents import FOREIGN_LANGUAGES, with_accent
from mltk.audio.speech.engines import ENGINES, Utterance
from mltk.audio.speech.engines.espeak import NATURAL_VARIANTS
from mltk.audio.speech.phonetics import altered, nearest_words
from mltk.audio.speech.timbres import PREFIX
from mltk.audio.speech.words import common_words
from mltk.errors import DatasetError

UNKNOWN_CLASS = "_unknown_"
# How often each kind of English is drawn; the foreign accents share what is left.
NATIVE_ENGLISH = {
    "en-us": 0.34,
    "en-gb": 0.10,
    "en-gb-x-rp": 0.06,
    "en-gb-scotland": 0.06,
    "en-us-nyc": 0.05,
    "en-gb-x-gbclan": 0.04,
    "en-gb-x-gbcwmd": 0.04,
    "en-029": 0.04,
}
NEAR_WORDS_PER_KEYWORD = 12
ALTERED_PER_KEYWORD = 12
Pronounce = Callable[[list[str], str], list[list[str]]]
"""``(texts, language) → phonemes of each``."""


@dataclass(frozen=True)
class Word:
    """Something to say: its spelling, or the phonemes of a word that doesn't exist."""

    text: str
    phonemes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clip:
    """One file of the dataset.

    Attributes:
        class_name: the folder it is in.
        file_name: ``<speaker>_nohash_<number>.wav``, the convention of Speech Commands, by which a validation split
            keeps a speaker on one side.
        engine: who says it.
        utterance: what is said and how.
        peak_dbfs: its largest sample, relative to full scale.
    """

    class_name: str
    file_name: str
    engine: str
    utterance: Utterance
    peak_dbfs: float


@dataclass(frozen=True)
class Manner:
    """The ranges that the manner of speaking is drawn from; both ends included."""

    rates_wpm: tuple[int, int]
    pitches: tuple[int, int]
    pitch_ranges: tuple[int, int]
    word_gaps_ms: tuple[int, int]
    peaks_dbfs: tuple[float, float]


def default_voices(language: str, n: int, seed: int) -> list[str]:
    """``n`` eSpeak NG voices, no two with the same throat: its own variants, then speakers drawn by number.

    For English they are of many accents, a third of them foreign; else all speak ``language``.
    """
    draw = random.Random(f"{seed}/voices")
    throats = [*NATURAL_VARIANTS, *(f"{PREFIX}{i}" for i in range(max(0, n - len(NATURAL_VARIANTS))))]
    draw.shuffle(throats)
    if language.partition("-")[0] != "en":
        return [f"{language}+{throat}" for throat in throats[:n]]
    foreign = (1 - sum(NATIVE_ENGLISH.values())) / len(FOREIGN_LANGUAGES)
    shares = {**NATIVE_ENGLISH, **dict.fromkeys(FOREIGN_LANGUAGES, foreign)}
    return [f"{accent}+{throats[i]}" for i, accent in enumerate(_apportion(shares, n, draw))]


def _apportion(shares: Mapping[str, float], n: int, draw: random.Random) -> list[str]:
    """``n`` names in random order, each as often as its share says."""
    total, owed = sum(shares.values()), 0.0
    names: list[str] = []
    for name, share in shares.items():
        owed += share / total * n
        names += [name] * (round(owed) - len(names))
    draw.shuffle(names)
    return names


def near_misses(keywords: Mapping[str, Sequence[str]], language: str, pronounce: Pronounce, seed: int) -> list[Word]:
    """Words that sound like the phrases of ``keywords`` but are none of them, in any accent that is spoken.

    Some are common words; the others don't exist: a phrase with one sound changed or dropped.
    """
    phrases = [phrase for said in keywords.values() for phrase in said]
    pronounced = pronounce(phrases, language)
    forbidden = {tuple(p) for p in pronounced}
    is_english = language.partition("-")[0] == "en"
    if is_english:
        forbidden |= {tuple(with_accent(p, accent)) for p in pronounced for accent in FOREIGN_LANGUAGES}
        for accent in NATIVE_ENGLISH:
            forbidden |= {tuple(p) for p in pronounce(phrases, accent)}
    words = [w for w in common_words() if w not in phrases] if is_english else []
    sounds = pronounce(words, language) if words else []
    found: dict[Word, None] = {}
    for phrase, phonemes in zip(phrases, pronounced, strict=True):
        for word in nearest_words(phonemes, zip(words, sounds, strict=True), sorted(forbidden), NEAR_WORDS_PER_KEYWORD):
            found[Word(word)] = None
        for changed in altered(phonemes, sorted(forbidden), ALTERED_PER_KEYWORD, f"{seed}/{phrase}"):
            found[Word(f"~{phrase}", tuple(changed))] = None
    return list(found)


def plan_class(
    class_name: str, words: Sequence[Word], voices: Mapping[str, Sequence[str]], n: int, manner: Manner, seed: int
) -> Iterator[Clip]:
    """The ``n`` clips of a class: words and speakers in turn, each in random order, the manner of each drawn.

    ``voices`` are those of each engine; the engines get equal shares of the clips.
    """
    if not words:
        raise DatasetError(f"There is nothing to say for class {class_name!r}.")
    draw = random.Random(f"{seed}/{class_name}/order")
    turns = {engine: _turns(list(names), draw) for engine, names in voices.items()}
    engines, sayings = _turns(list(voices), draw), _turns(list(words), draw)
    made_up_engines = [e for e in voices if ENGINES[e].speaks_phonemes]
    for i in range(n):
        one = random.Random(f"{seed}/{class_name}/{i}")
        engine, word = next(engines), next(sayings)
        if word.phonemes and engine not in made_up_engines:
            if not made_up_engines:
                raise DatasetError("None of these engines can say words that don't exist; eSpeak NG can.")
            engine = made_up_engines[0]
        voice = next(turns[engine])
        utterance = Utterance(
            text=word.text,
            voice=voice,
            rate_wpm=one.randint(*manner.rates_wpm),
            pitch=one.randint(*manner.pitches),
            pitch_range=one.randint(*manner.pitch_ranges),
            word_gap_ms=one.randint(*manner.word_gaps_ms),
            phonemes="_".join(word.phonemes),
        )
        name = f"{speaker_name(engine, voice)}_nohash_{i:05d}.wav"
        yield Clip(class_name, name, engine, utterance, round(one.uniform(*manner.peaks_dbfs), 2))


def speaker_name(engine: str, voice: str) -> str:
    """The speaker in a file's name: engine and voice, with nothing that a file name can't hold."""
    return "".join(c if c.isalnum() or c in "-." else "-" for c in f"{engine}-{voice}")


def _turns(items: list, draw: random.Random) -> Iterator:
    """``items`` over and over, each round in another order."""
    while True:
        yield from draw.sample(items, len(items))


def with_pronunciations(clips: Sequence[Clip], language: str, pronounce: Pronounce) -> list[Clip]:
    """``clips`` with the phonemes for the speakers of other languages, in their accent."""
    native = [ENGINES[c.engine].language_of(c.utterance.voice) for c in clips]
    foreign = [tag in FOREIGN_LANGUAGES for tag in native]
    if language.partition("-")[0] != "en" or not any(foreign):
        return list(clips)
    texts = sorted({c.utterance.text for c, f in zip(clips, foreign, strict=True) if f and not c.utterance.phonemes})
    known = dict(zip(texts, pronounce(texts, language), strict=True))
    done = []
    for clip, tag, is_foreign in zip(clips, native, foreign, strict=True):
        if is_foreign:
            said = clip.utterance.phonemes.split("_") if clip.utterance.phonemes else known[clip.utterance.text]
            spoken = with_accent(said, tag)
            clip = replace(clip, utterance=replace(clip.utterance, phonemes="_".join(spoken)))
        done.append(clip)
    return done
