"""Hands that show rock, paper, scissors or something else: 96×96 gray pixels.

Collected by Silicon Labs for MLTK 0.20. The archive is a 7z file, which needs ``pip install 'openmltk[datasets]'``.
"""

from __future__ import annotations

import logging

from mltk._lazy import names_of_0_20
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.image.rock_paper_scissors_v1 import INPUT_DEPTH, INPUT_HEIGHT, INPUT_SHAPE, INPUT_WIDTH
from mltk.datasets.places import dataset_path

__all__ = [
    "CLASSES",
    "DOWNLOAD_URL",
    "INPUT_DEPTH",
    "INPUT_HEIGHT",
    "INPUT_SHAPE",
    "INPUT_WIDTH",
    "VERIFY_SHA1",
    "load_data",
]

DOWNLOAD_URL = "https://github.com/SiliconLabs/mltk_assets/raw/master/datasets/rock_paper_scissors_v2.7z"
VERIFY_SHA1 = "77ED1793BE7871DCAA79D935B39BA4D23A28E2C3"
CLASSES = ("rock", "paper", "scissor", "_unknown_")
__getattr__ = names_of_0_20(__name__)


def load_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/rock_paper_scissors/v2",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> str:
    """Download the dataset, unless it exists.

    Args:
        dest_dir: Folder of the dataset; None is ``dest_subdir`` in the folder of all datasets.
        dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
        logger: For compatibility with MLTK 0.20; ignored.
        clean_dest_dir: Unpack the dataset again.

    Returns:
        The folder of class folders.

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
        MissingDependencyError: The package that unpacks 7z archives is not installed.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    return str(fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, folder, remove_root_dir=True, clean=clean_dest_dir))
