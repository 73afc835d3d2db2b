"""Download an archive, check its digest, extract it: each step whole or not at all.

A download that broke off goes on where it was, if the server can. Nothing that an archive says is trusted: members
that lead outside the folder, links that do, and devices are refused before anything is put in place.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import stat
import tarfile
import tempfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from mltk.errors import DatasetError
from mltk.files import write_file
from mltk.utils.hasher import hash_file
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

MLTK_CHUNK_DELIMITER = "?mltk_chunk_count="
"""``URL?mltk_chunk_count=3``: the file is in three parts, ``URL.01`` to ``URL.03``."""
_BLOCK = 1 << 18
_TIMEOUT_S = 60
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_ENDINGS = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".txz", ".tar", ".zip", ".7z")
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)


class DownloadError(DatasetError, ValueError):
    """A file can't be downloaded, isn't what it should be, or can't be extracted."""


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
    """Download an archive, unless it is there, check it and extract it, unless it is.

    Args:
        url: address of the archive.
        dest_dir: folder to extract to; by default ``dest_subdir`` of the user folder.
        dest_subdir: folder in the user folder; by default the name of the archive without its ending.
        download_dir: folder for the archive itself; by default ``downloads`` of the user folder.
        archive_fname: name of the archive; by default the last part of the address.
        show_progress: print how far the download is.
        file_hash: digest that the archive must have, as hexadecimal digits.
        file_hash_algorithm: its algorithm; by default told from its length.
        logger: gets messages about what is done.
        extract_nested: extract archives that are in the archive too, in place of them.
        remove_root_dir: when everything in the archive is in one folder, leave out that folder.
        clean_dest_dir: remove what is in the folder before.
        update_onchange_only: do nothing when this very archive was extracted there before.
        download_details_fname: name of the file, in the folder, that notes what was extracted.
        extract: extract; else give the path of the archive.
        return_uptodate: give ``(path, whether there was nothing to do)``.

    Returns:
        Path of the folder, or of the archive.

    Raises:
        DownloadError: it can't be downloaded, its digest is another, or it is damaged or hostile.
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
        logger.info("Downloading %s\nto %s", url, archive)
        download_url(url, archive, show_progress=show_progress, logger=logger)
        if file_hash:
            try:
                verify_file_hash(archive, file_hash, file_hash_algorithm)
            except DownloadError:
                os.unlink(archive)
                raise
    if not extract:
        return (archive, uptodate) if return_uptodate else archive
    logger.info("Extracting %s\nto %s", archive, folder)
    try:
        extract_archive(archive, folder, extract_nested, remove_root_dir, clean_dest_dir)
    except DownloadError:
        if not file_hash:  # it may have been damaged on the way: the next call gets it anew
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
    """Check an archive that is on disk and extract it; see :func:`download_verify_extract`."""
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


# -- downloading -------------------------------------------------------------------------------------------------------


def download_url(url: str, dst_path: str, show_progress: bool = False, logger: Any = None) -> str:
    """Download a file; gives its path.

    It grows beside ``dst_path`` as ``.part``, which a later call goes on with, and takes its name when it is whole.

    Raises:
        DownloadError: it can't be downloaded, or broke off.
    """
    path = fullpath(dst_path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    base, separator, count = url.partition(MLTK_CHUNK_DELIMITER)
    urls = [f"{base}.{i:02d}" for i in range(1, int(count) + 1)] if separator else [url]
    parts = [f"{path}.{i:02d}.part" if separator else f"{path}.part" for i in range(1, len(urls) + 1)]
    for one, part in zip(urls, parts, strict=True):
        _download(one, part, show_progress)
    if separator:
        with open(f"{path}.part", "wb") as whole:
            for part in parts:
                with open(part, "rb") as stream:
                    shutil.copyfileobj(stream, whole)
        for part in parts:
            os.unlink(part)
    os.replace(f"{path}.part", path)
    return path


def _download(url: str, part: str, show_progress: bool) -> None:
    """Download ``url`` into ``part``, going on with what is there."""
    if urllib.parse.urlsplit(url).scheme not in ("http", "https", "ftp", "file"):
        raise DownloadError(f"{url} is not an address that can be downloaded from.")
    # What is there is gone on with only if the server says that the file is still the same one.
    note = f"{part}.json"
    noted = _read_json(note) if os.path.isfile(part) else None
    validator = str(noted["validator"]) if isinstance(noted, dict) and noted.get("validator") else None
    start = os.path.getsize(part) if validator else 0
    headers = {"User-Agent": "openmltk"}
    if validator and start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            resumed = response.status == 206
            validator = response.headers.get("ETag") or response.headers.get("Last-Modified")
            write_file(note, json.dumps({"validator": validator}))
            length = response.headers.get("Content-Length")
            done = start if resumed else 0
            total = done + int(length) if length else None
            with open(part, "ab" if resumed else "wb") as stream:
                while block := response.read(_BLOCK):
                    stream.write(block)
                    done += len(block)
                    if show_progress:
                        _show(done, total)
        if show_progress:
            print()
    except urllib.error.HTTPError as e:
        if e.code == 416 and start:  # there is no more than we have, or not what we have: begin anew
            os.unlink(part)
            return _download(url, part, show_progress)
        raise DownloadError(f"{url} can't be downloaded: the server says {e.code} {e.reason}.") from None
    except (OSError, ValueError) as e:
        reason = getattr(e, "reason", None) or getattr(e, "strerror", None) or e
        raise DownloadError(
            f"{url} can't be downloaded: {reason}.",
            hint="Look at the network, then try again; what came so far is kept.",
        ) from None
    if total is not None and done != total:
        raise DownloadError(
            f"{url} broke off after {done:,} of {total:,} bytes.", hint="Try again; what came so far is kept."
        )
    os.unlink(note)


def _show(done: int, total: int | None) -> None:
    text = f"{done / 1e6:,.1f} MB" + (f" of {total / 1e6:,.1f} MB" if total else "")
    print(f"\r{text}", end="", flush=True)


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
    base = url.partition(MLTK_CHUNK_DELIMITER)[0]
    name = os.path.basename(urllib.parse.unquote(urllib.parse.urlsplit(base).path))
    if not name or name in (".", ".."):
        raise DownloadError(f"{url} has no file name.", hint="Give one with archive_fname.")
    return name


def _without_ending(name: str) -> str:
    ending = next((e for e in _ENDINGS if name.lower().endswith(e)), "")
    return name[: len(name) - len(ending)] if ending else os.path.splitext(name)[0]


def _read_json(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream)
    except (OSError, ValueError):
        return None


# -- checking ----------------------------------------------------------------------------------------------------------


def verify_file_hash(file_path: str, file_hash: str, file_hash_algorithm: str = "auto") -> None:
    """Compare a file with its digest.

    Args:
        file_hash: hexadecimal digits, in any case.
        file_hash_algorithm: name of an algorithm of :mod:`hashlib`; ``"auto"`` tells it from the number of digits.

    Raises:
        DownloadError: it is another, or no algorithm has so many digits.
    """
    algorithm = _ALGORITHMS.get(len(file_hash)) if file_hash_algorithm in ("auto", None) else file_hash_algorithm
    if algorithm is None:
        raise DownloadError(f"{file_hash!r} is of no known kind of digest: it has {len(file_hash)} digits.")
    found = hash_file(file_path, algorithm)
    if found.lower() != file_hash.lower():
        raise DownloadError(
            f"{file_path} is not the file that was wanted: its {algorithm} is {found}, not {file_hash.lower()}.",
            hint="It was damaged on the way, or its maker changed it.",
        )


def verify_sha1(file_path: str, expected_sha1: str) -> None:
    """Compare a file with its SHA-1; see :func:`verify_file_hash`."""
    verify_file_hash(file_path, expected_sha1, "sha1")


def verify_sha256(file_path: str, expected_sha256: str) -> None:
    """Compare a file with its SHA-256; see :func:`verify_file_hash`."""
    verify_file_hash(file_path, expected_sha256, "sha256")


# -- extracting --------------------------------------------------------------------------------------------------------


def extract_archive(
    archive_path: str,
    dest_dir: str,
    extract_nested: bool = False,
    remove_root_dir: bool = False,
    clean_dest_dir: bool | Callable = True,
) -> None:
    """Extract a ``.zip``, ``.tar`` (also ``.gz``, ``.bz2``, ``.xz``) or ``.7z``, which needs the package py7zr.

    Everything is extracted aside first, so that a damaged archive leaves the folder as it was.

    Args:
        extract_nested: extract archives that are in the archive too, in place of them.
        remove_root_dir: when everything in the archive is in one folder, leave out that folder.
        clean_dest_dir: remove what is in the folder before; or a function that does, called with the folder.

    Raises:
        DownloadError: it is damaged, hostile, or no such archive.
    """
    folder = fullpath(dest_dir)
    os.makedirs(folder, exist_ok=True)
    aside = tempfile.mkdtemp(dir=os.path.dirname(folder), prefix=f".{os.path.basename(folder)}.")
    try:
        _extract(fullpath(archive_path), aside)
        if extract_nested:
            _extract_nested(aside)
        source = aside
        entries = os.listdir(aside)
        if remove_root_dir and len(entries) == 1 and os.path.isdir(os.path.join(aside, entries[0])):
            source = os.path.join(aside, entries[0])
        if callable(clean_dest_dir):
            clean_dest_dir(folder)
        elif clean_dest_dir:
            clean_directory(folder)
        _move_into(source, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _extract(path: str, folder: str) -> None:
    try:
        if zipfile.is_zipfile(path):
            _extract_zip(path, folder)
        elif tarfile.is_tarfile(path):
            _extract_tar(path, folder)
        elif path.lower().endswith(".7z"):
            _extract_7z(path, folder)
        else:
            raise DownloadError(f"{path} is not an archive that can be extracted: it is no .zip, .tar or .7z.")
    except FileNotFoundError:
        raise DownloadError(f"There is no file {path}.") from None
    except DownloadError:
        raise
    except (*_BROKEN, OSError) as e:
        raise DownloadError(f"{path} can't be extracted: {e}.", hint="Nothing was put in place.") from None


def _check_name(path: str, name: str) -> None:
    if name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or ":" in name[:3]:
        raise DownloadError(
            f"{path} is refused: member {name!r} leads outside the folder it would be unpacked to.",
            hint="Nothing was put in place.",
        )


def _extract_zip(path: str, folder: str) -> None:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            _check_name(path, info.filename)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise DownloadError(f"{path} is refused: member {info.filename!r} is a link.")
        archive.extractall(folder)


def _extract_tar(path: str, folder: str) -> None:
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            _check_name(path, member.name)
            try:
                tarfile.data_filter(member, folder)
            except tarfile.FilterError as e:
                raise DownloadError(f"{path} is refused: {e}.", hint="Nothing was put in place.") from None
        archive.extractall(folder, filter="data")
        while archive.fileobj is not None and archive.fileobj.read(_BLOCK):
            pass  # to the end of a compressed file, so that a truncated one is found


def _extract_7z(path: str, folder: str) -> None:
    try:
        import py7zr
    except ImportError:
        raise DownloadError(
            f"{path} can't be extracted: that needs the package py7zr.", hint="Install it with: pip install py7zr"
        ) from None
    with py7zr.SevenZipFile(path) as archive:
        for name in archive.getnames():
            _check_name(path, name)
        archive.extractall(folder)


def _extract_nested(folder: str) -> None:
    """Extract the archives below ``folder`` where they are, and remove them."""
    for root, _, files in list(os.walk(folder)):
        for name in files:
            path = os.path.join(root, name)
            if name.lower().endswith(_ENDINGS):
                _extract(path, root)
                os.unlink(path)


def _move_into(source: str, folder: str) -> None:
    """Move what is in ``source`` into ``folder``, in place of what is called the same there."""
    for entry in os.listdir(source):
        origin, target = os.path.join(source, entry), os.path.join(folder, entry)
        if os.path.isdir(origin) and os.path.isdir(target) and not os.path.islink(target):
            _move_into(origin, target)
        elif os.path.isdir(target) and not os.path.islink(target):
            shutil.rmtree(target)
            os.rename(origin, target)
        else:
            os.replace(origin, target)
