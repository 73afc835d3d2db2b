"""Speech without recordings: spoken words from synthesizers on this machine."""

from __future__ import annotations

from mltk.audio.speech.dataset import SpeechDataset
from mltk.audio.speech.engines import SpeechError, installed_engines, make_engine
from mltk.audio.speech.engines.base import Engine, Speech, Utterance

__all__ = ["Engine", "Speech", "SpeechDataset", "SpeechError", "Utterance", "installed_engines", "make_engine"]
