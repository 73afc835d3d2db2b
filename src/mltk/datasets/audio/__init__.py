"""Recordings of words and noises, and spoken words.

- ``speech_commands/``: Speech Commands, words said by 2,618 people.
- ``mlcommons/``: words and sentences by many people, from MLCommons.
- ``background_noise/``: ESC-50, ambient noise, the noise of a board's microphones.
- ``on_off.py``, ``yes_no.py``, ``ten_digits.py``, ``direction_commands.py``: words from speech synthesizers;
  ``spoken_words.py`` is what they have in common.
- ``mit_ir_survey.py``: impulse responses of rooms.
- ``convert.py``: changes the sample rate of a folder of recordings.
- ``utils.py``: downloads your own recordings.

The modules are imported when they are first used as attributes.
"""

from __future__ import annotations

from mltk._lazy import lazy_names

_MODULES = (
    "background_noise",
    "direction_commands",
    "mit_ir_survey",
    "mlcommons",
    "on_off",
    "speech_commands",
    "ten_digits",
    "utils",
    "yes_no",
)
__getattr__, __dir__, __all__ = lazy_names(
    __name__, {"mltk.datasets.audio.speech_commands": ["speech_commands_v2"]}, _MODULES, left_out=["speech_commands_v2"]
)
