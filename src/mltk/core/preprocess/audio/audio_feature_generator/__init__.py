"""Import path of MLTK 0.20 for `mltk.audio.frontend`."""

from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings

__all__ = ["AudioFeatureGenerator", "AudioFeatureGeneratorSettings"]
