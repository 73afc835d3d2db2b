"""MLTK 0.20's classes for spoken keywords, with the speech synthesizers on this machine.

MLTK 0.20 sent the words to AWS, Azure or Google. This package does not: the back ends are ``espeak``, ``flite``,
``festival``, ``piper``, ``hibari`` and ``kokoro``, which need no account and no network. New code should use
:class:`mltk.audio.speech.SpeechDataset`, which also makes accents and similar words, and keeps a manifest.

::

    with AudioDatasetGenerator("dataset") as generator:
        generator.load_backend("espeak")
        configurations = generator.list_configurations(
            [Keyword("on", max_count=500), Keyword("off", max_count=500)],
            [Augmentation()],
            generator.list_voices("en"),
        )
        for configuration in [c for some in configurations.values() for c in some]:
            generator.generate(configuration)
        generator.join()
"""

from __future__ import annotations

import hashlib
import json
import queue
import random
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from mltk.audio.speech.clips import finish, trim_silence, write_wav
from mltk.audio.speech.engines import ENGINES, Engine, Utterance, make_engine
from mltk.audio.speech.plan import default_voices
from mltk.errors import MltkError, SettingError

SAMPLE_RATE_HZ = 16000
PEAK_DBFS = -3.0
N_DRAWN_VOICES = 200
_CLOUD = {"aws", "azure", "gcp"}


class VoiceRate(StrEnum):
    """Speed of speaking."""

    xslow = "x-slow"
    medium = "medium"
    xfast = "x-fast"
    default = "medium"


class VoicePitch(StrEnum):
    """Pitch of the voice."""

    low = "low"
    medium = "medium"
    high = "high"
    default = "medium"


WORDS_PER_MINUTE = {VoiceRate.xslow: 100, VoiceRate.medium: 150, VoiceRate.xfast: 230}
PITCHES = {VoicePitch.low: 30, VoicePitch.medium: 50, VoicePitch.high: 70}


class Keyword(NamedTuple):
    """A word, or group of words, of the dataset.

    Args:
        value: The word, which is also the name of the class folder. A value that begins with ``_`` is only the name of
            the folder.
        aliases: Other words of the same class.
        max_count: Largest number of clips; None is all combinations.
    """

    value: str
    aliases: Sequence[str] | None = None
    max_count: int | None = None

    def as_list(self) -> list[str]:
        """Return the words to say."""
        own = [] if self.value.startswith("_") else [self.value]
        return [*own, *(self.aliases or ())]

    def __hash__(self) -> int:
        return hash((self.value, tuple(self.aliases or ()), self.max_count))

    def __str__(self) -> str:
        return self.value


class Augmentation(NamedTuple):
    """A way of speaking; None is medium."""

    pitch: VoicePitch | None = None
    rate: VoiceRate | None = None


@dataclass(frozen=True)
class Voice:
    """A voice of a back end; ``name`` is its name there."""

    name: str
    language_code: str
    backend: str

    def hashable_value(self) -> str:
        """Return a text that identifies the voice."""
        return f"{self.name}{self.language_code}{self.backend}"

    @property
    def hex_hash(self) -> str:
        """Eight hexadecimal digits that identify the speaker in a file name."""
        return hashlib.md5(self.hashable_value().encode(), usedforsecurity=False).hexdigest()[:8]


@dataclass
class GenerationConfig:
    """One clip: voice, speed, pitch and word."""

    voice: Voice
    rate: VoiceRate
    pitch: VoicePitch
    keyword: str | None = None
    keyword_group: str | None = None

    def copy(self) -> GenerationConfig:
        """Return a copy."""
        return replace(self)


