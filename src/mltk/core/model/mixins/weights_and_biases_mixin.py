"""Import path of MLTK 0.20 for `mltk.specification.tracking_settings`."""

from mltk.specification.tracking_settings import WeightsAndBiasesMixin

__all__ = ["WeightsAndBiasesMixin"]
