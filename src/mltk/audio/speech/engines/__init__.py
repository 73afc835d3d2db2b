"""The speech synthesizers that can be used, by name. One file each; to add one, add it to :data:`ENGINES`."""

from __future__ import annotations

from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.audio.speech.engines.festival import FestivalEngine
from mltk.audio.speech.engines.flite import FliteEngine
from mltk.audio.speech.engines.kokoro import KokoroEngine
from mltk.audio.speech.engines.piper import PiperEngine
from mltk.errors import did_you_mean

ENGINES: dict[str, type[Engine]] = {
    "espeak": EspeakEngine,
    "flite": FliteEngine,
    "festival": FestivalEngine,
    "piper": PiperEngine,
    "kokoro": KokoroEngine,
}

__all__ = ["ENGINES", "Engine", "Speech", "SpeechError", "Utterance", "installed_engines", "make_engine"]


def make_engine(name: str) -> Engine:
    """A new engine.

    Raises:
        SpeechError: there is none of that name, or its program is not installed.
        MissingDependencyError: its Python package is not installed.
    """
    if name not in ENGINES:
        near = did_you_mean(name, ENGINES)
        raise SpeechError(f"There is no speech engine {name!r}.", hint=near or f"There are {', '.join(ENGINES)}.")
    return ENGINES[name]()


def installed_engines() -> list[str]:
    """Names of the engines that can be used here and have a voice."""
    return [name for name, engine in ENGINES.items() if engine.is_installed()]
