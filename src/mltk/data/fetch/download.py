"""Download files: verified, resumed after an interruption, kept, and from a mirror if there is one.

Environment variables:

- ``MLTK_DATASET_DIR``: folder of datasets and downloads, in place of ``~/.mltk/datasets``.
- ``MLTK_DATASET_MIRROR``: folder or ``http(s)://`` address with files of the same names. The mirror is asked first.
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from mltk.errors import DownloadError, MltkError, OutputError
from mltk.files import make_folder, replacing
from mltk.user_settings import user_dir

TIMEOUT_S = 30.0
ATTEMPTS = 5
RETRY_DELAY_S = 1.0
CHUNK_DELIMITER = "?mltk_chunk_count="
"""``URL?mltk_chunk_count=3``: the file is in three parts, ``URL.01`` to ``URL.03``."""
Report = Callable[[int, int | None], object]
"""Called with the number of bytes received so far, and of the whole file (None while it is not known)."""
_CHUNK_BYTES = 1 << 18
_ALGORITHMS = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
logger = logging.getLogger("mltk")


class _BrokeOff(ConnectionError):
    """The connection ended before the end of the file."""


@dataclass(frozen=True)
class _Options:
    """Arguments of :func:`download`."""

    algorithm: str | None = None
    show_progress: bool | Report = True
    timeout_s: float = TIMEOUT_S
    attempts: int | None = None
    schemes: tuple[str, ...] = ("http", "https")
    log: logging.Logger = logger


def datasets_dir() -> Path:
    """Return the folder of all datasets: ``MLTK_DATASET_DIR``, else ``~/.mltk/datasets``."""
    folder = os.environ.get("MLTK_DATASET_DIR")
    return Path(folder).expanduser().absolute() if folder else user_dir() / "datasets"


def file_checksum(path: Path, algorithm: str) -> str:
    """Return the checksum of a file in hexadecimal, in lower case."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()


def checksum_algorithm(checksum: str) -> str:
    """Return ``md5``, ``sha1``, ``sha256`` or ``sha512``, according to the number of digits of a checksum.

    Raises:
        DownloadError: The text is not such a checksum in hexadecimal.
    """
    algorithm = _ALGORITHMS.get(len(checksum))
    if algorithm is None or any(c not in "0123456789abcdefABCDEF" for c in checksum):
        raise DownloadError(
            f"{checksum!r} is not an MD5, SHA-1, SHA-256 or SHA-512 checksum in hexadecimal digits: "
            f"{'it has other characters' if algorithm else f'it has {len(checksum)} digits'}."
        )
    return algorithm


def verify_file(path: Path, checksum: str, algorithm: str | None = None) -> None:
    """Check the checksum of a file.

    Args:
        path: Path of the file.
        checksum: The wanted checksum in hexadecimal.
        algorithm: Name of an algorithm of :mod:`hashlib`; None follows from the number of digits.

    Raises:
        DownloadError: The file has another checksum.
    """
    if difference := _difference(path, checksum, algorithm):
        raise DownloadError(
            f"{path} is not the file that was wanted: {difference}.",
            hint="The file was damaged on the way, or its publisher changed it.",
        )


def _difference(path: Path, checksum: str, algorithm: str | None) -> str:
    """Say how the checksum of a file differs from the wanted one; empty if it does not differ."""
    algorithm = algorithm or checksum_algorithm(checksum)
    found = file_checksum(path, algorithm)
    return "" if found == checksum.lower() else f"its {algorithm} is {found}, not {checksum.lower()}"


