"""Import path of MLTK 0.20 for `mltk.specification.dataset_settings`."""

from mltk.specification.dataset_settings import DataGeneratorDatasetMixin

__all__ = ["DataGeneratorDatasetMixin"]
