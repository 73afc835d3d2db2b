"""MNIST: 70,000 handwritten digits, 28×28 gray pixels.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86(11), 1998.
"""

from __future__ import annotations

import logging

import numpy as np

from mltk._lazy import names_of_0_20
from mltk.data.fetch.download import datasets_dir, fetch
from mltk.datasets.image.folders import Split, make_load_data_directory
from mltk.datasets.places import dataset_path

__all__ = [
    "CLASSES",
    "DOWNLOAD_URL",
    "INPUT_SHAPE",
    "VERIFY_SHA1",
    "load_data",
    "load_data_directory",
]

INPUT_SHAPE = (28, 28)
CLASSES = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]
DOWNLOAD_URL = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
VERIFY_SHA1 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"  # a SHA-256; MLTK 0.20 named it so
__getattr__ = names_of_0_20(__name__)


def load_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/mnist",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> Split:
    """Download the dataset (11 MB), unless it exists, and load it.

    Args:
        dest_dir: Folder of the download; None is ``downloads`` in the folder of all datasets.
        dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
        logger: For compatibility with MLTK 0.20; ignored.
        clean_dest_dir: For compatibility with MLTK 0.20; ignored.

    Returns:
        60,000 images for training and 10,000 for testing, uint8 ``[n, 28, 28]``, each with digits, uint8 ``[n]``.

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
    """
    folder = dataset_path(dest_dir, dest_subdir) if dest_dir else datasets_dir() / "downloads"
    with np.load(fetch(DOWNLOAD_URL, VERIFY_SHA1, folder=folder), allow_pickle=False) as arrays:
        return (arrays["x_train"], arrays["y_train"]), (arrays["x_test"], arrays["y_test"])


load_data_directory = make_load_data_directory(load_data, CLASSES, "datasets/mnist")
