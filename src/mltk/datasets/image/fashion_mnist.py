"""Fashion-MNIST: 70,000 articles of clothing, 28×28 grey pixels.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
arXiv:1708.07747, 2017. MIT License.
"""

from __future__ import annotations

import gzip
import logging
from pathlib import Path

import numpy as np

from mltk.data.fetch.download import datasets_dir, fetch
from mltk.datasets.image.folders import Split, write_class_folders
from mltk.datasets.places import dataset_path
from mltk.errors import DatasetError
from mltk.utils.archive_downloader import create_user_dir, download_verify_extract
from mltk.utils.logger import get_logger

__all__ = [
    "CLASSES",
    "INPUT_SHAPE",
    "create_user_dir",
    "download_verify_extract",
    "get_logger",
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


def load_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/flash_mnist",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> Split:
    """60,000 images for training and 10,000 for testing, uint8 ``[n, 28, 28]``, with class indices ``[n]``.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    folder = dataset_path(dest_dir, dest_subdir) if dest_dir else datasets_dir() / "downloads"
    x_train, y_train, x_test, y_test = (
        read_idx(fetch(_BASE + name, digest, folder=folder)) for name, digest in _FILES.items()
    )
    return (x_train, y_train), (x_test, y_test)


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array in a gzipped IDX file: two zeros, type 8, number of dimensions, each as big-endian uint32.

    Raises:
        DatasetError: it is no such file.
    """
    try:
        with gzip.open(path, "rb") as file:
            data = file.read()
        if data[:3] != b"\0\0\x08":
            raise ValueError("it doesn't begin with 00 00 08")
        shape = np.frombuffer(data, ">u4", data[3], 4)
        return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape([int(n) for n in shape])
    except (OSError, EOFError, ValueError, IndexError) as e:
        raise DatasetError(f"{path} is not a gzipped IDX file of bytes: {e}") from e


def load_data_directory(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/fashion_mnist",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> str:
    """Folder with all images as ``<class>/<number>.png``, made unless it is there.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    return str(write_class_folders(load_data(), CLASSES, folder, clean=clean_dest_dir))
