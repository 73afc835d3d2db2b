"""eSpeak NG, a formant synthesizer: small, fast, a hundred languages, speakers without number.

The library comes with the PyPI package ``espeakng-loader`` and runs in a child process (it is under the GPL 3, and
native code may crash): :mod:`mltk.audio.speech.espeak_worker`. What it makes is not covered by its licence.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

import mltk
from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.errors import MissingDependencyError
from mltk.workers.wire import WireError, read_message, write_message

# Voice variants that come with eSpeak NG and sound like somebody: no robots, whispers or announcers.
NATURAL_VARIANTS = [
    "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "f1", "f2", "f3", "f4", "f5", "croak", "klatt", "klatt2",
    "klatt4", "adam", "Alex", "Alicia", "Andrea", "Andy", "Annie", "antonio", "aunty", "belinda", "benjamin",
    "boris", "david", "Denis", "Diogo", "ed", "edward", "edward2", "Gene", "Gene2", "grandma", "grandpa", "gustave",
    "Henrique", "Hugo", "ian", "iven", "iven2", "iven3", "iven4", "Jacky", "john", "kaukovalta", "Lee", "linda",
    "marcelo", "Marco", "Mario", "max", "Michael", "michel", "miguel", "Mike", "mike2", "Nguyen", "norbert",
    "pablo", "paul", "pedro", "quincy", "Reed", "RicishayMax", "rob", "robert", "sandro", "shelby", "steph",
    "steph2", "steph3", "Storm", "travis", "Tweaky", "victor", "zac", "anika",
]  # fmt: skip
STDERR_TAIL_CHARACTERS = 2000


class EspeakEngine(Engine):
    """eSpeak NG in a child process.

    A voice is a language of eSpeak NG, alone (``en-us``), with one of its variants (``en-gb-scotland+m3``), or with
    a speaker drawn by number (``en-us+timbre17``; :mod:`mltk.audio.speech.timbres`).

    Args:
        timeout_s: a request that takes longer ends the child and raises.

    Raises:
        MissingDependencyError: ``espeakng-loader`` is not installed.
        SpeechError: the child can't be started.
    """

    name = "espeak"
    speaks_phonemes = True

    def __init__(self, *, timeout_s: float = 30.0) -> None:
        self._timeout_s = timeout_s
        self._timed_out = False
        library, data = espeak_paths()
        # A file, not a pipe: nobody has to drain it, so the child can never block on a full one.
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mltk.audio.speech.espeak_worker", library, data],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._stderr,
                env=_worker_environment(),
                process_group=0 if os.name == "posix" else None,
            )
        except OSError as e:
            self._stderr.close()
            raise SpeechError(f"Can't start the process of eSpeak NG with {sys.executable!r}: {e}") from e
        self._stdin, self._stdout = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        self._about: dict[str, Any] = {}

    @staticmethod
    def is_installed() -> bool:
        """Whether the package with eSpeak NG's library is installed."""
        return importlib.util.find_spec("espeakng_loader") is not None

    @staticmethod
    def language_of(voice: str) -> str:
        """What the voice's name begins with."""
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
        """``language+variant`` of English with the variants that sound natural, then every language alone."""
        variants = [v for v in NATURAL_VARIANTS if v in self.about["variants"]]
        languages = self.about["languages"]
        english = [tag for tag in languages if tag.startswith("en-") and tag != "en-shaw"]
        return [f"{tag}+{variant}" for tag in english for variant in variants] + languages

    def synthesize(self, utterance: Utterance) -> Speech:
        """Say it; ``utterance.phonemes`` in eSpeak's mnemonics."""
        request = {"task": "speak", **dataclasses.asdict(utterance)}
        _, arrays = self._request(request, f"saying {utterance.text!r} with voice {utterance.voice!r}")
        return Speech(arrays[0].astype(np.int16, copy=False), int(self.about["sample_rate_hz"]))

    def phonemes(self, text: str, language: str) -> list[str]:
        """Mnemonics of the words of ``text``; a space stands between words."""
        return self.phonemes_of([text], language)[0]

    def phonemes_of(self, texts: list[str], language: str) -> list[list[str]]:
        """:meth:`phonemes` of many texts at once."""
        reply, _ = self._request({"task": "phonemes", "texts": texts, "voice": language}, "looking up pronunciations")
        return [split_phonemes(text) for text in reply["phonemes"]]

    def _request(self, request: dict[str, Any], doing: str) -> tuple[dict[str, Any], list[np.ndarray]]:
        if self._stderr.closed:
            raise SpeechError("The process of eSpeak NG was ended.")
        watch = threading.Timer(self._timeout_s, self._on_timeout)
        watch.daemon = True
        watch.start()
        try:
            write_message(self._stdin, request)
            reply, arrays = read_message(self._stdout)
        except (WireError, OSError, ValueError) as e:
            raise self._failure(doing) from e
        finally:
            watch.cancel()
        if not reply.pop("ok"):
            raise SpeechError(f"{reply['message']} ({doing}).", hint="Engine.voices() lists the voices.")
        return reply, arrays

    def _on_timeout(self) -> None:
        self._timed_out = True
        self._kill()

    def _kill(self) -> None:
        if self._process.poll() is None:
            self._process.kill()

    def _failure(self, doing: str) -> SpeechError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)  # it may be ending by itself: its own exit code says more
        self._kill()
        code = self._process.wait()
        if self._timed_out:
            what = f"eSpeak NG did not answer within {self._timeout_s:g} s, {doing}, and was ended."
        elif code < 0:
            what = f"eSpeak NG crashed (signal {-code}), {doing}."
        else:
            what = f"The process of eSpeak NG ended early (exit code {code}), {doing}."
        said = os.pread(self._stderr.fileno(), 1 << 20, 0).decode(errors="replace").strip()
        return SpeechError(what, hint=f"It said:\n{said[-STDERR_TAIL_CHARACTERS:]}" if said else None)

    def close(self) -> None:
        """End the child and wait until it is gone."""
        if self._stderr.closed:
            return
        with contextlib.suppress(BrokenPipeError):  # a request that the child never read
            self._stdin.close()
        try:
            self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self._stdout.close()
        self._stderr.close()


def espeak_paths() -> tuple[str, str]:
    """Paths of eSpeak NG's library and of its data folder; the library is not loaded.

    Raises:
        MissingDependencyError: ``espeakng-loader`` is not installed.
    """
    try:
        espeakng_loader = importlib.import_module("espeakng_loader")
    except ImportError as e:
        raise MissingDependencyError("eSpeak NG (package espeakng-loader)", "speech") from e
    return str(espeakng_loader.get_library_path()), str(espeakng_loader.get_data_path())


def split_phonemes(text: str) -> list[str]:
    """``"s_'E_v_@_n"`` → ``["s", "'E", "v", "@", "n"]``; a space stays between words."""
    found: list[str] = []
    for word in text.split():
        if found:
            found.append(" ")
        found += [p for p in word.split("_") if p and not p.startswith("(")]
    return found


def _worker_environment() -> dict[str, str]:
    environment = dict(os.environ)
    root = str(Path(mltk.__file__).resolve().parents[1])
    paths = [root, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        environment[name] = "1"  # the parallelism is in the number of workers
    return environment
