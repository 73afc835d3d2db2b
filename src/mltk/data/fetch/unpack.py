"""Unpacking archives with suspicion: zip, tar and 7z; whole or not at all.

Refused before anything is put in place: names that lead outside the folder, links, devices, and archives that unpack
to more than they can honestly hold.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import lzma
import os
import shutil
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from mltk.data.fetch.download import checksum_algorithm, fetch
from mltk.errors import ArchiveRefused, MissingDependencyError, MltkError, OutputError

MAX_RATIO = 1000
"""An archive may unpack to so many times its size. DEFLATE reaches 1032, and real data not a tenth of it."""
SMALL_BYTES = 64 << 20
"""Below this, the ratio doesn't matter."""
MAX_ENTRIES = 5_000_000
COMPLETE = ".complete.json"
ARCHIVE_ENDINGS = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".txz", ".tar", ".zip", ".7z")
_BLOCK_BYTES = 1 << 18
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, LookupError, OverflowError),
)
# In a folder that was empty, only the archive's own names can be in each other's way. gzip and bzip2 give no number.
_OF_THE_ARCHIVE = (None, errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    remove_root_dir: bool = False,
    nested: bool = False,
    programs: bool = False,
    clean: bool | Callable[[Path], object] = True,
) -> Path:
    """Unpack ``archive`` into ``folder``; gives the folder.

    Args:
        archive: a ``.zip``, ``.tar`` (``.gz``, ``.bz2``, ``.xz``) or ``.7z`` file, told by its content.
        folder: where to; what is new appears in it when everything is unpacked.
        remove_root_dir: if all files are in one folder of the archive, leave that level out.
        nested: unpack the archives in the archive too, in place of them.
        programs: keep what an archive of programs needs: of a tar, links that stay inside; which files can be run.
        clean: replace what was in the folder; else it stays, but for what is called the same. A function is called
            with the folder before anything new is put into it, and removes what it likes.

    Raises:
        ArchiveRefused: see there.
        OutputError: the disk is full, or the folder can't be written.
        MissingDependencyError: what unpacks 7z archives is not installed.
    """
    source, target = Path(archive), Path(folder)
    place = Path(os.path.realpath(target))  # a link to a folder on another disk stays one
    if not source.is_file():
        raise ArchiveRefused(f"There is no file {source}.")
    if place.exists() and not place.is_dir():
        raise OutputError(f"{source.name} can't be unpacked into {target}: that is a file.")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as aside:
            content = Path(aside) / "content"
            content.mkdir()
            budget = _Budget(source, content)
            _unpack_into(source, content, budget, programs)
            if nested:
                _unpack_nested(content, Path(aside), budget, programs)
            entries = list(content.iterdir())
            if remove_root_dir and len(entries) == 1 and _is_folder(entries[0]):
                content = entries[0]
            _check_tree(source, content, programs)
            if clean is True:
                if place.exists():
                    os.replace(place, Path(aside) / "old")
                os.replace(content, place)
            else:
                place.mkdir(exist_ok=True)
                if callable(clean):
                    clean(target)
                _merge(content, place)
    except OSError as e:
        if isinstance(e, MltkError):
            raise
        raise OutputError(f"{source.name} can't be unpacked into {target}: {e}") from e
    return target


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _merge(content: Path, target: Path) -> None:
    """Move what is in ``content`` into ``target``, in place of what is called the same there."""
    for entry in list(content.iterdir()):
        to = target / entry.name
        if _is_folder(entry) and _is_folder(to):
            _merge(entry, to)
            continue
        if _is_folder(to):
            shutil.rmtree(to)
        elif _is_folder(entry):
            to.unlink(missing_ok=True)
        os.replace(entry, to)


def _unpack_into(source: Path, content: Path, budget: _Budget, programs: bool) -> None:
    try:
        with open(source, "rb") as file:
            head = file.read(8)
        if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            _unpack_zip(source, content, budget)
        elif head[:6] == b"7z\xbc\xaf\x27\x1c":
            _unpack_7z(source, content, budget, programs)
        elif tarfile.is_tarfile(source):
            _unpack_tar(source, content, budget, programs)
        elif zipfile.is_zipfile(source):  # with a program in front that unpacks it
            _unpack_zip(source, content, budget)
        else:
            raise ArchiveRefused(f"{source.name} is no zip, tar or 7z archive.")
    except (*_BROKEN, OSError) as e:
        if isinstance(e, MltkError) or (isinstance(e, OSError) and e.errno not in _OF_THE_ARCHIVE):
            raise
        verdict = "is refused" if isinstance(e, tarfile.FilterError) else "is damaged or can't be read"
        raise ArchiveRefused(f"{source.name} {verdict}: {e}") from e


