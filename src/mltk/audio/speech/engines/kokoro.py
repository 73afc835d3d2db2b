"""Kokoro: neural voices (StyleTTS 2, 82 million parameters) that sound like people; used when its files are there.

Folder ``MLTK_KOKORO``, or ``~/.local/share/kokoro``, holds the model, ``*.onnx``, and the voices: one archive
``voices*.bin`` of NumPy arrays, as the releases of the project kokoro-onnx have them, or a folder ``voices`` with a
``NAME.bin`` of float32 ``[tokens, 256]`` for each, as its ONNX repositories do. Model and voices are under the Apache
licence 2.0. How words are pronounced is asked of eSpeak NG, in its process.

A voice is 256 numbers for each length of the text, and those between two voices are a voice too:
``af_heart*0.4+bm_lewis`` is four parts of one to six of the other. So there are as many speakers as one wants.
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

from mltk.audio.speech.accents import split_stress
from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.errors import MissingDependencyError

FOLDER_VARIABLE = "MLTK_KOKORO"
DEFAULT_FOLDER = "~/.local/share/kokoro"
SAMPLE_RATE_HZ = 24000
STYLE_SIZE = 256
CALM_WPM = 150
SPEEDS = (0.5, 2.0)  # beyond these words get lost
BLENDS = 150
BLENDS_SEED = 1

# The symbols of its alphabet that English takes, and their numbers (``config.json`` of the model).
_TOKENS = {
    ";": 1, ":": 2, ",": 3, ".": 4, "!": 5, "?": 6, " ": 16, "A": 24, "I": 25, "O": 31, "Q": 33, "T": 36, "W": 39,
    "Y": 41, "ᵊ": 42, "a": 43, "b": 44, "d": 46, "e": 47, "f": 48, "h": 50, "i": 51, "j": 52, "k": 53, "l": 54,
    "m": 55, "n": 56, "o": 57, "p": 58, "r": 60, "s": 61, "t": 62, "u": 63, "v": 64, "w": 65, "x": 66, "z": 68,
    "ɑ": 69, "ɒ": 71, "æ": 72, "ɔ": 76, "ð": 81, "ʤ": 82, "ə": 83, "ɛ": 86, "ɜ": 87, "ɡ": 92, "ɪ": 102, "ŋ": 112,
    "θ": 119, "ɹ": 123, "ɾ": 125, "ʃ": 131, "ʧ": 133, "ʊ": 135, "ʌ": 138, "ʒ": 147, "ʔ": 148, "ˈ": 156, "ˌ": 157,
    "ː": 158,
}  # fmt: skip
# eSpeak NG's mnemonics in that alphabet: (American, British), or one for both.
_SOUNDS: dict[str, str | tuple[str, str]] = {
    "i:": ("i", "iː"), "i": "i", ";": "", "I": "ɪ", "I2": "ɪ", "I#": "ɪ", "e": "e", "E": "ɛ", "e@": ("ɛɹ", "ɛː"),
    "a": "æ", "aa": ("æ", "ɑː"), "a#": "ə", "A:": ("ɑ", "ɑː"), "A@": ("ɑɹ", "ɑː"), "0": ("ɑ", "ɒ"), "O2": ("ɔ", "ɒ"),
    "O": "ɔ", "O:": ("ɔ", "ɔː"), "O@": ("ɔɹ", "ɔː"), "o@": ("ɔɹ", "ɔː"), "o": "o", "U": "ʊ", "u:": ("u", "uː"),
    "u": "u", "U@": ("ʊɹ", "ʊə"), "V": "ʌ", "@": "ə", "@2": "ə", "@-": "ᵊ", "3": ("əɹ", "ə"), "3:": ("ɜɹ", "ɜː"),
    "@L": "ᵊl", "i@": "iə", "i@3": ("ɪɹ", "ɪə"), "eI": "A", "aI": "I", "aI2": "I", "aI3": ("Iəɹ", "Iə"), "aI@": "Iə",
    "aU": "W", "OI": "Y", "oU": ("O", "Q"), "VR": "ʌɹ", "IR": "ɪɹ",
    "t#": ("ɾ", "t"), "t2": "t", "t[": "t", "d[": "d", "?": "ʔ", "n-": "ᵊn", "N": "ŋ", "T": "θ", "D": "ð", "S": "ʃ",
    "Z": "ʒ", "r": "ɹ", "tS": "ʧ", "dZ": "ʤ", "w#": "w", "g": "ɡ", **{sound: sound for sound in "bdfhjklmnpstvwxz"},
}  # fmt: skip
# First letter of a voice's name → language of the speaker; there is no table of accents for Japanese and Chinese.
_LANGUAGES = {"a": "en-us", "b": "en-gb", "e": "es", "f": "fr-fr", "h": "hi", "i": "it", "p": "pt-br"}
_STRESS = {"'": "ˈ", ",": "ˌ"}
_BLEND = re.compile(r"(?P<first>\w+)\*(?P<share>0?\.\d+)\+(?P<second>\w+)")


class KokoroEngine(Engine):
    """Kokoro on one core of the CPU, in this process.

    Raises:
        MissingDependencyError: ``onnxruntime`` or eSpeak NG is not installed.
        SpeechError: its files are not there, or are no model and voices.
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
                f"There is no model of Kokoro (*.onnx) in {folder}.",
                hint=f"Put its files there, or their folder into {FOLDER_VARIABLE}; or use engine 'espeak'.",
            )
        self._styles = _read_voices(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # the parallelism is in the number of engines
        try:
            self._session = onnxruntime.InferenceSession(
                str(self._model_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as e:  # onnxruntime's exceptions have no base of their own
            raise SpeechError(f"{self._model_path} is no model that ONNX Runtime can load: {e}") from e
        self._inputs = {i.name: np.int32 if "int32" in i.type else np.float32 for i in self._session.get_inputs()}
        self._pronouncing: EspeakEngine | None = None

    @staticmethod
    def is_installed() -> bool:
        """Whether ONNX Runtime, eSpeak NG and the files are there."""
        installed = importlib.util.find_spec("onnxruntime") is not None and EspeakEngine.is_installed()
        return installed and _model_file(_folder()) is not None

    @staticmethod
    def language_of(voice: str) -> str:
        """By the first letter of the voice's name; of a blend, that of its first voice."""
        return _LANGUAGES.get(voice[:1], "")

    @property
    def version(self) -> str:
        """Name of the model file, which tells the version."""
        assert self._model_path is not None
        return self._model_path.stem

    def voices(self) -> list[str]:
        """The voices of the files, English ones first, then blends of two of them, always the same."""
        english = sorted(v for v in self._styles if v[:1] in "ab")
        single = [*english, *sorted(v for v in self._styles if v[:1] not in "ab")]
        draw = random.Random(BLENDS_SEED)
        pairs = list(combinations(single, 2))
        chosen = draw.sample(pairs, min(BLENDS, len(pairs)))
        return [*single, *(f"{first}*{draw.uniform(0.3, 0.7):.2f}+{second}" for first, second in chosen)]

    def phonemes(self, text: str, language: str) -> list[str]:
        """eSpeak NG's mnemonics of the words of ``text``."""
        if self._pronouncing is None:
            self._pronouncing = EspeakEngine()
        return self._pronouncing.phonemes(text, language)

    def synthesize(self, utterance: Utterance) -> Speech:
        """Say it; pitch and its range are the voice's own. ``utterance.phonemes`` in eSpeak NG's mnemonics."""
        styles = self._styles_of(utterance.voice)
        british = utterance.voice.startswith("b")
        said = utterance.phonemes.split("_") if utterance.phonemes else None
        mnemonics = said or self.phonemes(utterance.text, "en-gb" if british else "en-us")
        # The full stop: without one, the end of a single word is often swallowed.
        tokens = [_TOKENS[symbol] for symbol in symbols_of(mnemonics, british=british) + "."]
        if len(tokens) > len(styles):
            raise SpeechError(
                f"{utterance.text!r} is too long for Kokoro: {len(tokens)} sounds, {len(styles)} at most."
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
        scale = 32767 / max(1.0, float(np.abs(wave).max(initial=0.0)))  # some voices go beyond full scale
        return Speech(np.rint(wave * scale).astype(np.int16), SAMPLE_RATE_HZ)

    def _styles_of(self, voice: str) -> np.ndarray:
        """``[tokens, 256]`` of a voice or a blend."""
        blend = _BLEND.fullmatch(voice)
        names = [blend["first"], blend["second"]] if blend else [voice]
        for name in names:
            if name not in self._styles:
                raise SpeechError(f"There is no Kokoro voice {name!r}.", hint=f"There are {', '.join(self._styles)}.")
        if not blend:
            return self._styles[voice]
        share = np.float32(blend["share"])
        return share * self._styles[names[0]] + (1 - share) * self._styles[names[1]]

    def close(self) -> None:
        """End the process that knows how words are pronounced."""
        if self._pronouncing is not None:
            self._pronouncing.close()
            self._pronouncing = None


def symbols_of(mnemonics: list[str], *, british: bool) -> str:
    """Kokoro's symbols for eSpeak NG's mnemonics of English.

    Raises:
        SpeechError: a sound is not English.
    """
    found = ""
    for mnemonic in mnemonics:
        if mnemonic == " ":
            found += " "
            continue
        stress, bare = split_stress(mnemonic)
        if bare not in _SOUNDS:
            raise SpeechError(f"Kokoro has no symbol for the sound {mnemonic!r} of eSpeak NG.")
        sound = _SOUNDS[bare]
        found += "".join(_STRESS.get(mark, "") for mark in stress[:1])
        found += sound if isinstance(sound, str) else sound[british]
    return found


def _folder() -> Path:
    return Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER).expanduser()


def _model_file(folder: Path) -> Path | None:
    return next(iter(sorted(folder.glob("*.onnx"))), None)


def _read_voices(folder: Path) -> dict[str, np.ndarray]:
    """Name → ``[tokens, 256]``."""
    found: dict[str, np.ndarray] = {}
    try:
        for archive in sorted(folder.glob("voices*.bin")):
            with np.load(archive, allow_pickle=False) as arrays:
                found |= {name: arrays[name] for name in arrays.files}
        for path in sorted((folder / "voices").glob("*.bin")):
            found[path.stem] = np.fromfile(path, "<f4")
        styles = {name: v.astype(np.float32, copy=False).reshape(-1, STYLE_SIZE) for name, v in sorted(found.items())}
    except (OSError, ValueError, zipfile.BadZipFile) as e:
        raise SpeechError(f"The voices of Kokoro in {folder} can't be read: {e}") from e
    if not styles:
        raise SpeechError(f"There are no voices of Kokoro (voices*.bin, or voices/*.bin) in {folder}.")
    return styles
