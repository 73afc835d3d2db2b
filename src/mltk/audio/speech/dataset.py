"""A dataset of synthesized speech::

    my_model.dataset = SpeechDataset(["yes", "no", "up", "down"])

The first use synthesizes the clips and keeps them in a folder with a manifest. Later uses find them there. Each class
is a folder. The class ``_unknown_`` holds common words, and words that sound almost like the keywords.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from mltk.audio.speech.engines import ENGINES, installed_engines
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.audio.speech.plan import (
    UNKNOWN_CLASS,
    Clip,
    KeywordSounds,
    Manner,
    Pronounce,
    Word,
    default_voices,
    plan_class,
    with_pronunciations,
)
from mltk.audio.speech.scripts import check_texts
from mltk.audio.speech.store import Store
from mltk.audio.speech.synthesis import Speakers, say, say_all
from mltk.audio.speech.words import common_words
from mltk.data.fetch.download import datasets_dir
from mltk.errors import DatasetError, OutputError, SettingError, did_you_mean
from mltk.specification.own_dataset import MltkDataset

PLAN_VERSION = 2  # to be increased when the same settings result in other clips
TYPICAL_CLIP_SECONDS = 0.6
TEST_SAMPLES = 20  # clips of each class in a dry run
logger = logging.getLogger("mltk")


class SpeechDataset(MltkDataset):
    """A dataset of words that speech synthesizers say; see :mod:`mltk.audio.speech.dataset`.

    Args:
        keywords: Classes: a list of words, or class name → phrase or phrases of the class.
        unknown_words: Words for the class ``_unknown_``. None is the bundled common English words, ``()`` no words.
            A word that sounds like a keyword, such as "know" for "no", is left out. The log names those of your list.
        near_misses: Share of ``_unknown_`` that are words that sound almost like the keywords, from 0 to 1: common
            words, and keywords with one sound changed. True is a half.
        samples_per_keyword: Number of clips of each class.
        samples_unknown: Number of clips of ``_unknown_``. None is three times ``samples_per_keyword``; 0 leaves the
            class out.
        language: Language of the phrases, as a tag of eSpeak NG.
        voices: Voices of eSpeak NG (:meth:`~mltk.audio.speech.engines.base.Engine.voices`), or their number. A number
            of voices is drawn from all accents. The other synthesizers use all voices that are installed.
        rates_wpm: Range of the speed in words per minute.
        pitches: Range of the pitch, 0 to 99; 50 is the voice's own.
        pitch_ranges: Range of the liveliness of the intonation, 0 to 99; 50 is the voice's own.
        word_gaps_ms: Range of the pause between the words of a phrase in ms.
        peaks_dbfs: Range of the largest sample in dB, relative to full scale.
        surroundings: Whether simulated rooms and microphones record the clips. Half of the clips have the echoes of a
            room, three quarters the frequency response of a microphone or a telephone line.
        sample_rate_hz: Sample rate of the wav files in Hz.
        max_length_ms: Longest clip in ms. A longer clip is said again, faster. None is no limit.
        engines: Names of speech synthesizers, which get equal shares of the clips. ``"installed"`` is all synthesizers
            that are installed.
        seed: Seed that determines all clips.
        workers: Number of clips that are synthesized at once. None is the number of cores.
        max_disk_mb: Largest size of the dataset in MB. A larger dataset is refused.
        folder: Folder of the clips. None is a folder of its own below ``MLTK_DATASET_DIR`` or ``~/.mltk/datasets``.

    Raises:
        SettingError: An argument is impossible.
    """

    def __init__(
        self,
        keywords: Sequence[str] | Mapping[str, str | Sequence[str]],
        *,
        unknown_words: Sequence[str] | None = None,
        near_misses: bool | float = True,
        samples_per_keyword: int = 500,
        samples_unknown: int | None = None,
        language: str = "en-us",
        voices: Sequence[str] | int = 300,
        rates_wpm: tuple[int, int] = (100, 230),
        pitches: tuple[int, int] = (35, 65),
        pitch_ranges: tuple[int, int] = (20, 80),
        word_gaps_ms: tuple[int, int] = (0, 50),
        peaks_dbfs: tuple[float, float] = (-20.0, -1.0),
        surroundings: bool = False,
        sample_rate_hz: int = 16000,
        max_length_ms: int | None = 1000,
        engines: str | Sequence[str] = "espeak",
        seed: int = 42,
        workers: int | None = None,
        max_disk_mb: int = 4000,
        folder: str | os.PathLike[str] | None = None,
    ) -> None:
        self.keywords = _phrases_of(keywords)
        self.unknown_words = common_words() if unknown_words is None else tuple(unknown_words)
        self.near_misses = _share("near_misses", near_misses)
        self.samples_per_keyword = _at_least("samples_per_keyword", samples_per_keyword, 1)
        asked = 3 * samples_per_keyword if samples_unknown is None else samples_unknown
        self.samples_unknown = _at_least("samples_unknown", asked if self.unknown_words or near_misses else 0, 0)
        self.language = language
        check_texts("keywords", [phrase for said in self.keywords.values() for phrase in said], language)
        check_texts("unknown_words", unknown_words or (), language)
        self.voices = _at_least("voices", voices, 1) if isinstance(voices, int) else tuple(voices)
        self.manner = Manner(
            _range("rates_wpm", rates_wpm, 80, 450),
            _range("pitches", pitches, 0, 99),
            _range("pitch_ranges", pitch_ranges, 0, 99),
            _range("word_gaps_ms", word_gaps_ms, 0, 2000),
            _range("peaks_dbfs", peaks_dbfs, -90.0, 0.0),
        )
        self.surroundings = surroundings
        self.sample_rate_hz = _at_least("sample_rate_hz", sample_rate_hz, 4000)
        self.max_length_ms = max_length_ms if max_length_ms is None else _at_least("max_length_ms", max_length_ms, 100)
        self.engines = _engine_names(engines)
        if self.near_misses and self.samples_unknown and not self._pronounces:
            raise SettingError(
                f"near_misses={self.near_misses} needs the engine 'espeak', which knows how words are pronounced."
            )
        only_english = [name for name in self.engines if name in ("hibari", "kokoro")]
        if only_english and language.partition("-")[0] != "en":
            raise SettingError(
                f"language is {language!r}, but the engine {only_english[0]!r} can only speak English here."
            )
        self.seed = seed
        self.workers = workers
        self.max_disk_mb = max_disk_mb
        self._folder = Path(folder) if folder is not None else None

    @property
    def _pronounces(self) -> bool:
        return any(ENGINES[name].speaks_phonemes for name in self.engines)

    @property
    def classes(self) -> list[str]:
        """The classes, each of which has a folder; ``_unknown_`` is last."""
        return [*self.keywords, *([UNKNOWN_CLASS] if self.samples_unknown else [])]

    @property
    def settings(self) -> dict[str, Any]:
        """Everything that the clips depend on, as plain JSON. The manifest holds it."""
        names = ["keywords", "unknown_words", "near_misses", "samples_per_keyword", "samples_unknown", "language"]
        names += ["voices", "sample_rate_hz", "max_length_ms", "engines", "seed"]
        names += ["surroundings"] if self.surroundings else []  # without it, the settings of existing datasets
        values = {name: getattr(self, name) for name in names} | dataclasses.asdict(self.manner)
        return dict(json.loads(json.dumps(values | {"plan_version": PLAN_VERSION})))

    @property
    def folder(self) -> Path:
        """Folder of the clips, which need not exist; other settings have another folder."""
        if self._folder is not None:
            return self._folder
        digest = hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:12]
        name = "_".join("".join(c if c.isalnum() else "-" for c in k) for k in list(self.keywords)[:4])
        return datasets_dir() / "speech" / f"{name}-{digest}"

    def load_dataset(self, subset: str, test: bool = False, **kwargs: Any) -> str:
        """Synthesize the clips that are missing; raises as :meth:`create`.

        Args:
            subset: For compatibility with MLTK 0.20; ignored.
            test: Whether this is a dry run, which has a small dataset of its own.
            **kwargs: For compatibility with MLTK 0.20; ignored.

        Returns:
            Path of the folder of class folders.
        """
        if not test:
            return self.load_data()
        small = copy.copy(self)
        small.samples_per_keyword = min(self.samples_per_keyword, TEST_SAMPLES)
        small.samples_unknown = min(self.samples_unknown, TEST_SAMPLES)
        small._folder = None
        return small.load_data()

    def load_data(self) -> str:
        """Synthesize the clips that are missing, as the function ``load_data`` of a dataset module does.

        Returns:
            Path of the folder of class folders.
        """
        return str(self.create())

    def create(
        self, folder: str | os.PathLike[str] | None = None, *, clean: bool = False, beside_others: bool = False
    ) -> Path:
        """Synthesize the clips that are missing.

        Args:
            folder: Folder to use instead of :attr:`folder`.
            clean: Whether to remove the speech dataset that is there first, also one that was made with other settings.
            beside_others: Whether the folder may hold other files, which stay.

        Returns:
            The folder of class folders.

        Raises:
            MissingDependencyError: eSpeak NG is not installed.
            SpeechError: A synthesizer is missing, or failed.
            DatasetError: The folder holds something else, or the dataset would be larger than ``max_disk_mb``.
            OutputError: The folder can't be written, or the disk is full.
        """
        store = Store(Path(folder) if folder is not None else self.folder, self.settings)
        if not clean and store.is_complete():
            return store.folder
        needed_bytes = self._check_size()
        plan = self.plan()
        speakers = Speakers()
        done = store.open(clean=clean, needed_bytes=needed_bytes, beside_others=beside_others)
        try:
            entries = self._say_missing(plan, done, store, speakers)
            counts = {c: sum(clip.class_name == c for clip in plan) for c in self.classes}
            store.complete({"engines": speakers.versions or self._versions(), "classes": counts}, entries)
        except OSError as e:
            raise OutputError(f"The dataset in {store.folder} can't be written: {e}") from e
        finally:
            store.close()
            speakers.close()
        return store.folder

    def _say_missing(
        self, plan: list[Clip], done: dict[str, dict[str, Any]], store: Store, speakers: Speakers
    ) -> list[dict[str, Any]]:
        for class_name in self.classes:
            (store.folder / class_name).mkdir(exist_ok=True)
        missing = [clip for clip in plan if f"{clip.class_name}/{clip.file_name}" not in done]
        logger.info("Synthesizing %d of %d clips of speech into %s", len(missing), len(plan), store.folder)
        began = time.perf_counter()
        with _ProgressBar(len(plan), len(plan) - len(missing)) as advance:
            workers = min(self.workers or os.cpu_count() or 1, max(1, len(missing)))
            for entries in say_all(
                missing,
                lambda clip: say(clip, speakers, store.folder, self.sample_rate_hz, self.max_length_ms),
                workers,
            ):
                store.record(entries)
                done.update({entry["file"]: entry for entry in entries})
                advance(len(entries))
        seconds = time.perf_counter() - began
        if missing:
            logger.info("Synthesized %d clips in %.0f s (%.0f/s)", len(missing), seconds, len(missing) / seconds)
        entries = [done[f"{clip.class_name}/{clip.file_name}"] for clip in plan]
        self._warn_about_length(entries)
        return entries

    def _warn_about_length(self, entries: list[dict[str, Any]]) -> None:
        limit = self.max_length_ms
        longer = [e for e in entries if limit is not None and e["duration_ms"] > limit + 1]
        if longer:
            logger.warning(
                "%d clips are longer than %d ms, although they are said fast; the longest is %r with %d ms.",
                len(longer),
                limit,
                *max((e["text"], e["duration_ms"]) for e in longer),
            )

    def plan(self) -> list[Clip]:
        """Decide every clip. Unless no synthesizer speaks phonemes, eSpeak NG looks up pronunciations.

        Returns:
            The clips, in the order of their classes.

        Raises:
            MissingDependencyError: eSpeak NG is not installed.
            SpeechError: A synthesizer is missing, or failed.
            DatasetError: The language is unknown, or a class has nothing to say.
        """
        voices = self._voices_of_engines()
        if not self._pronounces:
            return self._plan(voices, _no_pronunciations)
        with EspeakEngine() as engine:
            known = set(engine.about["languages"])
            if self.language not in known:
                near = did_you_mean(self.language, known)
                raise DatasetError(f"eSpeak NG doesn't speak {self.language!r}.", hint=near or None)
            return self._plan(voices, engine.phonemes_of)

    def _plan(self, voices: dict[str, Sequence[str]], pronounce: Pronounce) -> list[Clip]:
        clips: list[Clip] = []
        for class_name, phrases in self.keywords.items():
            words = [Word(phrase) for phrase in phrases]
            clips += plan_class(class_name, words, voices, self.samples_per_keyword, self.manner, self.seed)
        if self.samples_unknown:
            words, near = self._other_words(pronounce)
            share = 0.5 if self.near_misses is True else self.near_misses
            n_near = int(self.samples_unknown * share) if words and near else self.samples_unknown * bool(near)
            parts = [
                *(plan_class(UNKNOWN_CLASS, near, voices, n_near, self.manner, self.seed) if n_near else ()),
                *plan_class(UNKNOWN_CLASS, words or near, voices, self.samples_unknown, self.manner, self.seed),
            ]
            clips += [*parts[:n_near], *parts[2 * n_near :]]
        if self.surroundings:
            clips = [
                dataclasses.replace(clip, surroundings=f"{self.seed}/{clip.class_name}/{clip.file_name}")
                for clip in clips
            ]
        return with_pronunciations(clips, self.language, pronounce)

    def _other_words(self, pronounce: Pronounce) -> tuple[list[Word], list[Word]]:
        """Return the words of the class ``_unknown_``, and the near misses. No word sounds like a keyword."""
        if not self._pronounces:
            said = {phrase.lower() for phrases in self.keywords.values() for phrase in phrases}
            return [Word(w) for w in self.unknown_words if w.lower() not in said], []
        sounds = KeywordSounds(self.keywords, self.language, pronounce)
        kept = sounds.without_homophones(self.unknown_words)
        if self.unknown_words != common_words() and (left_out := sorted({*self.unknown_words} - {*kept})):
            logger.info("Left out of %s, because they sound like a keyword: %s", UNKNOWN_CLASS, ", ".join(left_out))
        words = [Word(w) for w in kept]
        return words, sounds.near_misses(self.seed) if self.near_misses else []

    def _voices_of_engines(self) -> dict[str, Sequence[str]]:
        found: dict[str, Sequence[str]] = {}
        for name in self.engines:
            if name == "espeak":
                listed = self.voices
                found[name] = default_voices(self.language, listed, self.seed) if isinstance(listed, int) else listed
            else:
                with ENGINES[name]() as engine:
                    found[name] = engine.voices()
            if not found[name]:
                raise DatasetError(f"Speech engine {name!r} has no voice.")
        return found

    def _versions(self) -> dict[str, str]:
        versions = {}
        for name in self.engines:
            with ENGINES[name]() as engine:
                versions[name] = engine.version
        return versions

    def _check_size(self) -> int:
        n = len(self.keywords) * self.samples_per_keyword + self.samples_unknown
        n_bytes = int(n * (TYPICAL_CLIP_SECONDS * self.sample_rate_hz * 2 + 44))
        if n_bytes > self.max_disk_mb * 1_000_000:
            raise DatasetError(
                f"{n} clips would take about {n_bytes // 1_000_000} MB, more than max_disk_mb={self.max_disk_mb}.",
                hint="Request fewer samples, or increase max_disk_mb.",
            )
        return n_bytes


def _no_pronunciations(texts: list[str], language: str) -> list[list[str]]:
    raise DatasetError("None of these engines looks up how words are pronounced.", hint="The engine 'espeak' does.")


def _phrases_of(keywords: Sequence[str] | Mapping[str, str | Sequence[str]]) -> dict[str, tuple[str, ...]]:
    if isinstance(keywords, str):
        raise SettingError(f"keywords must be a list or a dict, not the string {keywords!r}.")
    pairs = keywords.items() if isinstance(keywords, Mapping) else [(word, word) for word in keywords]
    found: dict[str, tuple[str, ...]] = {}
    for name, said in pairs:
        phrases = (said,) if isinstance(said, str) else tuple(said)
        if not phrases or not all(isinstance(p, str) and any(c.isalnum() for c in p) for p in phrases):
            raise SettingError(f"keywords: the class {name!r} has no words to say: {said!r}.")
        if not name or name in (".", "..", UNKNOWN_CLASS) or any(c in name for c in "/\\\0"):
            raise SettingError(f"keywords: {name!r} can't be the name of a class folder.")
        if name in found:
            raise SettingError(f"keywords: {name!r} is given twice.")
        found[name] = phrases
    if not found:
        raise SettingError("keywords is empty.")
    return found


def _at_least(name: str, value: int, low: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < low:
        raise SettingError(f"{name} must be an integer of at least {low}, got {value!r}.")
    return value


def _range(name: str, value: Any, low: float, high: float) -> Any:
    try:
        first, last = value
        possible = low <= first <= last <= high
    except (TypeError, ValueError):
        possible = False
    if not possible:
        raise SettingError(f"{name} must be (lowest, highest) from {low:g} to {high:g}, got {value!r}.")
    return (first, last)


def _share(name: str, value: Any) -> bool | float:
    if isinstance(value, bool):
        return value
    if not isinstance(value, int | float) or not 0 <= value <= 1:
        raise SettingError(f"{name} must be True, False or a share from 0 to 1, got {value!r}.")
    return float(value)


def _engine_names(engines: str | Sequence[str]) -> tuple[str, ...]:
    if engines == "installed":
        return tuple(installed_engines()) or ("espeak",)
    names = (engines,) if isinstance(engines, str) else tuple(engines)
    for name in names:
        if name not in ENGINES:
            near = did_you_mean(name, ENGINES)
            raise SettingError(
                f"engines: there is no speech engine {name!r}.", hint=near or f"The engines are {', '.join(ENGINES)}."
            )
    if not names:
        raise SettingError("engines is empty.")
    return names


class _ProgressBar:
    """A progress bar on a terminal, else nothing: ``with _ProgressBar(total, done) as advance: advance(n)``."""

    def __init__(self, total: int, done: int) -> None:
        columns = (
            TextColumn("Synthesizing"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeRemainingColumn(compact=True),
        )
        self._bar = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._bar.add_task("", total=total, completed=done)

    def __enter__(self) -> Callable[[int], None]:
        if self._bar.console.is_terminal:
            self._bar.start()
        return lambda n: self._bar.advance(self._task, n)

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
