"""Import path of MLTK 0.20 for `mltk.data` and `mltk.audio.augment`."""

from mltk.core.preprocess.utils.directory import list_dataset_directory, list_valid_filenames_in_directory
from mltk.data.pipeline.normalize import normalize
from mltk.data.splitting import shuffle_file_list_by_group, split_file_list

__all__ = [
    "list_dataset_directory",
    "list_valid_filenames_in_directory",
    "normalize",
    "shuffle_file_list_by_group",
    "split_file_list",
]
