"""A subset of the Multilingual Spoken Words Corpus: words, in a folder each. Two 7z archives.

Mazumder et al., "Multilingual Spoken Words Corpus", NeurIPS Datasets and Benchmarks, 2021. CC BY 4.0.
"""

from __future__ import annotations

import logging

from mltk._lazy import names_of_0_20
from mltk.datasets.audio.utils import download_and_extract

__all__ = ["DOWNLOAD_URL1", "DOWNLOAD_URL2", "VERIFY_URL1_SHA1", "VERIFY_URL2_SHA1", "download"]

DOWNLOAD_URL1 = "https://www.dropbox.com/s/j4p9w4h92e8rruo/mlcommons_keywords_subset_part1.7z?dl=1"
VERIFY_URL1_SHA1 = "6f515d8247e2fee70cd0941420918c8fe57a31e8"
DOWNLOAD_URL2 = "https://www.dropbox.com/s/zacujsccjgk92b2/mlcommons_keywords_subset_part2.7z?dl=1"
VERIFY_URL2_SHA1 = "7816f5ffa1deeafa9b5b3faae563f44198031796"
__getattr__ = names_of_0_20(__name__)


def download(dest_dir: str, logger: logging.Logger | None = None, clean_dest_dir: bool = False) -> str:
    """Download the recordings, unless they exist.

    Args:
        dest_dir: Folder of the recordings.
        logger: Logs the address of each archive that is unpacked.
        clean_dest_dir: Remove the previous content of the folder first.

    Returns:
        The folder, with a folder for each word.

    Raises:
        DownloadError: The recordings cannot be downloaded, or the download is the wrong file.
        MissingDependencyError: The package that unpacks 7z archives is not installed.
    """
    urls = [(DOWNLOAD_URL1, VERIFY_URL1_SHA1), (DOWNLOAD_URL2, VERIFY_URL2_SHA1)]
    return download_and_extract(dest_dir, urls, logger, clean_dest_dir)[0]
