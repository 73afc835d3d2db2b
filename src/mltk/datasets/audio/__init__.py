"""Recordings of words and noises, and spoken words.

- ``speech_commands/``: Speech Commands, words said by 2,618 people.
- ``background_noise/``: ESC-50, ambient noise, the noise of a board's microphones.
- ``on_off.py``, ``yes_no.py``, ``ten_digits.py``, ``direction_commands.py``: words from speech synthesizers;
  ``spoken_words.py`` is what they have in common.
- ``mit_ir_survey.py``: impulse responses of rooms.
- ``convert.py``: changes the sample rate of a folder of recordings.
"""