def fetch(
    url: str,
    checksum: str | None = None,
    *,
    folder: str | os.PathLike[str] | None = None,
    file_name: str | None = None,
    show_progress: bool = True,
    timeout_s: float = TIMEOUT_S,
) -> Path:
    """Download a file, unless it exists.

    An interrupted download resumes where it ended. The file appears under its name when it is complete and has the
    checksum.

    Args:
        url: ``http://`` or ``https://`` address; it can end in :data:`CHUNK_DELIMITER` and a number.
        checksum: MD5, SHA-1, SHA-256 or SHA-512 of the file in hexadecimal; None accepts any file.
        folder: Folder of the file; None is ``downloads`` in :func:`datasets_dir`.
        file_name: Name of the file; None is the last part of the address.
        show_progress: Whether to show a progress bar on a terminal.
        timeout_s: Time to wait for the server in seconds.

    Returns:
        Path of the file.

    Raises:
        DownloadError: The server cannot be reached, refused, or sent the wrong file.
        OutputError: The file cannot be written.
    """
    path = (Path(folder) if folder is not None else datasets_dir() / "downloads") / (file_name or name_of_url(url))
    if checksum is not None:
        checksum_algorithm(checksum)
    with _alone_at(path):
        if not _is_verified(path, checksum):
            _fetch_from_somewhere(url, path, checksum, _Options(show_progress=show_progress, timeout_s=timeout_s))
            _note_verified(path, checksum)
    return path


def download(
    url: str,
    path: str | os.PathLike[str],
    checksum: str | None = None,
    *,
    algorithm: str | None = None,
    show_progress: bool | Report = True,
    timeout_s: float = TIMEOUT_S,
    attempts: int | None = None,
    schemes: tuple[str, ...] = ("http", "https"),
    log: logging.Logger = logger,
) -> Path:
    """Download a file, even if it exists. Unlike :func:`fetch`, this writes no note beside the file.

    Args:
        url: Address; it can end in :data:`CHUNK_DELIMITER` and a number.
        path: Path of the file. A mirror is asked for its name.
        checksum: Checksum of the file in hexadecimal; None accepts any file.
        algorithm: Name of an algorithm of :mod:`hashlib`; None follows from the number of digits.
        show_progress: Whether to show a progress bar on a terminal, or a function that shows the progress.
        timeout_s: Time to wait for the server in seconds.
        attempts: Number of attempts; None is :data:`ATTEMPTS`.
        schemes: Allowed schemes of the address.
        log: Logger of the addresses and paths.

    Returns:
        Path of the file.

    Raises:
        DownloadError: The server cannot be reached, refused, or sent the wrong file.
        OutputError: The file cannot be written.
    """
    target = Path(path)
    if checksum is not None and algorithm is None:
        algorithm = checksum_algorithm(checksum)
    with _alone_at(target):
        options = _Options(algorithm, show_progress, timeout_s, attempts, schemes, log)
        _fetch_from_somewhere(url, target, checksum, options)
    return target


def name_of_url(url: str) -> str:
    """Return the file name at the end of an address.

    Raises:
        DownloadError: The address does not end in a file name.
    """
    name = urllib.parse.unquote(urllib.parse.urlsplit(url).path).rpartition("/")[2]
    if not name or name in (".", "..") or "\0" in name or "\\" in name:
        raise DownloadError(f"{url} doesn't end in a file's name.", hint="Give file_name.")
    return name


