"""MNIST: 70,000 handwritten digits, 28×28 grey pixels.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11), 1998.
"""

from __future__ import annotations

import logging

import numpy as np

from mltk.data.fetch.download import datasets_dir, fetch
from mltk.datasets.image.folders import Split, write_class_folders
from mltk.datasets.places import dataset_path
from mltk.utils.archive_downloader import create_user_dir, download_verify_extract
from mltk.utils.logger import get_logger

__all__ = [
    "CLASSES",
    "DOWNLOAD_URL",
    "INPUT_SHAPE",
    "VERIFY_SHA1",
    "create_user_dir",
    "download_verify_extract",
    "get_logger",
    "load_data",
    "load_data_directory",
]

INPUT_SHAPE = (28, 28)
CLASSES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
DOWNLOAD_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
VERIFY_SHA1 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"  # 0.20's name; it is a SHA-256


def load_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/mnist",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> Split:
    """60,000 images for training and 10,000 for testing, uint8 ``[n, 28, 28]``, with their digits ``[n]``.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    folder = dataset_path(dest_dir, dest_subdir) if dest_dir else datasets_dir() / "downloads"
    with np.load(fetch(DOWNLOAD_URL, VERIFY_SHA1, folder=folder), allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


def load_data_directory(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/mnist",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> str:
    """Folder with all images as ``<digit>/<number>.png``, made unless it is there.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    return str(write_class_folders(load_data(), CLASSES, folder, clean=clean_dest_dir))
