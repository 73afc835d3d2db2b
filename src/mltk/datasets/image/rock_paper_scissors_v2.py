"""Hands that show rock, paper, scissors or something else: 96×96 grey pixels.

Collected by Silicon Labs for MLTK 0.20. The archive is a 7z file: ``pip install 'openmltk[datasets]'``.
"""

from __future__ import annotations

import logging

from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.places import dataset_path
from mltk.utils.archive_downloader import download_verify_extract

__all__ = [
    "CLASSES",
    "DOWNLOAD_URL",
    "INPUT_DEPTH",
    "INPUT_HEIGHT",
    "INPUT_SHAPE",
    "INPUT_WIDTH",
    "VERIFY_SHA1",
    "download_verify_extract",
    "load_data",
]

DOWNLOAD_URL = "https://github.com/SiliconLabs/mltk_assets/raw/master/datasets/rock_paper_scissors_v2.7z"
VERIFY_SHA1 = "77ED1793BE7871DCAA79D935B39BA4D23A28E2C3"
INPUT_WIDTH = 96
INPUT_HEIGHT = 96
INPUT_DEPTH = 1
INPUT_SHAPE = (INPUT_WIDTH, INPUT_HEIGHT, INPUT_DEPTH)
CLASSES = ("rock", "paper", "scissor", "_unknown_")


def load_data(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/rock_paper_scissors/v2",
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> str:
    """Folder of class folders, downloaded unless it is there.

    Raises:
        DownloadError: it can't be downloaded, or is not what it should be.
        MissingDependencyError: what unpacks 7z archives is not installed.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    return str(fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, folder, remove_root_dir=True, clean=clean_dest_dir))
