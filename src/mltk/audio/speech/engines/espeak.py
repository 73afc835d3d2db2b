"""eSpeak NG, a formant synthesizer: small and fast, with a hundred languages and any number of speakers.

The library is in the PyPI package ``espeakng-loader``. It runs in a child process
(:mod:`mltk.audio.speech.espeak_worker`), since it is under the GPL 3 and native code may crash. Its license does not
cover the speech that it makes.
"""

from __future__ import annotations

import dataclasses
import importlib
import importlib.util
from typing import Any

import numpy as np

from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.errors import MissingDependencyError, RuntimeFailure
from mltk.workers.child import Child, ChildEndedError, RequestFailedError
from mltk.workers.wire import Header, Message

# Voice variants of eSpeak NG that sound like people, without robots, whispers and announcers.
NATURAL_VARIANTS = [
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "croak", "klatt", "klatt2",
    "klatt4", "adam", "Alex", "Alicia", "Andrea", "Andy", "Annie", "antonio", "aunty", "belinda", "benjamin",
    "boris", "david", "Denis", "Diogo", "ed", "edward", "edward2", "Gene", "Gene2", "grandma", "grandpa", "gustave",
    "Henrique", "Hugo", "ian", "iven", "iven2", "iven3", "iven4", "Jacky", "john", "kaukovalta", "Lee", "linda",
    "marcelo", "Marco", "Mario", "max", "Michael", "michel", "miguel", "Mike", "mike2", "Nguyen", "norbert",
    "pablo", "paul", "pedro", "quincy", "Reed", "RicishayMax", "rob", "robert", "sandro", "shelby", "steph",
    "steph2", "steph3", "Storm", "travis", "Tweaky", "victor", "zac", "anika",
]  # fmt: skip


class EspeakEngine(Engine):
    """eSpeak NG in a child process.

    A voice is a language of eSpeak NG alone (``en-us``), or a language with a variant of eSpeak NG
    (``en-gb-scotland+m3``), or a language with a speaker drawn by number (``en-us+timbre17``;
    :mod:`mltk.audio.speech.timbres`).

    Args:
        timeout_s: Seconds that a request may take.

    Raises:
        MissingDependencyError: ``espeakng-loader`` is not installed.
        SpeechError: The child can't be started.
    """

    name = "espeak"
    speaks_phonemes = True

    def __init__(self, *, timeout_s: float = 30.0) -> None:
        try:
            self._child = Child(
                "mltk.audio.speech.espeak_worker",
                espeak_paths(),
                name="eSpeak NG",
                timeout_s=timeout_s,
                closing_s=1.0,  # the child frees eSpeak NG when it ends by itself
            )
        except RuntimeFailure as e:
            raise SpeechError(e.message, hint=e.hint) from e
        self._about: dict[str, Any] = {}

    @staticmethod
    def is_installed() -> bool:
        """Return whether the package with eSpeak NG's library is installed."""
        return importlib.util.find_spec("espeakng_loader") is not None

    @staticmethod
    def language_of(voice: str) -> str:
        """Return the language with which the voice's name begins."""
        return voice.partition("+")[0]

    @property
    def about(self) -> dict[str, Any]:
        """``version``, ``sample_rate_hz``, ``languages`` and ``variants`` of the library."""
        if not self._about:
            self._about = self._request({"task": "describe"}, "describing itself")[0]
        return self._about

    @property
    def version(self) -> str:
        """Version of eSpeak NG."""
        return str(self.about["version"])

    def voices(self) -> list[str]:
        """Return every kind of English with every natural variant, then every language alone."""
        variants = [v for v in NATURAL_VARIANTS if v in self.about["variants"]]
        languages: list[str] = self.about["languages"]
        english = [tag for tag in languages if tag.startswith("en-") and tag != "en-shaw"]
        return [f"{tag}+{variant}" for tag in english for variant in variants] + languages

    def synthesize(self, utterance: Utterance) -> Speech:
        """Say an utterance; raises as :meth:`Engine.synthesize`."""
        request = {"task": "speak", **dataclasses.asdict(utterance)}
        _, arrays = self._request(request, f"saying {utterance.text!r} with voice {utterance.voice!r}")
        return Speech(arrays[0].astype(np.int16, copy=False), int(self.about["sample_rate_hz"]))

    def phonemes(self, text: str, language: str) -> list[str]:
        """Look up how words are pronounced; see :meth:`Engine.phonemes`."""
        return self.phonemes_of([text], language)[0]

    def phonemes_of(self, texts: list[str], language: str) -> list[list[str]]:
        """Look up how many texts are pronounced, with one request.

        Returns:
            What :meth:`phonemes` returns, for each text.
        """
        reply, _ = self._request({"task": "phonemes", "texts": texts, "voice": language}, "looking up pronunciations")
        return [split_phonemes(text) for text in reply["phonemes"]]

    def _request(self, request: Header, doing: str) -> Message:
        try:
            return self._child.request(request, doing=doing)
        except RequestFailedError as e:
            raise SpeechError(f"{e.message} ({doing}).", hint="Engine.voices() lists the voices.") from e
        except ChildEndedError as e:
            raise SpeechError(e.message, hint=e.hint) from e

    def close(self) -> None:
        """Stop the child and wait until it has ended."""
        self._child.close()


def espeak_paths() -> tuple[str, str]:
    """Find eSpeak NG's library, without loading it.

    Returns:
        Paths of the library and of the data folder.

    Raises:
        MissingDependencyError: ``espeakng-loader`` is not installed.
    """
    try:
        espeakng_loader = importlib.import_module("espeakng_loader")
    except ImportError as e:
        raise MissingDependencyError("eSpeak NG (package espeakng-loader)", "speech") from e
    return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())


def split_phonemes(text: str) -> list[str]:
    """Split eSpeak NG's phonemes: ``"s_'E_v_@_n"`` → ``["s", "'E", "v", "@", "n"]``; a space stays between words."""
    found: list[str] = []
    for word in text.split():
        if found:
            found.append(" ")
        found += [p for p in word.split("_") if p and not p.startswith("(")]
    return found
