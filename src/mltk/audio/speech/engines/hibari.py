"""Hibari: one natural voice, small and fast, from which any number of speakers are made.

The model is in the PyPI package ``hibari-tts`` (14 MB; code and model under the Apache license 2.0). It learned the
voice ``af_heart`` of Kokoro. ONNX Runtime computes the spectra of an utterance. The module
:mod:`mltk.audio.speech.natural_timbres` changes who speaks before they become a waveform. eSpeak NG, in its own
process, tells how words are pronounced.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from typing import Any

import numpy as np

from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.audio.speech.engines.kokoro_alphabet import tokens_of
from mltk.audio.speech.natural_timbres import VOICED_HZ, Spectra, person, spoken_by
from mltk.audio.speech.timbres import PREFIX
from mltk.errors import MissingDependencyError

PACKAGE = "hibari-tts"
VOICE = "heart"
SAMPLE_RATE_HZ = 24000
PEOPLE = 400
CALM_WPM = 150
SPEEDS = (0.5, 2.0)
_SILENCE = np.float32(-30)
# The network's third part holds the hiss, but in voiced sounds also harmonics of the natural pitch: 15 dB below the
# voice. As noise they would be loud breath.
_HARMONICS_IN_HISS = np.float32(np.log(0.3))


class HibariEngine(Engine):
    """Hibari on one core of the CPU, in this process.

    A voice is ``heart``, the natural voice, or ``heart+timbre17``, a speaker drawn by number.

    Raises:
        MissingDependencyError: ``hibari-tts`` or eSpeak NG is not installed.
        SpeechError: ONNX Runtime can't load the model.
    """

    name = "hibari"
    speaks_phonemes = True

    def __init__(self) -> None:
        try:
            onnxruntime: Any = importlib.import_module("onnxruntime")
            self._signals: Any = importlib.import_module("hibari.dsp")
            voices: Any = importlib.import_module("hibari.voices")
        except ImportError as e:
            raise MissingDependencyError(f"Hibari (package {PACKAGE})", "voices") from e
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the parallelism is in the number of engines
        path = str(voices.voice_path(VOICE))
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as e:  # onnxruntime's exceptions have no base of their own
            raise SpeechError(f"ONNX Runtime can't load the model {path}: {e}") from e
        self._pronouncing: EspeakEngine | None = None

    @staticmethod
    def is_installed() -> bool:
        """Return whether the package with the model, ONNX Runtime and eSpeak NG are installed."""
        found = all(importlib.util.find_spec(name) is not None for name in ("hibari", "onnxruntime"))
        return found and EspeakEngine.is_installed()

    @staticmethod
    def language_of(voice: str) -> str:
        """Return the language of a drawn speaker; the natural voice is American."""
        number = _number_of(voice)
        return "en-us" if number is None else person(number).language

    @property
    def version(self) -> str:
        """Version of the package."""
        return importlib.metadata.version(PACKAGE)

    def voices(self) -> list[str]:
        """Return the natural voice, then drawn speakers."""
        return [VOICE, *(f"{VOICE}+{PREFIX}{i}" for i in range(PEOPLE - 1))]

    def phonemes(self, text: str, language: str) -> list[str]:
        """Look up how words are pronounced; see :meth:`Engine.phonemes`."""
        if self._pronouncing is None:
            self._pronouncing = EspeakEngine()
        return self._pronouncing.phonemes(text, language)

    def synthesize(self, utterance: Utterance) -> Speech:
        """Say an utterance. The natural voice has its own pitch and intonation; only drawn speakers change them."""
        number = _number_of(utterance.voice)
        said = utterance.phonemes.split("_") if utterance.phonemes else self.phonemes(utterance.text, "en-us")
        speed = min(max(utterance.rate_wpm / CALM_WPM, SPEEDS[0]), SPEEDS[1])
        feed = {
            "ids": np.array([[0, *tokens_of(said, british=False), 0]], np.int64),
            "speed": np.array([speed], np.float32),
        }
        try:
            harmonics, rotation, noise, hiss, phase, pitch_hz = (part[0] for part in self._session.run(None, feed))
        except Exception as e:  # onnxruntime's exceptions have no base of their own
            raise SpeechError(f"Hibari failed to say {utterance.text!r} with voice {utterance.voice!r}: {e}") from e
        seed = f"{utterance.voice}/{said}/{utterance.rate_wpm}/{utterance.pitch}/{utterance.pitch_range}"
        if number is not None:
            hiss = hiss + np.where(pitch_hz > VOICED_HZ, _HARMONICS_IN_HISS, np.float32(0))
            spectra = spoken_by(
                person(number),
                Spectra(harmonics, rotation, np.logaddexp(noise, hiss), pitch_hz),
                SAMPLE_RATE_HZ,
                seed,
                pitch=2 ** ((utterance.pitch - 50) / 50),
                liveliness=2 ** ((utterance.pitch_range - 50) / 50),
            )
            harmonics, rotation, noise, pitch_hz = vars(spectra).values()
            hiss, phase = np.full_like(harmonics, _SILENCE), np.zeros_like(harmonics)
        rng = np.random.default_rng(list(seed.encode()))
        wave = self._signals.synth(harmonics, rotation, noise, hiss, phase, pitch_hz, rng)
        scale = 32767 / max(1.0, float(np.abs(wave).max(initial=0.0)))
        return Speech(np.rint(wave * scale).astype(np.int16), SAMPLE_RATE_HZ)

    def close(self) -> None:
        """Stop the process that looks up pronunciations."""
        if self._pronouncing is not None:
            self._pronouncing.close()
            self._pronouncing = None


def _number_of(voice: str) -> int | None:
    """Return the number of a drawn speaker; None is the natural voice.

    Raises:
        SpeechError: There is no such voice.
    """
    name, _, drawn = voice.partition("+")
    number = drawn.removeprefix(PREFIX)
    if name != VOICE or ("+" in voice and not (drawn.startswith(PREFIX) and number.isdecimal())):
        raise SpeechError(
            f"There is no Hibari voice {voice!r}.",
            hint=f"The voices are {VOICE!r} and {VOICE + '+' + PREFIX + '17'!r}.",
        )
    return int(number) if drawn else None
