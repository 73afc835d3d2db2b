"""The plan of a speech dataset: words, speaker and manner of every clip, decided before anything is said.

The plan depends on the settings only. What is drawn for a clip depends on the seed, the class and the clip's number.
So more clips or another class do not change the existing clips.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from mltk.audio.speech.accents import FOREIGN_LANGUAGES, with_accent
from mltk.audio.speech.engines import ENGINES, Utterance
from mltk.audio.speech.engines.espeak import NATURAL_VARIANTS
from mltk.audio.speech.phonetics import altered, is_almost, nearest_words
from mltk.audio.speech.timbres import PREFIX
from mltk.audio.speech.words import common_words
from mltk.errors import DatasetError

UNKNOWN_CLASS = "_unknown_"
_Item = TypeVar("_Item")
# How often each kind of English is drawn. The foreign accents share the rest.
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
"""Look up pronunciations: ``(texts, language) → phonemes of each text``."""


@dataclass(frozen=True)
class Word:
    """Something to say.

    Attributes:
        text: Spelling.
        phonemes: For a word that doesn't exist, its phonemes.
    """

    text: str
    phonemes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Clip:
    """One file of the dataset.

    Attributes:
        class_name: Name of the class and of its folder.
        file_name: ``<speaker>_nohash_<number>.wav``, as in Speech Commands, so that a validation split keeps all clips
            of a speaker on one side.
        engine: Name of the synthesizer.
        utterance: What is said and how.
        peak_dbfs: Largest sample in dB, relative to full scale.
        surroundings: Seed of the room and the microphone that record the clip; empty is neither.
    """

    class_name: str
    file_name: str
    engine: str
    utterance: Utterance
    peak_dbfs: float
    surroundings: str = ""


@dataclass(frozen=True)
class Manner:
    """The ranges from which the manner of speaking is drawn, both ends included.

    Attributes:
        rates_wpm: Speed in words per minute.
        pitches: Pitch, 0 to 99.
        pitch_ranges: Liveliness of the intonation, 0 to 99.
        word_gaps_ms: Pause between words in ms.
        peaks_dbfs: Largest sample in dB, relative to full scale.
    """

    rates_wpm: tuple[int, int]
    pitches: tuple[int, int]
    pitch_ranges: tuple[int, int]
    word_gaps_ms: tuple[int, int]
    peaks_dbfs: tuple[float, float]


def default_voices(language: str, n: int, seed: int) -> list[str]:
    """Choose eSpeak NG voices, no two with the same throat: its own variants, then speakers drawn by number.

    Args:
        language: Language, as a tag of eSpeak NG. English voices have many accents, a third of them foreign.
        n: Number of voices.
        seed: Seed of the choice.

    Returns:
        Names of voices.
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
    """Return ``n`` names in random order, each as often as its share requires."""
    total, owed = sum(shares.values()), 0.0
    names: list[str] = []
    for name, share in shares.items():
        owed += share / total * n
        names += [name] * (round(owed) - len(names))
    draw.shuffle(names)
    return names


