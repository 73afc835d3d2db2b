"""Speech Commands, in the version ``speech_commands_v2.py``."""

from __future__ import annotations

from mltk._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {}, ("speech_commands_v2",))
