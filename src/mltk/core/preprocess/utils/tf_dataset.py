"""Import path of MLTK 0.20; the functions live in `mltk.audio.tf_audio` and `mltk.data`."""

from mltk.audio.samples import read_audio_file
from mltk.audio.tf_audio import enable_numpy_behavior, load_audio_directory, parallel_process
from mltk.data.directory import list_dataset_directory
from mltk.data.process_pool import ProcessPool, calculate_n_jobs
from mltk.specification.logs import get_mltk_logger
from mltk.utils.path import create_tempdir

__all__ = [
    "ProcessPool",
    "calculate_n_jobs",
    "create_tempdir",
    "enable_numpy_behavior",
    "get_mltk_logger",
    "list_dataset_directory",
    "load_audio_directory",
    "parallel_process",
    "read_audio_file",
]
