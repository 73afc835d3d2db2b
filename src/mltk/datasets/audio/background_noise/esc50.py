"""ESC-50: 2,000 recordings of 5 s of 50 kinds of environmental sound.

Piczak, "ESC: Dataset for Environmental Sound Classification", ACM Multimedia 2015. CC BY-NC 3.0.
"""

from __future__ import annotations

import logging

from mltk._lazy import names_of_0_20
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.datasets.audio.convert import convert_folder
from mltk.datasets.places import dataset_path

__all__ = ["DOWNLOAD_URL", "VERIFY_SHA1", "download"]

DOWNLOAD_URL = "https://github.com/karolpiczak/ESC-50/archive/a5e0c7451e12a751302b32283f1f039cbd111356.zip"
VERIFY_SHA1 = "160bb1269418240f9d2bb86eee598ffbd882ca89"
__getattr__ = names_of_0_20(__name__)


def download(
    dest_dir: str | None = None,
    dest_subdir: str = "datasets/esc-50",
    sample_rate_hertz: int = 16000,
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> str:
    """Download the recordings (600 MB) and convert them, unless they exist.

    Args:
        dest_dir: Folder in which the folder ``audio`` of the recordings is made; None is ``dest_subdir`` in the folder
            of all datasets.
        dest_subdir: Folder in the folder of all datasets; its leading ``datasets/`` is that folder.
        sample_rate_hertz: Sample rate of the wav files in Hz.
        logger: For compatibility with MLTK 0.20; ignored.
        clean_dest_dir: Convert the recordings again.

    Returns:
        The folder of wav files (mono, 16 bits).

    Raises:
        DownloadError: The dataset cannot be downloaded, or the download is the wrong file.
    """
    folder = dataset_path(dest_dir, dest_subdir)
    original = folder.with_name(f"{folder.name}_original")
    fetch_and_unpack(DOWNLOAD_URL, VERIFY_SHA1, original, file_name="esc-50.zip")
    found = next((p for p in sorted(original.rglob("audio")) if p.is_dir()), original)
    return str(convert_folder(found, folder / "audio", sample_rate_hertz, clean=clean_dest_dir))
