"""Fashion-MNIST: 70,000 articles of clothing, 28×28 gray pixels.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
arXiv:1708.07747, 2017. MIT License.
"""

from __future__ import annotations

import gzip
import logging
from pathlib import Path

import numpy as np

from mltk._lazy import names_of_0_20
from mltk.data.fetch.download import datasets_dir, fetch
from mltk.datasets.image.folders import Split, make_load_data_directory
from mltk.datasets.places import dataset_path
from mltk.errors import DatasetError

__all__ = [
    "CLASSES",
    "INPUT_SHAPE",
    "load_data",
    "load_data_directory",
]

INPUT_SHAPE = (28, 28)
CLASSES = ["tshirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
_BASE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_FILES = {
    "train-images-idx3-ubyte.gz": "95978b76b6897f6ca69a25145d01716efb615989",
    "train-labels-idx1-ubyte.gz": "09814cfef5a041118ceace42f8dae995319d331a",
    "t10k-images-idx3-ubyte.gz": "5edda96c6d8c36ff915115a0e8136d370a021576",
    "t10k-labels-idx1-ubyte.gz": "9caad14e1aff9adac77d3744963212d36af15bee",
}
__getattr__ = names_of_0_20(__name__)


def load_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/flash_mnist",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> Split:
    """Download the dataset (30 MB), unless it exists, and load it.

    Args:
        dest_dir: Folder of the downloads; None is ``downloads`` in the folder of all datasets.
        dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
        logger: For compatibility with MLTK 0.20; ignored.
        clean_dest_dir: For compatibility with MLTK 0.20; ignored.

    Returns:
        60,000 images for training and 10,000 for testing, uint8 ``[n, 28, 28]``, each with class indices, uint8
        ``[n]``.

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
    """
    folder = dataset_path(dest_dir, dest_subdir) if dest_dir else datasets_dir() / "downloads"
    x_train, y_train, x_test, y_test = (
        read_idx(fetch(_BASE + name, digest, folder=folder)) for name, digest in _FILES.items()
    )
    return (x_train, y_train), (x_test, y_test)


def read_idx(path: Path) -> np.ndarray:
    """Read the uint8 array in a gzipped IDX file.

    The file has two zeros, the type 8, the number of dimensions, each dimension as a big-endian uint32, and the values.

    Raises:
        DatasetError: The file has another format.
    """
    try:
        with gzip.open(path, "rb") as file:
            data = file.read()
        if data[:3] != b"\0\0\x08":
            raise ValueError("its first bytes are not 00 00 08")
        shape = np.frombuffer(data, ">u4", data[3], 4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape([int(n) for n in shape])
    except (OSError, EOFError, ValueError, IndexError) as e:
        raise DatasetError(f"{path} is not a gzipped IDX file of bytes: {e}") from e


load_data_directory = make_load_data_directory(load_data, CLASSES, "datasets/fashion_mnist")
