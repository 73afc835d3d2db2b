"""Import path of MLTK 0.20; the classes live in `mltk.audio.frontend`."""

from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings

__all__ = ["AudioFeatureGenerator", "AudioFeatureGeneratorSettings"]
