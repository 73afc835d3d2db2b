"""CIFAR-10: 60,000 photographs of ten classes, 32×32 pixels in color.

Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", technical report, University of Toronto, 2009.
"""

from __future__ import annotations

import codecs
import io
import logging
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from mltk._lazy import names_of_0_20
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.image.folders import Arrays, Split, make_load_data_directory
from mltk.datasets.places import dataset_path
from mltk.errors import DatasetError

__all__ = [
    "CLASSES",
    "DOWNLOAD_URL",
    "INPUT_SHAPE",
    "VERIFY_SHA1",
    "load_data",
    "load_data_directory",
]

INPUT_SHAPE = (32, 32, 3)
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
DOWNLOAD_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
VERIFY_SHA1 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"  # a SHA-256; MLTK 0.20 named it so
_BATCHES = [f"data_batch_{i}" for i in range(1, 6)]
__getattr__ = names_of_0_20(__name__)


class _ArraysOnly(pickle.Unpickler):
    """Reads pickled arrays, and refuses every other class or function: a pickle can run any code."""

    def find_class(self, module: str, name: str) -> Any:
        # Python 3 pickles bytes for protocol 2 as a call of _codecs.encode.
        known = {
            "_codecs.encode": codecs.encode,
            "numpy.core.multiarray._reconstruct": _reconstruct,
            "numpy.ndarray": np.ndarray,
            "numpy.dtype": np.dtype,
        }
        wanted = f"{module}.{name}".replace("numpy._core", "numpy.core")
        if wanted in known:
            return known[wanted]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")


def _reconstruct(kind: type, shape: tuple[int, ...], code: bytes) -> np.ndarray:
    return np.ndarray.__new__(np.ndarray, shape, np.uint8)


def load_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/cifar10",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> Split:
    """Download the dataset (170 MB), unless it exists, and load it.

    Args:
        dest_dir: Folder of the dataset; None is ``dest_subdir`` in the folder of all datasets.
        dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
        logger: For compatibility with MLTK 0.20; ignored.
        clean_dest_dir: Unpack the dataset again.

    Returns:
        50,000 images for training and 10,000 for testing, uint8 ``[n, 32, 32, 3]``, each with class indices, uint8
        ``[n, 1]``.

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
    """
    folder = dataset_path(dest_dir, f"{dest_subdir}_original")
    fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, folder, remove_root_dir=True, clean=clean_dest_dir)
    parts = [read_batch(folder / name) for name in _BATCHES]
    training = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    return training, read_batch(folder / "test_batch")


def read_batch(path: Path) -> Arrays:
    """Read one of the dataset's files.

    Returns:
        Images, uint8 ``[n, 32, 32, 3]``, and class indices, uint8 ``[n, 1]``.

    Raises:
        DatasetError: The file has another format.
    """
    try:
        content = _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="bytes").load()
        images = np.asarray(content[b"data"], np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), np.asarray(content[b"labels"], np.uint8).reshape(-1, 1)
    except (OSError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as e:
        raise DatasetError(f"{path} is not a file of CIFAR-10: {e}") from e


load_data_directory = make_load_data_directory(load_data, CLASSES, "datasets/cifar10")
