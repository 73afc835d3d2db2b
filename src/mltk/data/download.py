"""Fetching files: verified, resumable, kept, and from a mirror if there is one.

Environment variables:

- ``MLTK_DATASET_DIR``: the folder that datasets and downloads are kept in, in place of ``~/.mltk/datasets``.
- ``MLTK_DATASET_MIRROR``: a folder or an ``http(s)://`` address with the same files by name; it is asked first.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import logging
import os
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from mltk.errors import DatasetError, OutputError
from mltk.spec.names import user_dir

TIMEOUT_S = 30.0
ATTEMPTS = 5
RETRY_DELAY_S = 1.0
_CHUNK_BYTES = 1 << 18
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
logger = logging.getLogger("mltk")


class DownloadError(DatasetError):
    """A file can't be fetched, or is not the file that was wanted; nothing of it is left behind."""


def datasets_dir() -> Path:
    """The folder that datasets are kept in: ``MLTK_DATASET_DIR``, else ``~/.mltk/datasets``."""
    folder = os.environ.get("MLTK_DATASET_DIR")
    return Path(folder).expanduser().absolute() if folder else user_dir() / "datasets"


def file_checksum(path: Path, algorithm: str) -> str:
    """Hexadecimal checksum of a file, in lower case."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def checksum_algorithm(checksum: str) -> str:
    """``md5``, ``sha1``, ``sha256`` or ``sha512``, told by the number of digits.

    Raises:
        DownloadError: it is none of these.
    """
    algorithm = _ALGORITHMS.get(len(checksum))
    if algorithm is None or any(c not in "0123456789abcdefABCDEF" for c in checksum):
        raise DownloadError(f"{checksum!r} is not an MD5, SHA-1, SHA-256 or SHA-512 checksum in hexadecimal digits.")
    return algorithm


def verify_file(path: Path, checksum: str) -> None:
    """Raise DownloadError if ``path`` doesn't have ``checksum``."""
    algorithm = checksum_algorithm(checksum)
    found = file_checksum(path, algorithm)
    if found != checksum.lower():
        raise DownloadError(
            f"{path.name} is not the file that was wanted: its {algorithm.upper()} is {found}, not {checksum.lower()}."
        )


def fetch(
    url: str,
    checksum: str | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    file_name: str | None = None,
    show_progress: bool = True,
    timeout_s: float = TIMEOUT_S,
) -> Path:
    """The file at ``url``, downloaded unless it is there already.

    A download that was interrupted goes on where it ended. The file appears under its name only when it is whole
    and has the checksum.

    Args:
        url: ``http://`` or ``https://`` address.
        checksum: MD5, SHA-1, SHA-256 or SHA-512 of the file in hexadecimal; None takes what comes.
        folder: where to keep it; None is ``downloads`` in :func:`datasets_dir`.
        file_name: name to keep it by; None is the last part of the address.
        show_progress: show a bar, on a terminal.
        timeout_s: of waiting for the server, in seconds.

    Raises:
        DownloadError: the server can't be reached, refused, or sent something else.
        OutputError: the file can't be written.
    """
    name = file_name or name_of_url(url)
    target = Path(folder) if folder is not None else datasets_dir() / "downloads"
    try:
        target.mkdir(parents=True, exist_ok=True)
        path = target / name
        with _locked(target / f".{name}.lock"):
            if _is_verified(path, checksum):
                return path
            _fetch_from_somewhere(url, path, checksum, show_progress, timeout_s)
            _note_verified(path, checksum)
    except (DownloadError, TimeoutError, urllib.error.URLError):
        raise
    except OSError as e:
        raise OutputError(f"{name} can't be kept in {target}: {e}") from e
    return path


def name_of_url(url: str) -> str:
    """The file name at the end of an address."""
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path).rpartition("/")[2]
    if not name or name in (".", "..") or "\0" in name or "\\" in name:
        raise DownloadError(f"{url} doesn't end in a file's name.", hint="Give file_name.")
    return name


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Only one process at a time; where locks don't exist, there is none."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with open(path, "a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield  # the file stays: another process may wait for its lock


def _note_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.json")


def _is_verified(path: Path, checksum: str | None) -> bool:
    """Whether the file is there and is right; a file that hasn't changed since it was checked isn't read again."""
    if not path.is_file():
        return False
    if checksum is None:
        return True
    status = path.stat()
    with contextlib.suppress(OSError, ValueError, KeyError):
        note = json.loads(_note_path(path).read_text(encoding="utf-8"))
        if [note["checksum"], note["bytes"], note["mtime_ns"]] == [
            checksum.lower(),
            status.st_size,
            status.st_mtime_ns,
        ]:
            return True
    try:
        verify_file(path, checksum)
    except DownloadError as e:
        logger.warning("%s It is downloaded again.", e.message)
        path.unlink()
        return False
    _note_verified(path, checksum)
    return True


