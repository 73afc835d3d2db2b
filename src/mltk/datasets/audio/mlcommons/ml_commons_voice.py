"""A subset of Common Voice: sentences that many people read. A 7z archive.

Ardila et al., "Common Voice: A Massively-Multilingual Speech Corpus", LREC 2020. CC0.
"""

from __future__ import annotations

import logging

from mltk._lazy import names_of_0_20
from mltk.datasets.audio.utils import download_and_extract

__all__ = ["DOWNLOAD_URL", "VERIFY_SHA1", "download"]

DOWNLOAD_URL = "https://www.dropbox.com/s/l9uxyr22w3jgenc/common_voice_subset.7z?dl=1"
VERIFY_SHA1 = "ce424afd5d9b754f3ea6b3a4f78304f48e865f93"
__getattr__ = names_of_0_20(__name__)


def download(dest_dir: str, logger: logging.Logger | None = None, clean_dest_dir: bool = False) -> str:
    """Download the recordings, unless they exist.

    Args:
        dest_dir: Folder of the recordings.
        logger: Logs the address of the archive when it is unpacked.
        clean_dest_dir: Remove the previous content of the folder first.

    Returns:
        The folder.

    Raises:
        DownloadError: The recordings cannot be downloaded, or the download is the wrong file.
        MissingDependencyError: The package that unpacks 7z archives is not installed.
    """
    return download_and_extract(dest_dir, (DOWNLOAD_URL, VERIFY_SHA1), logger, clean_dest_dir)[0]
