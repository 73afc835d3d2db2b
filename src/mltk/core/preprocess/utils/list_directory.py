"""Import path of MLTK 0.20 for `mltk.core.preprocess.utils`."""

from mltk.core.preprocess.utils import (
    list_dataset_directory,
    list_valid_filenames_in_directory,
    shuffle_file_list_by_group,
    split_file_list,
)

__all__ = [
    "list_dataset_directory",
    "list_valid_filenames_in_directory",
    "shuffle_file_list_by_group",
    "split_file_list",
]
