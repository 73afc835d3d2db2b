"""The interface of every speech synthesizer."""

from __future__ import annotations

import abc
import contextlib
import wave
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from mltk.errors import MltkError


class SpeechError(MltkError):
    """A speech synthesizer is missing, refused its input, crashed or hung."""


@dataclass(frozen=True)
class Utterance:
    """What to say and how.

    Attributes:
        text: Words, in the spelling of their language.
        voice: Voice of the synthesizer (:meth:`Engine.voices`).
        rate_wpm: Speed in words per minute; about 150 is calm speech.
        pitch: Pitch, 0 to 99; 50 is the voice's own pitch.
        pitch_range: Liveliness of the intonation, 0 (monotone) to 99; 50 is the voice's own.
        word_gap_ms: Pause between words in ms.
        phonemes: What to say instead of ``text``, in eSpeak NG's phoneme mnemonics separated by ``_``. Only a
            synthesizer with :attr:`Engine.speaks_phonemes` can say it.
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
    """Samples of an utterance.

    Attributes:
        samples: Mono int16 ``[n]``.
        sample_rate_hz: Sample rate in Hz.
    """

    samples: npt.NDArray[np.int16]
    sample_rate_hz: int


class Engine(abc.ABC):
    """A speech synthesizer; a context manager that stops its processes.

    An object is for one thread. The same utterance always has the same samples, whatever was said before.

    Attributes:
        name: Name of the synthesizer in the setting ``engines``.
        speaks_phonemes: Whether it can say phonemes, and so words that don't exist.
    """

    name: str
    speaks_phonemes = False

    @staticmethod
    @abc.abstractmethod
    def is_installed() -> bool:
        """Return whether the synthesizer can be used here."""

    @staticmethod
    def language_of(voice: str) -> str:
        """Return the speaker's own language, as a tag of eSpeak NG; empty unless :attr:`speaks_phonemes`."""
        return ""

    @property
    @abc.abstractmethod
    def version(self) -> str:
        """Version of the program or library that speaks."""

    @abc.abstractmethod
    def voices(self) -> list[str]:
        """Return the names of the installed voices; those for a dataset come first."""

    @abc.abstractmethod
    def synthesize(self, utterance: Utterance) -> Speech:
        """Say an utterance.

        Raises:
            SpeechError: The voice is unknown, or the synthesizer failed.
        """

    def phonemes(self, text: str, language: str) -> list[str]:
        """Look up how words are pronounced.

        Args:
            text: The words.
            language: Language of the words, as a tag of eSpeak NG.

        Returns:
            eSpeak NG's phoneme mnemonics, with stress marks before the vowel; a space separates words.

        Raises:
            SpeechError: The synthesizer has no pronunciations, or it failed.
        """
        raise SpeechError(f"{self.name} has no pronunciations, so {text!r} can't be looked up.")

    def close(self) -> None:  # noqa: B027 - most synthesizers keep nothing between utterances
        """Stop the synthesizer's processes."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_wav(path: Path, engine: str) -> Speech:
    """Read the wav file that a program wrote: 16 bit, any sample rate; channels are averaged.

    Args:
        path: Path of the file.
        engine: Name of the program, for messages.

    Returns:
        The samples.

    Raises:
        SpeechError: The file is not a wav file with 16 bits.
    """
    try:
        with contextlib.closing(wave.open(str(path), "rb")) as file:
            if file.getsampwidth() != 2:
                raise SpeechError(f"{engine} wrote samples of {8 * file.getsampwidth()} bits instead of 16.")
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
            rate = file.getframerate()
    except (OSError, EOFError, wave.Error) as e:
        raise SpeechError(f"{engine} did not write a readable wav file: {e}") from e
    mono = samples[:, 0] if samples.shape[1] == 1 else samples.mean(axis=1).round()
    return Speech(mono.astype(np.int16), rate)
