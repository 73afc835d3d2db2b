"""Import path of MLTK 0.20; the functions live in `mltk.audio.samples`."""

from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings
from mltk.audio.samples import adjust_length, apply_frontend, read_audio_file, write_audio_file
from mltk.utils.python import append_exception_msg

__all__ = [
    "AudioFeatureGenerator",
    "AudioFeatureGeneratorSettings",
    "adjust_length",
    "append_exception_msg",
    "apply_frontend",
    "read_audio_file",
    "write_audio_file",
]
