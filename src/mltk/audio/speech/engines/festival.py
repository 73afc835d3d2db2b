"""Festival (University of Edinburgh). It can be used if its program ``text2wave`` is installed."""

from __future__ import annotations

import re
import shutil

from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.audio.speech.engines.program import find_program, run, speak_to_file

CALM_WPM = 150
_VOICE_NAME = re.compile(r"\w+")


class FestivalEngine(Engine):
    """Festival; each utterance is one run of the program.

    Raises:
        SpeechError: The programs are not installed.
    """

    name = "festival"

    def __init__(self) -> None:
        self._festival = find_program("festival", "festival with a voice, such as festvox-kallpc16k")
        self._text2wave = find_program("text2wave", "festival with a voice, such as festvox-kallpc16k")
        self._voices: list[str] = []

    @staticmethod
    def is_installed() -> bool:
        """Return whether the programs are on ``PATH``."""
        return shutil.which("festival") is not None and shutil.which("text2wave") is not None

    @property
    def version(self) -> str:
        """Version of Festival."""
        found = re.search(r"\d[\w.]*", run([self._festival, "--version"]))
        return found[0] if found else "unknown"

    def voices(self) -> list[str]:
        """Return the installed voices."""
        if not self._voices:
            listed = run([self._festival, "--batch", "(print (voice.list))"])
            self._voices = _VOICE_NAME.findall(listed)
        return list(self._voices)

    def synthesize(self, utterance: Utterance) -> Speech:
        """Say an utterance. Pitch and intonation are always the voice's own."""
        if utterance.voice not in self.voices():
            raise SpeechError(
                f"Festival has no voice {utterance.voice!r}.",
                hint=f"It has {', '.join(self.voices()) or 'none: install one, such as festvox-kallpc16k'}.",
            )
        stretch = f"(Parameter.set 'Duration_Stretch {CALM_WPM / utterance.rate_wpm:.3f})"
        command = [self._text2wave, "-eval", f"(voice_{utterance.voice})", "-eval", stretch, "-o", "{wav}"]
        return speak_to_file(command, stdin=utterance.text, engine=self.name)
