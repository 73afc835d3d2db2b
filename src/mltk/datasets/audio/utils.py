"""Download recordings, and archives of recordings, into a folder."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

from mltk.data.fetch.download import fetch
from mltk.data.fetch.unpack import unpack
from mltk.datasets.audio.background_noise import ambient
from mltk.files import make_folder, write_file

__all__ = ["download", "download_and_extract"]


def download(
    dest_dir: str, urls: str | list[str], sample_rate_hertz: int = 16000, logger: logging.Logger | None = None
) -> list[str]:
    """Download audio files and convert them to wav files (mono, 16 bits), unless they exist.

    Args:
        dest_dir: Folder of the wav files.
        urls: Addresses of audio files.
        sample_rate_hertz: Sample rate of the wav files in Hz.
        logger: Logs the path of each file.

    Returns:
        Paths of the wav files.

    Raises:
        DownloadError: A file cannot be downloaded.
        AudioFileError: A file is not audio.
    """
    return ambient.download(dest_dir, sample_rate_hertz, urls, logger)


def download_and_extract(
    dest_dir: str,
    urls: str | tuple[str, str] | Sequence[str] | Sequence[tuple[str, str]],
    logger: logging.Logger | None = None,
    clean_dest_dir: bool = False,
) -> list[str]:
    """Download archives and unpack all into one folder, unless this was done.

    Args:
        dest_dir: The folder.
        urls: Address of an archive, or ``(address, checksum)``; or a list of these.
        logger: Logs the address of each archive that is unpacked.
        clean_dest_dir: Remove the previous content of the folder first.

    Returns:
        The folder, once for each archive.

    Raises:
        DownloadError: An archive cannot be downloaded, or the download is the wrong file.
        ArchiveRefused: An archive is damaged, hostile, or of an unknown kind.
        MissingDependencyError: The package that unpacks 7z archives is not installed.
    """
    folder = Path(dest_dir).expanduser()
    archives = [(url, None) if isinstance(url, str) else url for url in _as_list(urls)]
    for number, (url, checksum) in enumerate(archives):
        clean = clean_dest_dir and number == 0
        wanted = {"url": url, "checksum": checksum and checksum.lower()}
        archive = fetch(url, checksum)
        note = folder / f".{archive.name}.json"
        if clean or not note.is_file() or json.loads(note.read_text(encoding="utf-8")) != wanted:
            if logger is not None:
                logger.info("Unpacking %s into %s", url, folder)
            make_folder(folder)
            unpack(archive, folder, clean=clean)
            write_file(note, json.dumps(wanted))
    return [str(folder)] * len(archives)


def _as_list(
    urls: str | tuple[str, str] | Sequence[str] | Sequence[tuple[str, str]],
) -> list[str | tuple[str, str]]:
    if isinstance(urls, str):
        return [urls]
    # An address and its checksum: the second str is not an address.
    if isinstance(urls, tuple) and len(urls) == 2 and isinstance(urls[1], str) and "://" not in urls[1]:
        return [(str(urls[0]), urls[1])]
    return list(urls)