def _unpack_nested(content: Path, aside: Path, budget: _Budget, programs: bool) -> None:
    """Unpack the archives below ``content`` where they are, and remove them."""
    for path in list(_walk(content)):
        if path.name.lower().endswith(ARCHIVE_ENDINGS) and path.is_file() and not path.is_symlink():
            with tempfile.TemporaryDirectory(dir=aside) as inner:
                _unpack_into(path, Path(inner), budget, programs)
                path.unlink()
                _merge(Path(inner), path.parent)


class _Budget:
    """Counts what an archive, and those inside it, say they hold, and what they really give."""

    def __init__(self, source: Path, content: Path) -> None:
        self._source = source
        packed = source.stat().st_size
        self._limit = max(SMALL_BYTES, packed * MAX_RATIO)
        self._free = shutil.disk_usage(content).free
        self._bytes = self._entries = 0

    def add(self, n_bytes: int) -> None:
        """Refuse when it grows beyond what is honest, or beyond the disk."""
        self._entries += 1
        self._bytes += n_bytes
        if self._bytes > self._limit or self._entries > MAX_ENTRIES:
            raise ArchiveRefused(f"{self._source.name} unpacks to far more than its size; it may be a bomb.")
        if self._bytes > self._free:
            raise OutputError(f"{self._source.name} unpacks to more than the {self._free >> 20} MiB that are free.")


def _check_name(source: Path, name: str) -> None:
    """Refuse a name that leads outside."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name or name[1:2] == ":":
        raise ArchiveRefused(f"{source.name} holds a file that would be written outside its folder: {name!r}.")


def _unpack_zip(source: Path, content: Path, budget: _Budget) -> None:
    with zipfile.ZipFile(source) as archive:
        for entry in archive.infolist():
            _check_name(source, entry.filename)
            budget.add(entry.file_size)
            if stat.S_ISLNK(entry.external_attr >> 16):
                raise ArchiveRefused(f"{source.name} holds a link: {entry.filename!r}.")
        for entry in archive.infolist():
            archive.extract(entry, content)  # reads at most file_size bytes, and checks the CRC


def _unpack_tar(source: Path, content: Path, budget: _Budget, programs: bool) -> None:
    links = []
    with tarfile.open(source) as archive:
        for member in archive:
            _check_name(source, member.name)
            budget.add(member.size)
            if programs and (member.issym() or member.islnk()):
                links.append(member)
                continue
            if not (member.isfile() or member.isdir()):
                raise ArchiveRefused(f"{source.name} holds a link or device: {member.name!r}.")
            if not programs:
                member.mode = 0o755 if member.isdir() else 0o644
            archive.extract(member, content, filter="data")
        for member in links:  # last, so that no file is written through one
            archive.extract(member, content, filter="data")
        while archive.fileobj is not None and (block := archive.fileobj.read(_BLOCK_BYTES)):
            budget.add(len(block))  # only at the end of a compressed file it shows that it is whole


def _unpack_7z(source: Path, content: Path, budget: _Budget, programs: bool) -> None:
    try:
        py7zr = importlib.import_module("py7zr")
    except ImportError as e:
        raise MissingDependencyError("py7zr, which unpacks .7z archives,", "datasets") from e
    try:
        with py7zr.SevenZipFile(source) as archive:
            for entry in archive.files:
                _check_name(source, entry.filename)
                budget.add(entry.uncompressed or 0)
                if entry.is_symlink or entry.is_junction or entry.is_socket:
                    raise ArchiveRefused(f"{source.name} holds a link or device: {entry.filename!r}.")
            archive.extractall(content)
    except (MltkError, OSError):
        raise
    except Exception as e:  # a damaged file may make py7zr stumble over anything
        raise ArchiveRefused(f"{source.name} is damaged or can't be read: {e or type(e).__name__}") from e
    for path in _walk(content):  # py7zr sets whatever permissions the archive tells it to
        if not path.is_symlink():
            runs = path.is_dir() or (programs and path.stat().st_mode & stat.S_IXUSR)
            path.chmod(0o755 if runs else 0o644)


def _check_tree(source: Path, content: Path, programs: bool) -> None:
    """What was unpacked holds nothing but files, folders and links allowed, whatever the archive claimed."""
    root = os.path.realpath(content)
    for path in _walk(content):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) and programs:
            if not f"{os.path.realpath(path)}{os.sep}".startswith(f"{root}{os.sep}"):
                raise ArchiveRefused(f"{source.name} holds a link that leads outside its folder: {path.name!r}.")
        elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
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
