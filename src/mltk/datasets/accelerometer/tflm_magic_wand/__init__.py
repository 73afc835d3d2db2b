"""Magic wand: gestures (wing, ring, slope) drawn in the air by ten people, three axes at 25 Hz.

From TensorFlow Lite Micro's "magic wand" example; Warden and Situnayake, "TinyML", O'Reilly 2019, chapters 11 and 12.
"""

from __future__ import annotations

from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.accelerometer.tflm_magic_wand.data_load import DataLoader
from mltk.datasets.accelerometer.tflm_magic_wand.recordings import read_recordings, split_at_random, split_by_person
from mltk.datasets.places import dataset_path
from mltk.utils.archive_downloader import download_verify_extract

__all__ = [
    "DOWNLOAD_URL",
    "VERIFY_SHA1",
    "DataLoader",
    "data_prepare",
    "data_split_person",
    "download_verify_extract",
    "load_data",
    "prepare_data",
]

DOWNLOAD_URL = "http://download.tensorflow.org/models/tflite/magic_wand/data.tar.gz"
VERIFY_SHA1 = "5F130F7A65DB62E17E7DE62D635AB7AE0F929047"
_SUBDIR = "datasets/accelerometer/tflm_magic_wand"


def load_data(seq_length: int = 128, person: bool = True) -> DataLoader:
    """The dataset as a :class:`DataLoader`, downloaded unless it is there.

    Args:
        seq_length: samples of a sequence; shorter ones are padded, longer ones cut.
        person: keep a person on one side of the split; else sequences are dealt at random.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    recordings = read_recordings(prepare_data())
    parts = split_by_person(recordings) if person else split_at_random(recordings)
    return DataLoader(*parts, seq_length)


def prepare_data() -> str:
    """Folder of the recordings as published, downloaded unless it is there."""
    folder = dataset_path(None, _SUBDIR)
    return str(fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, folder))


def data_prepare() -> list:
    """All sequences: ``[(gesture, person, array [n, 3] in m/s² · 100), …]``, with those that mean nothing."""
    return read_recordings(prepare_data())


def data_split_person() -> tuple[list, list, list]:
    """Sequences for training, validation and testing, a person being in one of them only."""
    return split_by_person(data_prepare())
