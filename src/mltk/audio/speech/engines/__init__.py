"""The speech synthesizers, one module each, by the names of the setting ``engines``.

To add a synthesizer, write a subclass of :class:`Engine` and add it to :data:`ENGINES`.
"""

from __future__ import annotations

from mltk.audio.speech.engines.base import Engine, Speech, SpeechError, Utterance
from mltk.audio.speech.engines.espeak import EspeakEngine
from mltk.audio.speech.engines.festival import FestivalEngine
from mltk.audio.speech.engines.flite import FliteEngine
from mltk.audio.speech.engines.hibari import HibariEngine
from mltk.audio.speech.engines.kokoro import KokoroEngine
from mltk.audio.speech.engines.piper import PiperEngine
from mltk.errors import did_you_mean

ENGINES: dict[str, type[Engine]] = {
    "espeak": EspeakEngine,
    "flite": FliteEngine,
    "festival": FestivalEngine,
    "piper": PiperEngine,
    "hibari": HibariEngine,
    "kokoro": KokoroEngine,
}

__all__ = ["ENGINES", "Engine", "Speech", "SpeechError", "Utterance", "installed_engines", "make_engine"]


def make_engine(name: str) -> Engine:
    """Start a speech synthesizer.

    Args:
        name: Name of the synthesizer, a key of :data:`ENGINES`.

    Returns:
        The synthesizer; use it as a context manager.

    Raises:
        SpeechError: The name is unknown, or the synthesizer's program is not installed.
        MissingDependencyError: The synthesizer's Python package is not installed.
    """
    if name not in ENGINES:
        near = did_you_mean(name, ENGINES)
        raise SpeechError(f"There is no speech engine {name!r}.", hint=near or f"The engines are {', '.join(ENGINES)}.")
    return ENGINES[name]()


def installed_engines() -> list[str]:
    """Return the names of the synthesizers that are installed and have a voice."""
    return [name for name, engine in ENGINES.items() if engine.is_installed()]
