"""The background noise of the microphones on Silicon Labs' board BRD2601.

The archive is a 7z file, which needs ``pip install 'openmltk[datasets]'``.
"""

from __future__ import annotations

import logging
from pathlib import Path

from mltk.data.fetch.download import datasets_dir
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.audio.convert import convert_folder

__all__ = ["DOWNLOAD_URL", "VERIFY_SHA1", "download"]

DOWNLOAD_URL = "https://github.com/SiliconLabs/mltk_assets/raw/master/datasets/brd2601_background_audio.7z"
VERIFY_SHA1 = "3069A85002965A7830C660343C215EDD4FAE39C6"


def download(
    dest_dir: str, sample_rate_hertz: int = 16000, logger: logging.Logger | None = None, clean_dest_dir: bool = False
) -> str:
    """Download the recordings and convert them, unless they exist.

    Args:
        dest_dir: Folder in which the folder ``brd2601`` is made.
        sample_rate_hertz: Sample rate of the wav files in Hz.
        logger: For compatibility with MLTK 0.20; ignored.
        clean_dest_dir: Convert the recordings again.

    Returns:
        The folder ``brd2601`` of wav files (mono, 16 bits).

    Raises:
        DownloadError: The recordings cannot be downloaded, or the download is the wrong file.
        MissingDependencyError: The package that unpacks 7z archives is not installed.
    """
    original = datasets_dir() / "background_noise" / "brd2601_original"
    fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, original)
    return str(
        convert_folder(original, Path(dest_dir).expanduser() / "brd2601", sample_rate_hertz, clean=clean_dest_dir)
    )