@contextlib.contextmanager
def _alone_at(path: Path) -> Iterator[None]:
    """Make the folder of a file, and keep other processes from writing the same file inside the block."""
    make_folder(path.parent)
    try:
        with _locked(path.with_name(f".{path.name}.lock")):
            yield
    except OSError as e:
        if isinstance(e, MltkError):
            raise
        raise OutputError(f"{path.name} can't be kept in {path.parent}: {e}") from e


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one process at a time into the block. A platform without file locks lets all in."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    while True:
        with open(path, "a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            # The previous owner may have removed the file, so that others do not see the file that we locked.
            if not _is_at(file, path):
                continue
            try:
                yield
            finally:
                path.unlink(missing_ok=True)
            return


def _is_at(file: IO[Any], path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    return False


def _note_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.json")


def _is_verified(path: Path, checksum: str | None) -> bool:
    """Whether the file exists and has the checksum. A file that did not change since the last check is not read."""
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
        logger.warning("%s The file is downloaded again.", e.message)
        path.unlink()
        return False
    _note_verified(path, checksum)
    return True


def _note_verified(path: Path, checksum: str | None) -> None:
    if checksum is not None:
        status = path.stat()
        note = {"checksum": checksum.lower(), "bytes": status.st_size, "mtime_ns": status.st_mtime_ns}
        _note_path(path).write_text(json.dumps(note), encoding="utf-8")


def _fetch_from_somewhere(url: str, path: Path, checksum: str | None, options: _Options) -> None:
    mirror = os.environ.get("MLTK_DATASET_MIRROR")
    if mirror and not mirror.lower().startswith(("http://", "https://")):
        source = Path(mirror).expanduser() / path.name
        if source.is_file():
            _copy_verified(source, path, checksum, options.algorithm)
            return
        options.log.info("%s is not in MLTK_DATASET_MIRROR=%s", path.name, mirror)
    elif mirror:
        try:
            _download(f"{mirror.rstrip('/')}/{urllib.parse.quote(path.name)}", path, checksum, options)
            return
        except DownloadError as e:
            options.log.warning("MLTK_DATASET_MIRROR: %s", e.message)
    _download(url, path, checksum, options)


def _copy_verified(source: Path, path: Path, checksum: str | None, algorithm: str | None) -> None:
    if checksum is not None:
        verify_file(source, checksum, algorithm)
    with replacing(path) as temporary:
        shutil.copyfile(source, temporary)


def _download(url: str, path: Path, checksum: str | None, options: _Options) -> None:
    """Download into ``<path>.part``, from where an earlier attempt ended; then verify and rename the file."""
    if not url.lower().startswith(tuple(f"{s}:" for s in options.schemes)):
        kinds = " or ".join(f"{s}://" for s in options.schemes)
        raise DownloadError(f"{url} can't be downloaded: the address does not begin with {kinds}.")
    part = path.with_name(f"{path.name}.part")
    options.log.info("Downloading %s\nto %s", url, path)
    if CHUNK_DELIMITER in url:
        _receive_chunks(url, part, path, options)
    else:
        _receive_patiently(url, part, path, options)
    try:
        if checksum is not None and (difference := _difference(part, checksum, options.algorithm)):
            part.unlink()
            raise DownloadError(
                f"{url} is not the file that was wanted: {difference}.",
                hint="The file at this address may have changed. The download was deleted.",
            )
    finally:
        _state_path(part).unlink(missing_ok=True)
    os.replace(part, path)


def _receive_chunks(url: str, part: Path, path: Path, options: _Options) -> None:
    """Receive the parts of a file that was published in parts, and join them to ``part``."""
    base, _, count = url.partition(CHUNK_DELIMITER)
    if not count.isdecimal() or not int(count):
        raise DownloadError(f"{url} doesn't end in the number of parts of the file.")
    chunks = [path.with_name(f"{path.name}.{i:02d}.part") for i in range(1, int(count) + 1)]
    for i, chunk in enumerate(chunks, 1):
        _receive_patiently(f"{base}.{i:02d}", chunk, path, options)
    with open(part, "wb") as whole:
        for chunk in chunks:
            with open(chunk, "rb") as file:
                shutil.copyfileobj(file, whole)
    for chunk in chunks:
        chunk.unlink()
        _state_path(chunk).unlink(missing_ok=True)


def _receive_patiently(url: str, part: Path, path: Path, options: _Options) -> None:
    """Receive ``url`` into ``part``. Try again after errors that can be temporary."""
    attempts = options.attempts or ATTEMPTS
    for attempt in range(1, attempts + 1):
        try:
            _receive(url, part, options)
            return
        except urllib.error.HTTPError as e:
            if e.code < 500 or attempt == attempts:
                raise DownloadError(
                    f"{url} can't be downloaded: the server says {e.code} {e.reason}.", hint=_by_hand(path)
                ) from e
        except _BrokeOff as e:
            if attempt == attempts:
                raise DownloadError(f"{url} {e}.", hint="Try again. The received bytes are kept.") from e
        except (OSError, http.client.HTTPException) as e:
            if attempt == attempts:
                reason = getattr(e, "reason", None) or str(e) or type(e).__name__
                hint = f"The received bytes are kept, and the next attempt resumes there. {_by_hand(path)}"
                raise DownloadError(f"{url} can't be downloaded: {reason}.", hint=hint) from e
        except ValueError as e:  # the address is wrong; urllib checks it only here
            raise DownloadError(f"{url} can't be downloaded: {e}.") from e
        time.sleep(RETRY_DELAY_S * 2 ** (attempt - 1))


def _by_hand(path: Path) -> str:
    return f"Without a connection: put {path.name} into a folder, and set MLTK_DATASET_MIRROR to the folder."


def _state_path(part: Path) -> Path:
    return part.with_name(f".{part.name}.json")


def _resume_headers(url: str, part: Path) -> dict[str, str]:
    """Return the request headers that ask for the rest of the file, if the server still has the same file."""
    if not part.is_file() or not part.stat().st_size:
        return {}
    with contextlib.suppress(OSError, ValueError, KeyError):
        state = json.loads(_state_path(part).read_text(encoding="utf-8"))
        if state["url"] == url and state["validator"]:
            return {"Range": f"bytes={part.stat().st_size}-", "If-Range": state["validator"]}
    return {}


def _receive(url: str, part: Path, options: _Options) -> None:
    """Send one request, and append to ``part`` or write it again.

    Raises:
        OSError: The connection ended early.
    """
    headers = {"User-Agent": "openmltk", "Accept-Encoding": "identity", **_resume_headers(url, part)}
    try:
        response = urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=options.timeout_s)
    except urllib.error.HTTPError as e:
        if e.code != 416 or "Range" not in headers:
            raise
        if e.headers.get("Content-Range") == f"bytes */{part.stat().st_size}":
            return  # the part is the whole file
        part.unlink()  # the part is longer than the file: it belongs to another file
        return _receive(url, part, options)
    with response:
        begin = _begin_of(response, part)
        expected = int(response.headers.get("Content-Length") or -1)
        # A weak validator (W/"…") promises a similar file, not the same bytes.
        etag = response.headers.get("ETag") or ""
        validator = etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")
        _state_path(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")
        total = begin + expected if expected >= 0 else None
        with open(part, "r+b" if begin else "wb") as file, _bar(part, begin, total, options.show_progress) as report:
            file.seek(begin)
            done = _copy(response, file, begin, total, report)
    if total is not None and done < total:
        raise _BrokeOff(f"broke off after {done:,} of {total:,} bytes")


def _begin_of(response: Any, part: Path) -> int:
    """Return the byte of the file at which the response begins: the part's length if the server sends the rest."""
    if response.status != 206:
        return 0
    content_range = response.headers.get("Content-Range")
    if content_range is None:  # against the standard; then it is the range that was asked for
        return part.stat().st_size
    begin = content_range.removeprefix("bytes ").partition("-")[0].strip()
    if not begin.isdigit() or int(begin) != part.stat().st_size:
        part.unlink()
        raise ConnectionError(f"the server sent another range than asked for: {content_range!r}")
    return int(begin)


def _copy(response: BinaryIO, file: BinaryIO, done: int, total: int | None, report: Report) -> int:
    """Copy the response to the file. Returns the number of bytes that the file has then."""
    while chunk := response.read(_CHUNK_BYTES):
        file.write(chunk)
        done += len(chunk)
        report(done, total)
    if total is None:
        report(done, done)
    return done


@contextlib.contextmanager
def _bar(part: Path, begin: int, total: int | None, show: bool | Report) -> Iterator[Report]:
    if callable(show):
        yield show
        return
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), DownloadColumn(), TransferSpeedColumn())
    progress = Progress(*columns, TimeRemainingColumn(compact=True), console=console, transient=True)
    task = progress.add_task(part.name.removesuffix(".part"), total=total, completed=begin)
    if show and console.is_terminal:
        progress.start()
    try:
        yield lambda done, total: progress.update(task, completed=done, total=total)
    finally:
        progress.stop()
