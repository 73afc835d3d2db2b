"""Speech without recordings: spoken words from speech synthesizers on this machine.

`dataset` is what a specification uses. `plan` decides every clip (words from `words` and `phonetics`, speakers from
`accents` and `timbres`), `synthesis` says the clips, `clips` trims and writes them, `store` keeps the folder. `engines`
has one module for each synthesizer.
"""

from __future__ import annotations

from mltk.audio.speech.dataset import SpeechDataset
from mltk.audio.speech.engines import SpeechError, installed_engines, make_engine
from mltk.audio.speech.engines.base import Engine, Speech, Utterance

__all__ = ["Engine", "Speech", "SpeechDataset", "SpeechError", "Utterance", "installed_engines", "make_engine"]
