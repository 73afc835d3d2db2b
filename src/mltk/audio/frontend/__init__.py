"""Audio features for keyword spotting: the fixed-point code of the device, called from Python.

::

    settings = AudioFeatureGeneratorSettings(sample_rate_hz=16000, window_size_ms=30, window_step_ms=20)
    features = AudioFeatureGenerator(settings).process_sample(clip, dtype=np.int8)  # int8 [frames, channels]

The arithmetic is C, in ``mltk/device/audio_frontend.c``: the file that is compiled into the firmware too, so what a
model is trained on is, bit for bit, what it is given on the device.
"""

from mltk.audio.frontend._native import FrontendUnavailableError
from mltk.audio.frontend.features import AudioFeatureGenerator, AudioFeatureStream, FrontendError
from mltk.audio.frontend.settings import AudioFeatureGeneratorSettings

__all__ = [
    "AudioFeatureGenerator",
    "AudioFeatureGeneratorSettings",
    "AudioFeatureStream",
    "FrontendError",
    "FrontendUnavailableError",
]
