"""Kokoro: neural voices (StyleTTS 2, 82 million parameters) that sound like people. It needs files of its own.

The folder ``MLTK_KOKORO``, or else ``~/.local/share/kokoro``, has the model, ``*.onnx``, and the voices. The voices are
one archive ``voices*.bin`` of NumPy arrays, as in the releases of the project kokoro-onnx. Or they are a folder
``voices`` with one file ``NAME.bin`` for each, float32 ``[tokens, 256]``, as in Kokoro's ONNX repositories. Model and
voices are under the Apache license 2.0. eSpeak NG, in its own process, tells how words are pronounced.

A voice is 256 numbers for each length of the text. A mixture of two voices is a voice too: ``af_heart*0.4+bm_lewis`` is
40 % of the first and 60 % of the second. So there are any number of speakers.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import random
import re
import zipfile
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.audio.speech.engines.kokoro_alphabet import tokens_of
from mltk.errors import MissingDependencyError

FOLDER_VARIABLE = "MLTK_KOKORO"
DEFAULT_FOLDER = "~/.local/share/kokoro"
SAMPLE_RATE_HZ = 24000
STYLE_SIZE = 256
CALM_WPM = 150
SPEEDS = (0.5, 2.0)  # outside of this range words get lost
BLENDS = 150
BLENDS_SEED = 1

# First letter of a voice's name → language of the speaker. Japanese and Chinese have no table of accents here.
_LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
_BLEND = re.compile(r"(?P<first>\w+)\*(?P<share>0?\.\d+)\+(?P<second>\w+)")


class KokoroEngine(Engine):
    """Kokoro on one core of the CPU, in this process.

    Raises:
        MissingDependencyError: ``onnxruntime`` or eSpeak NG is not installed.
        SpeechError: The files are missing, or are not a model and voices.
    """

    name = "kokoro"
    speaks_phonemes = True

    def __init__(self) -> None:
        try:
            onnxruntime: Any = importlib.import_module("onnxruntime")
        except ImportError as e:
            raise MissingDependencyError("onnxruntime", "kokoro") from e
        folder = _folder()
        self._model_path = _model_file(folder)
        if self._model_path is None:
            raise SpeechError(
                f"{folder} has no model of Kokoro (*.onnx).",
                hint=f"Put the files there, or set {FOLDER_VARIABLE} to their folder; or use the engine 'espeak'.",
            )
        self._styles = _read_voices(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = (
            1  # the parallelism is in the number of synthesizers
        )
        try:
            self._session = onnxruntime.InferenceSession(
                str(self._model_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as e:  # onnxruntime's exceptions have no base of their own
            raise SpeechError(f"ONNX Runtime can't load the model {self._model_path}: {e}") from e
        self._inputs = {i.name: np.int32 if "int32" in i.type else np.float32 for i in self._session.get_inputs()}
        self._pronouncing: EspeakEngine | None = None

    @staticmethod
    def is_installed() -> bool:
        """Return whether ONNX Runtime, eSpeak NG and the files are installed."""
        installed = importlib.util.find_spec("onnxruntime") is not None and EspeakEngine.is_installed()
        return installed and _model_file(_folder()) is not None

    @staticmethod
    def language_of(voice: str) -> str:
        """Return the language that the first letter of the voice's name stands for; of a blend, of its first voice."""
        return _LANGUAGES.get(voice[:1], "")

    @property
    def version(self) -> str:
        """Name of the model file, which has the version."""
        assert self._model_path is not None
        return self._model_path.stem

    def voices(self) -> list[str]:
        """Return the voices of the files, English voices first, then blends of two voices, always the same."""
        english = sorted(v for v in self._styles if v[:1] in "ab")
        single = [*english, *sorted(v for v in self._styles if v[:1] not in "ab")]
        draw = random.Random(BLENDS_SEED)
        pairs = list(combinations(single, 2))
        chosen = draw.sample(pairs, min(BLENDS, len(pairs)))
        return [*single, *(f"{first}*{draw.uniform(0.3, 0.7):.2f}+{second}" for first, second in chosen)]

    def phonemes(self, text: str, language: str) -> list[str]:
        """Look up how words are pronounced; see :meth:`Engine.phonemes`."""
        if self._pronouncing is None:
            self._pronouncing = EspeakEngine()
        return self._pronouncing.phonemes(text, language)

    def synthesize(self, utterance: Utterance) -> Speech:
        """Say an utterance. Pitch and intonation are always the voice's own."""
        styles = self._styles_of(utterance.voice)
        british = utterance.voice.startswith("b")
        said = utterance.phonemes.split("_") if utterance.phonemes else None
        mnemonics = said or self.phonemes(utterance.text, "en-gb" if british else "en-us")
        tokens = tokens_of(mnemonics, british=british)
        if len(tokens) > len(styles):
            raise SpeechError(
                f"{utterance.text!r} has {len(tokens)} sounds, too many for Kokoro; {len(styles)} are possible."
            )
        speed = min(max(utterance.rate_wpm / CALM_WPM, SPEEDS[0]), SPEEDS[1])
        values = {"style": styles[len(tokens) - 1][None], "speed": np.array([speed])}
        feed = {
            name: values[name].astype(kind) if name in values else np.array([[0, *tokens, 0]], np.int64)
            for name, kind in self._inputs.items()
        }
        try:
            wave = np.asarray(self._session.run(None, feed)[0], np.float32).ravel()
        except Exception as e:  # onnxruntime's exceptions have no base of their own
            raise SpeechError(f"Kokoro failed to say {utterance.text!r} with voice {utterance.voice!r}: {e}") from e
        scale = 32767 / max(1.0, float(np.abs(wave).max(initial=0.0)))  # some voices exceed full scale
        return Speech(np.rint(wave * scale).astype(np.int16), SAMPLE_RATE_HZ)

    def _styles_of(self, voice: str) -> npt.NDArray[np.float32]:
        """Return the styles of a voice or a blend, float32 ``[tokens, 256]``."""
        blend = _BLEND.fullmatch(voice)
        names = [blend["first"], blend["second"]] if blend else [voice]
        for name in names:
            if name not in self._styles:
                raise SpeechError(
                    f"There is no Kokoro voice {name!r}.", hint=f"The voices are {', '.join(self._styles)}."
                )
        if not blend:
            return self._styles[voice]
        share = np.float32(blend["share"])
        return share * self._styles[names[0]] + (1 - share) * self._styles[names[1]]

    def close(self) -> None:
        """Stop the process that looks up pronunciations."""
        if self._pronouncing is not None:
            self._pronouncing.close()
            self._pronouncing = None


def _folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER).expanduser()


def _model_file(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("*.onnx"))), None)


def _read_voices(folder: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return name → float32 ``[tokens, 256]``."""
    found: dict[str, npt.NDArray[np.float32]] = {}
    try:
        for archive in sorted(folder.glob("voices*.bin")):
            with archive.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
                found |= {name: arrays[name] for name in arrays.files}
        for path in sorted((folder / "voices").glob("*.bin")):
            found[path.stem] = np.fromfile(path, "<f4")
        styles = {name: v.astype(np.float32, copy=False).reshape(-1, STYLE_SIZE) for name, v in sorted(found.items())}
    except (OSError, ValueError, zipfile.BadZipFile) as e:
        raise SpeechError(f"The voices of Kokoro in {folder} can't be read: {e}") from e
    if not styles:
        raise SpeechError(f"{folder} has no voices of Kokoro (voices*.bin, or voices/*.bin).")
    return styles
