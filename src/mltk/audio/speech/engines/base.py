"""What every speech synthesizer looks like from here."""

from __future__ import annotations

import abc
import contextlib
import wave
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from mltk.errors import MltkError


class SpeechError(MltkError):
    """A speech engine is missing, refused its input, crashed or hung; names the engine and the text."""


@dataclass(frozen=True)
class Utterance:
    """What to say and how.

    Attributes:
        text: the words, in the spelling of their language.
        voice: a voice of the engine (:meth:`Engine.voices`).
        rate_wpm: words per minute; about 150 is calm speech.
        pitch: 0 to 99; 50 is the voice's own pitch.
        pitch_range: 0 (monotone) to 99; 50 is the voice's own intonation.
        word_gap_ms: pause between words, in ms.
        phonemes: what is said in place of ``text``, in the engine's phoneme mnemonics separated by ``_``; only for
            an engine that :attr:`Engine.speaks_phonemes`.
    """

    text: str
    voice: str
    rate_wpm: int = 150
    pitch: int = 50
    pitch_range: int = 50
    word_gap_ms: int = 0
    phonemes: str = ""


@dataclass(frozen=True)
class Speech:
    """What an engine said: ``samples`` is mono int16 ``[n]``."""

    samples: np.ndarray
    sample_rate_hz: int


class Engine(abc.ABC):
    """A speech synthesizer; a context manager that lets go of its processes.

    One engine object is for one thread. The same utterance gives the same samples, whatever was said before.
    """

    name: str
    speaks_phonemes = False

    @staticmethod
    @abc.abstractmethod
    def is_installed() -> bool:
        """Whether it can be used here."""

    @staticmethod
    def language_of(voice: str) -> str:
        """The speaker's own language, as a tag of eSpeak NG, where :attr:`speaks_phonemes`; else ``""``."""
        return ""

    @property
    @abc.abstractmethod
    def version(self) -> str:
        """Version of the program or library that speaks."""

    @abc.abstractmethod
    def voices(self) -> list[str]:
        """Names of the voices that are installed, those meant for a dataset first."""

    @abc.abstractmethod
    def synthesize(self, utterance: Utterance) -> Speech:
        """Say it.

        Raises:
            SpeechError: the voice is unknown, or the engine failed.
        """

    def phonemes(self, text: str, language: str) -> list[str]:
        """How the words of ``text`` are pronounced, as phoneme mnemonics; stress marks stand before their vowel."""
        raise SpeechError(f"{self.name} can't say how {text!r} is pronounced.")

    def close(self) -> None:  # noqa: B027 - most engines hold nothing between utterances
        """End the processes of the engine."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_wav(path: Path, engine: str) -> Speech:
    """The wav file that a program wrote: 16 bit, any rate; channels are averaged.

    Raises:
        SpeechError: it is no such file.
    """
    try:
        with contextlib.closing(wave.open(str(path), "rb")) as file:
            if file.getsampwidth() != 2:
                raise SpeechError(f"{engine} wrote samples of {8 * file.getsampwidth()} bits; 16 are wanted.")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
            rate = file.getframerate()
    except (OSError, EOFError, wave.Error) as e:
        raise SpeechError(f"{engine} wrote no readable wav file: {e}") from e
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1).round()
    return Speech(mono.astype(np.int16), rate)
