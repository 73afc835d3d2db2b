"""Background noise, to mix with recordings of words.

- ``ambient.py``: crowds, offices and keyboards, by Mixkit.
- ``brd2601.py``: the noise of the microphones on Silicon Labs' board BRD2601.
- ``esc50.py``: ESC-50, 50 kinds of environmental sound.
"""

from __future__ import annotations

from mltk._lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {}, ("ambient", "brd2601", "esc50"))
