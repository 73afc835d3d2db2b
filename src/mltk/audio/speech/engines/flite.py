"""Flite (CMU), a small diphone and clustergen synthesizer. It can be used if the program ``flite`` is installed."""

from __future__ import annotations

import re
import shutil

from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.audio.speech.engines.program import find_program, run, speak_to_file

CALM_WPM = 150
# Of no use in a dataset: kal is the 8 kHz version of kal16, and awb_time can only tell the time.
_LEFT_OUT = {"kal", "awb_time"}
_PITCH_HZ = {"kal16": 105, "awb": 120, "rms": 100, "slt": 180}


class FliteEngine(Engine):
    """Flite; each utterance is one run of the program.

    Raises:
        SpeechError: The program is not installed.
    """

    name = "flite"

    def __init__(self) -> None:
        self._program = find_program(self.name, "flite")
        self._voices: list[str] = []

    @staticmethod
    def is_installed() -> bool:
        """Return whether the program is on ``PATH``."""
        return shutil.which("flite") is not None

    @property
    def version(self) -> str:
        """Version of Flite."""
        printed = run(
            [self._program, "--version"], good_codes=(0, 1)
        )  # it exits with 1 after it has printed its version
        found = re.search(r"version:\s*flite-(\d[\w.]*)", printed)
        return found[1] if found else "unknown"

    def voices(self) -> list[str]:
        """Return the voices of the program that can say any text."""
        if not self._voices:
            listed = run([self._program, "-lv"]).partition(":")[2].split()
            self._voices = [voice for voice in listed if voice not in _LEFT_OUT]
        return list(self._voices)

    def synthesize(self, utterance: Utterance) -> Speech:
        """Say an utterance."""
        if utterance.voice not in self.voices():
            raise SpeechError(f"Flite has no voice {utterance.voice!r}.", hint=f"It has {', '.join(self.voices())}.")
        pitch_hz = _PITCH_HZ.get(utterance.voice, 120) * 2 ** ((utterance.pitch - 50) / 100)
        command = [self._program, "-voice", utterance.voice]
        command += ["--setf", f"duration_stretch={CALM_WPM / utterance.rate_wpm:.3f}"]
        command += ["--setf", f"int_f0_target_mean={pitch_hz:.1f}"]
        command += ["--setf", f"int_f0_target_stddev={15 * utterance.pitch_range / 50:.1f}"]
        return speak_to_file([*command, "-t", utterance.text, "-o", "{wav}"], engine=self.name)
