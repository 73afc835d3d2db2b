"""Import path of MLTK 0.20 for `mltk.audio.frontend.settings`."""

from mltk.audio.frontend.settings import AudioFeatureGeneratorSettings

__all__ = ["AudioFeatureGeneratorSettings"]
