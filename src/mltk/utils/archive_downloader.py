"""Download an archive, verify it, and extract it.

:mod:`mltk.data.fetch.download` and :mod:`mltk.data.fetch.unpack` do the work: an interrupted download resumes,
``MLTK_DATASET_MIRROR`` is asked first, and an archive is untrusted input.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mltk.data.fetch.download import CHUNK_DELIMITER, download, name_of_url, verify_file
from mltk.data.fetch.unpack import ARCHIVE_ENDINGS, unpack
from mltk.errors import DownloadError
from mltk.files import write_file
from mltk.utils.logger import get_logger
from mltk.utils.path import clean_directory, create_user_dir, fullpath
from mltk.utils.python import prepend_exception_msg

__all__ = [
    "MLTK_CHUNK_DELIMITER",
    "DownloadError",
    "create_user_dir",
    "download_url",
    "download_verify_extract",
    "extract_archive",
    "fullpath",
    "get_logger",
    "prepend_exception_msg",
    "verify_extract",
    "verify_file_hash",
    "verify_sha1",
    "verify_sha256",
]

MLTK_CHUNK_DELIMITER = CHUNK_DELIMITER
_TIMEOUT_S = 60
_SCHEMES = ("http", "https", "ftp", "file")


def download_verify_extract(
    url: str,
    dest_dir: str | None = None,
    dest_subdir: str | None = None,
    download_dir: str | None = None,
    archive_fname: str | None = None,
    show_progress: bool = False,
    file_hash: str | None = None,
    file_hash_algorithm: str = "auto",
    logger: logging.Logger | None = None,
    extract_nested: bool = False,
    remove_root_dir: bool = False,
    clean_dest_dir: bool = True,
    update_onchange_only: bool = True,
    download_details_fname: str | None = None,
    extract: bool = True,
    return_uptodate: bool = False,
) -> Any:
    """Download an archive, verify it, and extract it, unless this was done.

    Args:
        url: Address of the archive.
        dest_dir: Folder to extract to; None is ``dest_subdir`` of the user folder.
        dest_subdir: Folder in the user folder; None is the name of the archive without its extension.
        download_dir: Folder of the archive itself; None is ``downloads`` in the user folder.
        archive_fname: Name of the archive; None is the last part of the address.
        show_progress: Whether to print the progress of the download.
        file_hash: Wanted hash of the archive in hexadecimal.
        file_hash_algorithm: Algorithm of the hash; ``"auto"`` follows from its length.
        logger: Logger of the steps.
        extract_nested: Whether to extract the archives in the archive too, and remove them.
        remove_root_dir: If all files of the archive are in one folder, leave out this folder.
        clean_dest_dir: Whether to remove the previous content of the folder.
        update_onchange_only: Whether to do nothing if the same archive was extracted there before.
        download_details_fname: Name of the file in the folder that records the extracted archive.
        extract: Whether to extract the archive.
        return_uptodate: Whether to return also whether there was nothing to do.

    Returns:
        Path of the folder, or without ``extract`` of the archive. With ``return_uptodate``, the path and a bool.

    Raises:
        DownloadError: The archive cannot be downloaded, has another hash, or is damaged or hostile.
        OutputError: The disk is full, or the folder cannot be written.
        MissingDependencyError: The package that extracts 7z archives is not installed.
    """
    logger = logger or logging.getLogger("mltk")
    name = archive_fname or _name_of(url)
    folder = fullpath(dest_dir) if dest_dir else create_user_dir(dest_subdir or _without_ending(name))
    details = {"url": url, "file_hash": (file_hash or "").lower()}
    details_path = os.path.join(folder, download_details_fname or f"{name}-mltk.json")
    if extract and update_onchange_only and _read_json(details_path) == details:
        return (folder, True) if return_uptodate else folder
    archive = os.path.join(fullpath(download_dir) if download_dir else create_user_dir("downloads"), name)
    uptodate = _is_downloaded(archive, file_hash, file_hash_algorithm)
    if not uptodate:
        _download(url, archive, file_hash, file_hash_algorithm, show_progress, logger)
    if not extract:
        return (archive, uptodate) if return_uptodate else archive
    logger.info("Extracting %s\nto %s", archive, folder)
    try:
        extract_archive(archive, folder, extract_nested, remove_root_dir, clean_dest_dir)
    except DownloadError:
        if not file_hash:  # the download may be damaged: the next call downloads it again
            os.unlink(archive)
        raise
    write_file(details_path, json.dumps(details, indent=2))
    return (folder, False) if return_uptodate else folder


def verify_extract(
    archive_path: str,
    dest_dir: str | None = None,
    dest_subdir: str | None = None,
    show_progress: bool = False,
    file_hash: str | None = None,
    file_hash_algorithm: str = "auto",
    logger: logging.Logger | None = None,
    extract_nested: bool = False,
    remove_root_dir: bool = False,
    clean_dest_dir: bool = True,
    update_onchange_only: bool = True,
    extract_details_fname: str | None = None,
) -> str:
    """Verify an archive on disk, and extract it; the arguments are those of :func:`download_verify_extract`."""
    path = fullpath(archive_path)
    name = os.path.basename(path)
    folder = fullpath(dest_dir) if dest_dir else create_user_dir(dest_subdir or _without_ending(name))
    if not os.path.isfile(path):
        raise DownloadError(f"There is no file {path}.")
    status = os.stat(path)
    details = {"path": path, "size": status.st_size, "time": status.st_mtime_ns, "file_hash": (file_hash or "").lower()}
    details_path = os.path.join(folder, extract_details_fname or f"{name}-mltk.json")
    if update_onchange_only and _read_json(details_path) == details:
        return folder
    if file_hash:
        verify_file_hash(path, file_hash, file_hash_algorithm)
    (logger or logging.getLogger("mltk")).info("Extracting %s\nto %s", path, folder)
    extract_archive(path, folder, extract_nested, remove_root_dir, clean_dest_dir)
    write_file(details_path, json.dumps(details, indent=2))
    return folder


def download_url(url: str, dst_path: str, show_progress: bool = False, logger: Any = None) -> str:
    """Download a file.

    Until the file is complete, its bytes are in a file ``.part`` beside ``dst_path``. A later call resumes there.

    Args:
        url: Address; ``URL?mltk_chunk_count=3`` is a file in three parts, ``URL.01`` to ``URL.03``.
        dst_path: Path of the file.
        show_progress: Whether to print the progress.
        logger: Logger of the address and the path.

    Returns:
        Path of the file.

    Raises:
        DownloadError: The file cannot be downloaded, or the download was interrupted.
        OutputError: The file cannot be written.
    """
    return _download(url, fullpath(dst_path), None, None, show_progress, logger or logging.getLogger("mltk"))


def _download(url: str, path: str, file_hash: str | None, algorithm: str | None, show: bool, log: Any) -> str:
    download(
        url,
        path,
        file_hash or None,
        algorithm=None if algorithm == "auto" else algorithm,
        show_progress=_show if show else False,
        timeout_s=_TIMEOUT_S,
        attempts=1,  # scripts have their own loops
        schemes=_SCHEMES,
        log=log,
    )
    return path


def _show(done: int, total: int | None) -> None:
    text = f"{done / 1e6:,.1f} MB" + (f" of {total / 1e6:,.1f} MB" if total else "")
    print(f"\r{text}", end="\n" if done == total else "", flush=True)


def _is_downloaded(path: str, file_hash: str | None, algorithm: str) -> bool:
    if not os.path.isfile(path):
        return False
    if not file_hash:
        return True
    try:
        verify_file_hash(path, file_hash, algorithm)
    except DownloadError:
        return False
    return True


def _name_of(url: str) -> str:
    try:
        return name_of_url(url)
    except DownloadError:
        raise DownloadError(f"{url} has no file name.", hint="Set archive_fname.") from None


def _without_ending(name: str) -> str:
    ending = next((e for e in ARCHIVE_ENDINGS if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)] if ending else os.path.splitext(name)[0]


def _read_json(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


def verify_file_hash(file_path: str, file_hash: str, file_hash_algorithm: str = "auto") -> None:
    """Check the hash of a file.

    Args:
        file_path: Path of the file.
        file_hash: Wanted hash in hexadecimal.
        file_hash_algorithm: Name of an algorithm of :mod:`hashlib`; ``"auto"`` follows from the number of digits.

    Raises:
        DownloadError: The file has another hash, or no algorithm has this number of digits.
    """
    verify_file(Path(file_path), file_hash, None if file_hash_algorithm == "auto" else file_hash_algorithm)


def verify_sha1(file_path: str, expected_sha1: str) -> None:
    """Check the SHA-1 of a file; see :func:`verify_file_hash`."""
    verify_file_hash(file_path, expected_sha1, "sha1")


def verify_sha256(file_path: str, expected_sha256: str) -> None:
    """Check the SHA-256 of a file; see :func:`verify_file_hash`."""
    verify_file_hash(file_path, expected_sha256, "sha256")


def extract_archive(
    archive_path: str,
    dest_dir: str,
    extract_nested: bool = False,
    remove_root_dir: bool = False,
    clean_dest_dir: bool | Callable[..., Any] = True,
) -> None:
    """Extract a ``.zip``, ``.tar`` (also ``.gz``, ``.bz2``, ``.xz``) or ``.7z``.

    The files are first extracted to a temporary folder. A damaged archive leaves the folder as it was.

    Args:
        archive_path: Path of the archive.
        dest_dir: Folder to extract to.
        extract_nested: Whether to extract the archives in the archive too, and remove them.
        remove_root_dir: If all files of the archive are in one folder, leave out this folder.
        clean_dest_dir: Whether to remove the previous content of the folder, or a function that does it.

    Raises:
        DownloadError: The archive is damaged, hostile, or of an unknown kind.
        OutputError: The disk is full, or the folder cannot be written.
        MissingDependencyError: The package that extracts 7z archives is not installed.
    """
    clean = clean_dest_dir if callable(clean_dest_dir) else clean_directory  # the folder itself stays
    unpack(
        fullpath(archive_path),
        fullpath(dest_dir),
        remove_root_dir=remove_root_dir,
        nested=extract_nested,
        programs=True,
        clean=(lambda folder: clean(str(folder))) if clean_dest_dir else False,
    )
