"""Piper: neural voices (VITS) that run on a CPU. It can be used if the program ``piper`` is installed.

A voice is a pair of files, ``NAME.onnx`` and ``NAME.onnx.json``. The environment variable ``MLTK_PIPER_VOICES`` lists
the folders, separated as in ``PATH``; the default is ``~/.local/share/piper-voices``. Each speaker of a file with
several speakers is a voice: ``en_US-libritts-high#17``.
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.audio.speech.engines.program import find_program, run, speak_to_file

VOICES_VARIABLE = "MLTK_PIPER_VOICES"
DEFAULT_FOLDER = "~/.local/share/piper-voices"
CALM_WPM = 150


class PiperEngine(Engine):
    """Piper; each utterance is one run of the program.

    Raises:
        SpeechError: The program is not installed.
    """

    name = "piper"

    def __init__(self) -> None:
        self._program = find_program(self.name, "the package piper-tts")
        self._files = _voice_files()

    @staticmethod
    def is_installed() -> bool:
        """Return whether the program is on ``PATH`` and has a voice."""
        return shutil.which("piper") is not None and bool(_voice_files())

    @property
    def version(self) -> str:
        """Version of Piper; ``unknown`` if the program does not print it."""
        try:
            return run([self._program, "--version"]).strip() or "unknown"
        except SpeechError:
            return "unknown"

    def voices(self) -> list[str]:
        """Return file names without ``.onnx``, with ``#speaker`` if the file has several speakers."""
        found = []
        for name, path in self._files.items():
            speakers = _number_of_speakers(path)
            found += [name] if speakers == 1 else [f"{name}#{i}" for i in range(speakers)]
        return found

    def synthesize(self, utterance: Utterance) -> Speech:
        """Say an utterance without Piper's random variation. Pitch and intonation are always the voice's own."""
        name, _, speaker = utterance.voice.partition("#")
        if name not in self._files:
            raise SpeechError(
                f"There is no Piper voice {name!r}.", hint=f"Put its files into a folder of {VOICES_VARIABLE}."
            )
        command = [self._program, "--model", str(self._files[name]), "--output_file", "{wav}"]
        command += ["--length_scale", f"{CALM_WPM / utterance.rate_wpm:.3f}", "--noise_scale", "0", "--noise_w", "0"]
        if speaker:
            command += ["--speaker", speaker]
        return speak_to_file(command, stdin=utterance.text + "\n", engine=self.name)


def _voice_files() -> dict[str, Path]:
    listed = os.environ.get(VOICES_VARIABLE) or os.path.expanduser(DEFAULT_FOLDER)
    found: dict[str, Path] = {}
    for folder in filter(None, listed.split(os.pathsep)):
        for path in sorted(Path(folder).expanduser().rglob("*.onnx")):
            found.setdefault(path.stem, path)
    return found


def _number_of_speakers(path: Path) -> int:
    try:
        return max(1, int(json.loads(Path(f"{path}.json").read_text(encoding="utf-8")).get("num_speakers", 1)))
    except (OSError, ValueError):
        return 1