class AudioDatasetGenerator:
    """Synthesizes clips into ``out_dir/<keyword group>/<name>.wav``, with several synthesizers at once.

    A file name begins with the speaker's hash and ``_nohash_``, as in Speech Commands. A clip that exists is not
    synthesized again. The class is a context manager, which calls :meth:`shutdown` at the end.

    Args:
        out_dir: Folder of the class folders.
        n_jobs: Number of synthesizers that run at once.
    """

    def __init__(self, out_dir: str, n_jobs: int = 4) -> None:
        self.out_dir = str(out_dir)
        self.n_jobs = max(1, n_jobs)
        self._voices: dict[str, list[Voice]] = {}
        self._jobs: queue.Queue[tuple[GenerationConfig, Callable[[str], None] | None] | None] = queue.Queue()
        self._threads: list[threading.Thread] = []
        self._errors: list[MltkError] = []
        self._lock = threading.Lock()

    def __enter__(self) -> AudioDatasetGenerator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()

    @property
    def is_running(self) -> bool:
        """Whether clips are waiting for a synthesizer."""
        return self._jobs.unfinished_tasks > 0

    @staticmethod
    def list_supported_backends() -> list[str]:
        """Return the names that :meth:`load_backend` accepts."""
        return list(ENGINES)

    def is_backend_loaded(self, backend: str, raise_exception: bool = False) -> bool:
        """Return whether a back end is loaded.

        Args:
            backend: Name of the back end.
            raise_exception: Whether to raise an error if it is not loaded.

        Raises:
            SettingError: The back end is not loaded, and ``raise_exception`` is set.
        """
        if backend not in self._voices and raise_exception:
            raise SettingError(
                f"The back end {backend!r} is not loaded.", hint=f"Call load_backend({backend!r}) first."
            )
        return backend in self._voices

    def load_backend(self, name: str, install_python_package: bool = False, **kwargs: Any) -> None:
        """Load the voices of a synthesizer.

        Args:
            name: Name of the synthesizer.
            install_python_package: For compatibility with MLTK 0.20; ignored.
            kwargs: For compatibility with MLTK 0.20; ignored.

        Raises:
            SettingError: The name is that of a cloud service.
            SpeechError: There is no such synthesizer.
            MissingDependencyError: The synthesizer is not installed.
        """
        if name.lower() in _CLOUD:
            raise SettingError(
                f"{name} is a cloud service, which this toolkit doesn't offer.",
                hint=f"Use a synthesizer on this machine: {', '.join(ENGINES)}.",
            )
        with make_engine(name) as engine:
            self._voices[name] = list(_voices_of(engine))

    def list_languages(self, backend: str | None = None) -> list[str]:
        """Return the language codes of the voices of the loaded back ends, or of one back end."""
        return sorted({voice.language_code for voice in self.list_voices(backend=backend)})

    def list_voices(self, language_code: str | None = None, backend: str | None = None) -> list[Voice]:
        """Return the voices of the loaded back ends.

        Args:
            language_code: Only voices of this language; ``en`` includes ``en-gb``.
            backend: Only voices of this back end.
        """
        if backend is not None:
            self.is_backend_loaded(backend, raise_exception=True)
        wanted = language_code.lower() if language_code else ""
        return [
            voice
            for name, voices in self._voices.items()
            if backend in (None, name)
            for voice in voices
            if not wanted or voice.language_code == wanted or voice.language_code.startswith(f"{wanted}-")
        ]

    def list_configurations(
        self,
        keywords: list[Keyword],
        augmentations: list[Augmentation],
        voices: list[Voice],
        truncate: bool = False,
        seed: int | None = None,
    ) -> dict[Keyword, list[GenerationConfig]]:
        """Return all combinations of words, ways of speaking and voices of each keyword, at most its ``max_count``.

        Args:
            keywords: The keywords.
            augmentations: The ways of speaking.
            voices: The voices.
            truncate: Whether each keyword gets only as many clips as the keyword with the fewest clips.
            seed: Seed of the order; None keeps the order.
        """
        found: dict[Keyword, list[GenerationConfig]] = {}
        for keyword in keywords:
            some = [
                GenerationConfig(
                    voice, how.rate or VoiceRate.default, how.pitch or VoicePitch.default, word, keyword.value
                )
                for voice in voices
                for how in augmentations
                for word in keyword.as_list()
            ]
            if seed is not None:
                random.Random(f"{seed}/{keyword.value}").shuffle(some)
            found[keyword] = some[: keyword.max_count]
        if truncate and found:
            fewest = min(len(some) for some in found.values())
            found = {keyword: some[:fewest] for keyword, some in found.items()}
        return found

    def count_characters(self, config: dict[Keyword, list[GenerationConfig]]) -> dict[Keyword, dict[str, int]]:
        """Return the number of characters to say, by keyword and back end."""
        counts: dict[Keyword, dict[str, int]] = {}
        for keyword, some in config.items():
            by_backend = counts.setdefault(keyword, {})
            for one in some:
                by_backend[one.voice.backend] = by_backend.get(one.voice.backend, 0) + len(one.keyword or "")
        return counts

    def get_summary(self, config: dict[Keyword, list[GenerationConfig]], as_dict: bool = False) -> dict[Any, Any] | str:
        """Return the number of clips and voices of each keyword, as JSON text or as a dict."""
        summary = {
            keyword.value: {"clips": len(some), "voices": len({one.voice for one in some})}
            for keyword, some in config.items()
        }
        return summary if as_dict else json.dumps(summary, indent=2)

    def generate(self, config: GenerationConfig, on_finished: Callable[[str], None] | None = None) -> None:
        """Synthesize a clip in the background.

        Args:
            config: The clip.
            on_finished: Called with the path of the clip when it is written.

        Raises:
            SettingError: The back end of the voice is not loaded, or the configuration has no keyword.
        """
        self.is_backend_loaded(config.voice.backend, raise_exception=True)
        if not config.keyword:
            raise SettingError("The configuration has no keyword to say.")
        self._jobs.put((config.copy(), on_finished))
        if len(self._threads) < self.n_jobs:
            thread = threading.Thread(target=self._work, name="mltk-speech", daemon=True)
            self._threads.append(thread)
            thread.start()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until all clips are written.

        Args:
            timeout: Longest time to wait in seconds; None waits without limit.

        Returns:
            False if the time was too short.

        Raises:
            MltkError: The first error of a synthesizer.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.is_running:
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        with self._lock:
            errors, self._errors = self._errors, []
        if errors:
            raise errors[0]
        return True

    def shutdown(self) -> None:
        """Drop the waiting clips, and end the synthesizers."""
        while True:
            try:
                self._jobs.get_nowait()
            except queue.Empty:
                break
            self._jobs.task_done()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _work(self) -> None:
        engines: dict[str, Engine] = {}
        while True:
            job = self._jobs.get()
            try:
                if job is None:
                    break
                path = self._say(job[0], engines)
                if job[1] is not None:
                    job[1](str(path))
            except MltkError as e:
                with self._lock:
                    self._errors.append(e)
            finally:
                self._jobs.task_done()
        for engine in engines.values():
            engine.close()

    def _say(self, config: GenerationConfig, engines: dict[str, Engine]) -> Path:
        words = "".join(c if c.isalnum() else "-" for c in config.keyword or "")
        name = f"{config.voice.hex_hash}_nohash_{words}_{config.rate.value}_{config.pitch.value}.wav"
        path = Path(self.out_dir) / (config.keyword_group or config.keyword or "") / name
        if path.exists():
            return path
        backend = config.voice.backend
        if backend not in engines:
            engines[backend] = make_engine(backend)
        speech = engines[backend].synthesize(
            Utterance(config.keyword or "", config.voice.name, WORDS_PER_MINUTE[config.rate], PITCHES[config.pitch])
        )
        spoken = trim_silence(speech.samples, speech.sample_rate_hz)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_wav(path, finish(spoken, speech.sample_rate_hz, SAMPLE_RATE_HZ, PEAK_DBFS), SAMPLE_RATE_HZ)
        return path


def _voices_of(engine: Engine) -> Iterable[Voice]:
    names = engine.voices()
    if engine.name == "espeak":
        names = [*names, *(v for v in default_voices("en-us", N_DRAWN_VOICES, 0) if v.startswith("en-"))]
    for name in dict.fromkeys(names):
        language = name.partition("+")[0].lower() if engine.name == "espeak" else "en-us"
        if engine.name == "piper":
            language = name.partition("-")[0].replace("_", "-").lower()
        if engine.name == "kokoro" and name.startswith("b"):
            language = "en-gb"  # all its voices speak English here, whatever their own language is
        yield Voice(name, language, engine.name)