class KeywordSounds:
    """The sounds of the keywords in each accent, for words that must not be heard as a keyword.

    Args:
        keywords: Class name → phrases.
        language: Language of the phrases, as a tag of eSpeak NG.
        pronounce: Looks up pronunciations.

    Attributes:
        is_english: Whether the language is English, which has accents here.
        phrases: All phrases.
        phonemes: Phonemes of each phrase.
        spoken: The different pronunciations of all phrases in all accents.
    """

    def __init__(self, keywords: Mapping[str, Sequence[str]], language: str, pronounce: Pronounce) -> None:
        self._language, self._pronounce = language, pronounce
        self.is_english = language.partition("-")[0] == "en"
        self.phrases = [phrase for said in keywords.values() for phrase in said]
        self.phonemes = pronounce(self.phrases, language)
        spoken = {form for phonemes in self.phonemes for form in self._forms(phonemes)}
        for accent in NATIVE_ENGLISH if self.is_english else ():
            spoken |= {tuple(phonemes) for phonemes in pronounce(self.phrases, accent)}
        self.spoken = sorted(spoken)

    def _forms(self, phonemes: Sequence[str]) -> set[tuple[str, ...]]:
        """Return a word as each speaker says it."""
        accents = FOREIGN_LANGUAGES if self.is_english else ()
        return {tuple(phonemes), *(tuple(with_accent(list(phonemes), accent)) for accent in accents)}

    def are_like(self, phonemes: Sequence[str]) -> bool:
        """Return whether a speaker of some accent says a word almost as a keyword is said: "know" for "no"."""
        return any(is_almost(form, keyword) for form in self._forms(phonemes) for keyword in self.spoken)

    def without_homophones(self, words: Sequence[str]) -> list[str]:
        """Return the words that nobody says like a keyword.

        Args:
            words: Words of the language.
        """
        texts = [word for word in words if word.lower() not in {phrase.lower() for phrase in self.phrases}]
        sounds = self._pronounce(texts, self._language) if texts else []
        return [text for text, phonemes in zip(texts, sounds, strict=True) if not self.are_like(phonemes)]

    def near_misses(self, seed: int) -> list[Word]:
        """Find words that sound like a keyword but are not a keyword, in any accent that is spoken.

        Args:
            seed: Seed of the choice.

        Returns:
            Common words, and words that don't exist: a phrase with one sound changed or dropped.
        """
        words = [w for w in common_words() if w not in self.phrases] if self.is_english else []
        pairs = list(zip(words, self._pronounce(words, self._language) if words else [], strict=True))
        found: dict[Word, None] = {}
        for phrase, phonemes in zip(self.phrases, self.phonemes, strict=True):
            for word in nearest_words(phonemes, pairs, self.are_like, NEAR_WORDS_PER_KEYWORD):
                found[Word(word)] = None
            for changed in altered(phonemes, self.are_like, ALTERED_PER_KEYWORD, f"{seed}/{phrase}"):
                found[Word(f"~{phrase}", tuple(changed))] = None
        return list(found)


def plan_class(
    class_name: str, words: Sequence[Word], voices: Mapping[str, Sequence[str]], n: int, manner: Manner, seed: int
) -> Iterator[Clip]:
    """Plan the clips of a class: words and speakers in turn, in random order, each with a manner of its own.

    Args:
        class_name: Name of the class.
        words: What to say.
        voices: Name of a synthesizer → its voices. The synthesizers get equal shares of the clips.
        n: Number of clips.
        manner: Ranges from which each clip draws its manner.
        seed: Seed of what is drawn.

    Yields:
        The clips, in the order of their numbers.

    Raises:
        DatasetError: There are no words, or no synthesizer can say them.
    """
    if not words:
        raise DatasetError(f"The class {class_name!r} has no words to say.")
    draw = random.Random(f"{seed}/{class_name}/order")
    turns = {engine: _turns(list(names), draw) for engine, names in voices.items()}
    engines, sayings = _turns(list(voices), draw), _turns(list(words), draw)
    made_up_engines = [e for e in voices if ENGINES[e].speaks_phonemes]
    for i in range(n):
        one = random.Random(f"{seed}/{class_name}/{i}")
        engine, word = next(engines), next(sayings)
        if word.phonemes and engine not in made_up_engines:
            if not made_up_engines:
                raise DatasetError(
                    "None of these engines can say words that don't exist.", hint="The engine 'espeak' can."
                )
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
    """Return the speaker's part of a file name: synthesizer and voice, with safe characters only."""
    return "".join(c if c.isalnum() or c in "-." else "-" for c in f"{engine}-{voice}")


def _turns(items: list[_Item], draw: random.Random) -> Iterator[_Item]:
    """Return the items without end, each round in another order."""
    while True:
        yield from draw.sample(items, len(items))


def with_pronunciations(clips: Sequence[Clip], language: str, pronounce: Pronounce) -> list[Clip]:
    """Add the phonemes of English with an accent to the clips of speakers of other languages.

    Args:
        clips: The clips.
        language: Language of the clips, as a tag of eSpeak NG.
        pronounce: Looks up pronunciations.

    Returns:
        The clips in the same order.
    """
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
