"""Speech Commands, in the version ``speech_commands_v2.py``."""
