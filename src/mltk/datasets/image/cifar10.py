"""CIFAR-10: 60,000 photographs of ten classes, 32×32 pixels in colour.

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

from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.image.folders import Split, write_class_folders
from mltk.datasets.places import dataset_path
from mltk.errors import DatasetError
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

INPUT_SHAPE = (32, 32, 3)
CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
DOWNLOAD_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
VERIFY_SHA1 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"  # 0.20's name; it is a SHA-256
_BATCHES = [f"data_batch_{i}" for i in range(1, 6)]


class _ArraysOnly(pickle.Unpickler):
    """Reads the pickled arrays that the dataset consists of, and nothing that could do anything."""

    def find_class(self, module: str, name: str) -> Any:
        # _codecs.encode is how Python 3 pickles bytes for protocol 2.
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


def _reconstruct(kind: type, shape: tuple, code: bytes) -> np.ndarray:
    return np.ndarray.__new__(np.ndarray, shape, np.uint8)


def load_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/cifar10",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> Split:
    """50,000 images for training and 10,000 for testing, uint8 ``[n, 32, 32, 3]``, with class indices ``[n, 1]``.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    folder = dataset_path(dest_dir, f"{dest_subdir}_original")
    fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, folder, remove_root_dir=True, clean=clean_dest_dir)
    parts = [read_batch(folder / name) for name in _BATCHES]
    training = np.concatenate([x for x, _ in parts]), np.concatenate([y for _, y in parts])
    return training, read_batch(folder / "test_batch")


def read_batch(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Images ``[n, 32, 32, 3]`` and class indices ``[n, 1]`` of one of the dataset's files.

    Raises:
        DatasetError: it is no such file.
    """
    try:
        content = _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="bytes").load()
        images = np.asarray(content[b"data"], np.uint8).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return np.ascontiguousarray(images), np.asarray(content[b"labels"], np.uint8).reshape(-1, 1)
    except (OSError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as e:
        raise DatasetError(f"{path} is not a file of CIFAR-10: {e}") from e


def load_data_directory(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/cifar10",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> str:
    """Folder with all images as ``<class>/<number>.png``, made unless it is there.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    return str(write_class_folders(load_data(), CLASSES, folder, clean=clean_dest_dir))
