"""Import path of MLTK 0.20 for `mltk.audio.frontend.features`."""

from mltk.audio.frontend.features import AudioFeatureGenerator

__all__ = ["AudioFeatureGenerator"]
