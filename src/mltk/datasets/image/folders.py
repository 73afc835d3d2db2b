"""What the image datasets have in common: arrays of images as a folder of class folders."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from mltk.datasets.places import dataset_path
from mltk.errors import MissingDependencyError
from mltk.files import replacing_folder

Arrays = tuple[np.ndarray, np.ndarray]
"""Images ``[n, height, width]`` or ``[n, height, width, 3]`` and class indices ``[n]`` or ``[n, 1]``, all uint8."""
Split = tuple[Arrays, Arrays]
"""``((x_train, y_train), (x_test, y_test))``."""


class LoadDirectory(Protocol):
    """Type of the functions that :func:`make_load_data_directory` returns."""

    def __call__(
        self,
        dest_dir: str | None = None,
        dest_subdir: str = ...,
        logger: logging.Logger | None = None,
        clean_dest_dir: bool = False,
    ) -> str: ...


def make_load_data_directory(load_data: Callable[[], Split], classes: Sequence[str], subdir: str) -> LoadDirectory:
    """Make the function ``load_data_directory`` of a dataset.

    Args:
        load_data: Loads the dataset's arrays.
        classes: Names of the classes, in the order of their indices.
        subdir: Default folder, ``datasets/<name>``.
    """

    def load_data_directory(
        dest_dir: str | None = None,
        dest_subdir: str = subdir,
        logger: logging.Logger | None = None,
        clean_dest_dir: bool = False,
    ) -> str:
        """Write all images as ``<class>/<number>.png``, unless this was done.

        Args:
            dest_dir: Folder of the images; None is ``dest_subdir`` in the folder of all datasets.
            dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
            logger: For compatibility with MLTK 0.20; ignored.
            clean_dest_dir: Write the images again.

        Returns:
            The folder of class folders.

        Raises:
            DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
            MissingDependencyError: Pillow, which writes images, is not installed.
        """
        folder = dataset_path(dest_dir, dest_subdir)
        if clean_dest_dir or not all((folder / name).is_dir() for name in classes):
            write_class_folders(load_data(), classes, folder)
        return str(folder)

    return load_data_directory


def write_class_folders(split: Split, classes: Sequence[str], folder: Path) -> None:
    """Write images as ``<class>/<number>.png``, the training images first. The folder appears when it is complete.

    Args:
        split: Images and class indices.
        classes: Names of the classes, in the order of their indices.
        folder: Folder of the class folders; an existing folder is replaced.

    Raises:
        MissingDependencyError: Pillow, which writes images, is not installed.
        OutputError: The folder cannot be written.
    """
    try:
        from PIL import Image
    except ImportError as e:
        raise MissingDependencyError("Pillow, which writes images,", "train") from e
    (x_train, y_train), (x_test, y_test) = split
    labels = [int(label) for y in (y_train, y_test) for label in np.ravel(y)]
    counts = [0] * len(classes)
    with replacing_folder(folder) as content:
        for name in classes:
            (Path(content) / name).mkdir()
        for image, index in zip((*x_train, *x_test), labels, strict=True):
            Image.fromarray(image).save(Path(content) / classes[index] / f"{counts[index]}.png")
            counts[index] += 1
