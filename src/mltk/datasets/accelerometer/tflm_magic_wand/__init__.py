"""Magic wand: gestures (wing, ring, slope) that ten people drew in the air, three axes at 25 Hz.

From TensorFlow Lite Micro's "magic wand" example; Warden and Situnayake, "TinyML", O'Reilly 2019, chapters 11 and 12.

- ``recordings.py``: reads the files and divides them.
- ``data_load.py``: makes ``tf.data`` pipelines of sequences of one length.
"""

from __future__ import annotations

from mltk._lazy import names_of_0_20
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.accelerometer.tflm_magic_wand.data_load import DataLoader
from mltk.datasets.accelerometer.tflm_magic_wand.recordings import (
    Parts,
    Recording,
    read_recordings,
    split_at_random,
    split_by_person,
)
from mltk.datasets.places import dataset_path

__all__ = [
    "DOWNLOAD_URL",
    "VERIFY_SHA1",
    "DataLoader",
    "data_prepare",
    "data_split_person",
    "load_data",
    "prepare_data",
]

DOWNLOAD_URL = "http://download.tensorflow.org/models/tflite/magic_wand/data.tar.gz"
VERIFY_SHA1 = "5F130F7A65DB62E17E7DE62D635AB7AE0F929047"
_SUBDIR = "datasets/accelerometer/tflm_magic_wand"
__getattr__ = names_of_0_20(__name__)


def load_data(seq_length: int = 128, person: bool = True) -> DataLoader:
    """Download the dataset, unless it exists, and load it.

    Args:
        seq_length: Samples of a sequence. Shorter sequences are padded, longer sequences are cut.
        person: True keeps all sequences of a person in one part; False divides the sequences at random.

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
    """
    recordings = read_recordings(prepare_data())
    parts = split_by_person(recordings) if person else split_at_random(recordings)
    return DataLoader(*parts, seq_length)


def prepare_data() -> str:
    """Download the dataset, unless it exists. Returns the folder of the recordings, as published."""
    folder = dataset_path(None, _SUBDIR)
    return str(fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, folder))


def data_prepare() -> list[Recording]:
    """Return all sequences, with sequences that are not a gesture; samples are in m/s² · 100."""
    return read_recordings(prepare_data())


def data_split_person() -> Parts:
    """Return the sequences for training, validation and testing; all sequences of a person are in one part."""
    return split_by_person(data_prepare())
