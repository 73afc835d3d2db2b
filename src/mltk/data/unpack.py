"""Unpacking archives with suspicion: zip, tar and 7z; whole or not at all.

Refused before anything is written: names that lead outside the folder, links, devices, and archives that unpack to
more than they can honestly hold.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mltk.errors import DatasetError, MissingDependencyError, OutputError

from .download import checksum_algorithm, fetch

MAX_RATIO = 1000
"""An archive may unpack to so many times its size. DEFLATE reaches 1032, and real data not a tenth of it."""
SMALL_BYTES = 64 << 20
"""Below this, the ratio doesn't matter."""
MAX_ENTRIES = 5_000_000
COMPLETE = ".complete.json"


class ArchiveRefused(DatasetError):
    """An archive is damaged, hostile or of an unknown kind; nothing of it was unpacked."""


def unpack(archive: str | os.PathLike[str], folder: str | os.PathLike[str], *, remove_root_dir: bool = False) -> Path:
    """Unpack ``archive`` into ``folder``, replacing what was there; gives the folder.

    Args:
        archive: a ``.zip``, ``.tar`` (``.gz``, ``.bz2``, ``.xz``) or ``.7z`` file, told by its content.
        folder: where to; it appears when everything is unpacked.
        remove_root_dir: if all files are in one folder of the archive, leave that level out.

    Raises:
        ArchiveRefused: see there.
        OutputError: the disk is full, or the folder can't be written.
    """
    source, target = Path(archive), Path(folder)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as aside:
            content = Path(aside) / "content"
            content.mkdir()
            _unpack_into(source, content)
            _check_tree(source, content)
            entries = list(content.iterdir())
            if remove_root_dir and len(entries) == 1 and entries[0].is_dir():
                content = entries[0]
            _replace_folder(content, target)
    except OSError as e:
        if isinstance(e, DatasetError):
            raise
        raise OutputError(f"{source.name} can't be unpacked into {target}: {e}") from e
    return target


def _replace_folder(content: Path, target: Path) -> None:
    if target.exists():
        old = content.parent / "old" if content.name == "content" else content.parent.parent / "old"
        os.replace(target, old)
    os.replace(content, target)


def _unpack_into(source: Path, content: Path) -> None:
    with open(source, "rb") as file:
        head = file.read(8)
    try:
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            _unpack_zip(source, content)
        elif head[:6] == b"7z\xbc\xaf\x27\x1c":
            _unpack_7z(source, content)
        elif tarfile.is_tarfile(source):
            _unpack_tar(source, content)
        else:
            raise ArchiveRefused(f"{source.name} is no zip, tar or 7z archive.")
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError, RuntimeError) as e:
        raise ArchiveRefused(f"{source.name} is damaged or can't be read: {e}") from e


class _Budget:
    """Counts what an archive says it holds, and what it really gives."""

    def __init__(self, source: Path, content: Path) -> None:
        self._source = source
        packed = source.stat().st_size
        self._limit = max(SMALL_BYTES, packed * MAX_RATIO)
        self._free = shutil.disk_usage(content).free
        self._bytes = self._entries = 0

    def check_name(self, name: str) -> None:
        """Refuse a name that leads outside."""
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or "\0" in name or (path.parts and ":" in path.parts[0]):
            raise ArchiveRefused(
                f"{self._source.name} holds a file that would be written outside its folder: {name!r}."
            )

    def add(self, n_bytes: int) -> None:
        """Refuse when it grows beyond what is honest, or beyond the disk."""
        self._entries += 1
        self._bytes += n_bytes
        if self._bytes > self._limit or self._entries > MAX_ENTRIES:
            raise ArchiveRefused(f"{self._source.name} unpacks to far more than its size; it may be a bomb.")
        if self._bytes > self._free:
            raise OutputError(f"{self._source.name} unpacks to more than the {self._free >> 20} MiB that are free.")


def _unpack_zip(source: Path, content: Path) -> None:
    budget = _Budget(source, content)
    with zipfile.ZipFile(source) as archive:
        for entry in archive.infolist():
            budget.check_name(entry.filename)
            budget.add(entry.file_size)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise ArchiveRefused(f"{source.name} holds a link: {entry.filename!r}.")
        for entry in archive.infolist():
            archive.extract(entry, content)  # reads at most file_size bytes, and checks the CRC


def _unpack_tar(source: Path, content: Path) -> None:
    budget = _Budget(source, content)
    with tarfile.open(source) as archive:
        for member in archive:
            budget.check_name(member.name)
            budget.add(member.size)
            if not (member.isfile() or member.isdir()):
                raise ArchiveRefused(f"{source.name} holds a link or device: {member.name!r}.")
            member.mode = 0o755 if member.isdir() else 0o644
            member.uid = member.gid = os.getuid() if hasattr(os, "getuid") else 0
            archive.extract(member, content, filter="data")


def _unpack_7z(source: Path, content: Path) -> None:
    try:
        py7zr = importlib.import_module("py7zr")
    except ImportError as e:
        error = MissingDependencyError("py7zr, which unpacks .7z archives,", "all")
        error.hint = "Install it with: pip install py7zr"
        raise error from e
    budget = _Budget(source, content)
    try:
        with py7zr.SevenZipFile(source) as archive:
            for entry in archive.list():
                budget.check_name(entry.filename)
                budget.add(entry.uncompressed or 0)
            archive.extractall(content)
    except py7zr.exceptions.ArchiveError as e:
        raise ArchiveRefused(f"{source.name} is damaged or can't be read: {e}") from e


def _check_tree(source: Path, content: Path) -> None:
    """What was unpacked holds nothing but files and folders, whatever the archive claimed."""
    for path in _walk(content):
        mode = path.lstat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise ArchiveRefused(f"{source.name} holds a link or device: {path.name!r}.")


def _walk(folder: Path) -> Iterator[Path]:
    for root, folders, files in os.walk(folder):
        for name in (*folders, *files):
            yield Path(root, name)


def fetch_and_unpack(
    url: str,
    checksum: str | None,
    folder: str | os.PathLike[str],
    *,
    file_name: str | None = None,
    remove_root_dir: bool = False,
    show_progress: bool = True,
    clean: bool = False,
) -> Path:
    """``folder`` with the unpacked archive from ``url``, made unless it is there already.

    Args:
        url: address of the archive.
        checksum: of the archive; None takes what comes.
        folder: where to.
        file_name: name to keep the archive by.
        remove_root_dir: as of :func:`unpack`.
        show_progress: show a bar, on a terminal.
        clean: unpack again even if it is there.

    Raises:
        DownloadError, ArchiveRefused, OutputError: see there.
    """
    if checksum is not None:
        checksum_algorithm(checksum)
    target = Path(folder)
    wanted = {"url": url, "checksum": checksum and checksum.lower()}
    if not clean and _note_of(target) == wanted:
        return target
    archive = fetch(url, checksum, file_name=file_name, show_progress=show_progress)
    unpack(archive, target, remove_root_dir=remove_root_dir)
    (target / COMPLETE).write_text(json.dumps(wanted), encoding="utf-8")
    return target


def _note_of(folder: Path) -> Any:
    with contextlib.suppress(OSError, ValueError):
        return json.loads((folder / COMPLETE).read_text(encoding="utf-8"))
    return None