def _note_verified(path: Path, checksum: str | None) -> None:
    if checksum is not None:
        status = path.stat()
        note = {"checksum": checksum.lower(), "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
        _note_path(path).write_text(json.dumps(note), encoding="utf-8")


def _fetch_from_somewhere(url: str, path: Path, checksum: str | None, show_progress: bool, timeout_s: float) -> None:
    mirror = os.environ.get("MLTK_DATASET_MIRROR")
    if mirror and not mirror.lower().startswith(("http://", "https://")):
        source = Path(mirror).expanduser() / path.name
        if source.is_file():
            _copy_verified(source, path, checksum)
            return
        logger.info("%s is not in MLTK_DATASET_MIRROR=%s", path.name, mirror)
    elif mirror:
        try:
            _download(f"{mirror.rstrip('/')}/{urllib.parse.quote(path.name)}", path, checksum, show_progress, timeout_s)
            return
        except DownloadError as e:
            logger.warning("MLTK_DATASET_MIRROR: %s", e.message)
    _download(url, path, checksum, show_progress, timeout_s)


def _copy_verified(source: Path, path: Path, checksum: str | None) -> None:
    if checksum is not None:
        verify_file(source, checksum)
    aside = path.with_name(f"{path.name}.part")
    shutil.copyfile(source, aside)
    os.replace(aside, path)


def _download(url: str, path: Path, checksum: str | None, show_progress: bool, timeout_s: float) -> None:
    """Download into ``<path>.part``, going on where an earlier attempt ended, verify and rename."""
    if not url.lower().startswith(("http://", "https://")):
        raise DownloadError(f"{url} is not an http:// or https:// address.")
    part = path.with_name(f"{path.name}.part")
    logger.info("Downloading %s", url)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _receive(url, part, show_progress, timeout_s)
            break
        except urllib.error.HTTPError as e:
            if e.code < 500 or attempt == ATTEMPTS:
                raise DownloadError(f"{url}: the server answered {e.code} {e.reason}.", hint=_by_hand(path)) from e
        except (OSError, http.client.HTTPException) as e:
            if attempt == ATTEMPTS:
                reason = getattr(e, "reason", None) or str(e) or type(e).__name__
                hint = f"What arrived is kept, and the next try goes on from there. {_by_hand(path)}"
                raise DownloadError(f"{url} can't be downloaded: {reason}.", hint=hint) from e
        time.sleep(RETRY_DELAY_S * 2 ** (attempt - 1))
    try:
        if checksum is not None:
            verify_file(part, checksum)
    except DownloadError as e:
        part.unlink()
        raise DownloadError(f"{url}: {e.message}", hint="It may have changed. Nothing of it was kept.") from None
    finally:
        _state_path(part).unlink(missing_ok=True)
    os.replace(part, path)


def _by_hand(path: Path) -> str:
    return f"Without a connection: put {path.name} into a folder and set MLTK_DATASET_MIRROR to that folder."


def _state_path(part: Path) -> Path:
    return part.with_name(f".{part.name}.json")


def _resume_headers(url: str, part: Path) -> dict[str, str]:
    """The request headers by which the server sends the rest, if it still has the same file."""
    if not part.is_file() or not part.stat().st_size:
        return {}
    with contextlib.suppress(OSError, ValueError, KeyError):
        state = json.loads(_state_path(part).read_text(encoding="utf-8"))
        if state["url"] == url and state["validator"]:
            return {"Range": f"bytes={part.stat().st_size}-", "If-Range": state["validator"]}
    return {}


def _receive(url: str, part: Path, show_progress: bool, timeout_s: float) -> None:
    """One request; appends to ``part`` or begins it anew. Raises OSError if the connection ends early."""
    headers = {"User-Agent": "openmltk", "Accept-Encoding": "identity", **_resume_headers(url, part)}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout_s)
    except urllib.error.HTTPError as e:
        if e.code != 416:  # the part is longer than the file, or the file changed
            raise
        part.unlink(missing_ok=True)
        raise ConnectionError("the server's file changed meanwhile") from e
    with response:
        begin = _begin_of(response, part)
        expected = int(response.headers.get("Content-Length") or -1)
        # A weak validator (W/"…") promises a similar file, not the same bytes.
        etag = response.headers.get("ETag") or ""
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
        _state_path(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")
        total = begin + expected if expected >= 0 else None
        with open(part, "r+b" if begin else "wb") as file, _bar(part, begin, total, show_progress) as advance:
            file.seek(begin)
            received = _copy(response, file, advance)
    if 0 <= received < expected:
        raise ConnectionError(f"the connection ended after {begin + received} of {begin + expected} bytes")


def _begin_of(response: Any, part: Path) -> int:
    """At which byte of the file the answer begins: the part's length if the server sends the rest."""
    if response.status != 206:
        return 0
    content_range = response.headers.get("Content-Range", "")
    begin = content_range.removeprefix("bytes ").partition("-")[0].strip()
    if not begin.isdigit() or int(begin) != part.stat().st_size:
        part.unlink()
        raise ConnectionError(f"the server sent another range than asked for: {content_range!r}")
    return int(begin)


def _copy(response: BinaryIO, file: BinaryIO, advance: Any) -> int:
    received = 0
    while chunk := response.read(_CHUNK_BYTES):
        file.write(chunk)
        received += len(chunk)
        advance(len(chunk))
    return received


@contextlib.contextmanager
def _bar(part: Path, begin: int, total: int | None, show: bool) -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn(), TransferSpeedColumn())
    progress = Progress(*columns, TimeRemainingColumn(compact=True), console=console, transient=True)
    task = progress.add_task(part.name.removesuffix(".part"), total=total, completed=begin)
    if show and console.is_terminal:
        progress.start()
    try:
        yield lambda n: progress.advance(task, n)
    finally:
        progress.stop()
