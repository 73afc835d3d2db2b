"""Import path of MLTK 0.20 for `mltk.specification.dataset_settings`."""

from mltk.specification.dataset_settings import DatasetMixin
from mltk.specification.own_dataset import MltkDataset

__all__ = ["DatasetMixin", "MltkDataset"]
