"""Unpack zip, tar and 7z archives, which are untrusted input, whole or not at all.

An archive is refused before any file is put in place if it holds a name that leads outside the folder, a link, or a
device, or if it unpacks to far more than its size.
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
from typing import Any, NamedTuple

from mltk.data.fetch.download import checksum_algorithm, fetch
from mltk.errors import ArchiveRefused, MissingDependencyError, MltkError, OutputError
from mltk.files import make_folder, replacing_folder

MAX_RATIO = 1000
"""Unpacked size divided by archive size. DEFLATE reaches 1032 on zeros; real data stays below a tenth of that."""
SMALL_BYTES = 64 << 20
"""An archive that unpacks to less is accepted at any ratio."""
MAX_ENTRIES = 5_000_000
COMPLETE = ".complete.json"
ARCHIVE_ENDINGS = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".txz", ".tar", ".zip", ".7z")
_BLOCK_BYTES = 1 << 18
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, LookupError, OverflowError),
)
# The folder was empty, so that these errors come from the archive's own names. gzip and bzip2 raise without a number.
_OF_THE_ARCHIVE = (
    None,
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.EINVAL,
    errno.EILSEQ,
)


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    remove_root_dir: bool = False,
    nested: bool = False,
    programs: bool = False,
    clean: bool | Callable[[Path], object] = True,
) -> Path:
    """Unpack an archive.

    Args:
        archive: A ``.zip``, ``.tar`` (``.gz``, ``.bz2``, ``.xz``) or ``.7z`` file; its content tells which.
        folder: Folder to unpack into. New files appear in it when everything is unpacked.
        remove_root_dir: If all files of the archive are in one folder, leave out this folder.
        nested: Unpack each archive in the archive too, and remove it.
        programs: Keep what an archive of programs needs: links of a tar that stay inside, and which files can be run.
        clean: True replaces the folder. False keeps its files, but for files of the same name. A function is called
            with the folder before new files are put into it; it can remove files.

    Returns:
        The folder.

    Raises:
        ArchiveRefused: The archive is damaged, hostile, or of an unknown kind.
        OutputError: The disk is full, or the folder cannot be written.
        MissingDependencyError: The package that unpacks 7z archives is not installed.
    """
    source, target = Path(archive), Path(folder)
    place = Path(os.path.realpath(target))  # a link to a folder on another disk stays one
    if not source.is_file():
        raise ArchiveRefused(f"There is no file {source}.")
    if place.exists() and not place.is_dir():
        raise OutputError(f"{source.name} can't be unpacked into {target}: that is a file.")
    options = _Options(remove_root_dir, nested, programs)
    try:
        if clean is True:
            with replacing_folder(place) as content:
                _unpack_checked(source, Path(content), options)
            return target
        make_folder(place.parent)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}.", dir=place.parent) as aside:
            _unpack_checked(source, Path(aside), options)
            place.mkdir(exist_ok=True)
            if callable(clean):
                clean(target)
            _merge(Path(aside), place)
    except OSError as e:
        if isinstance(e, MltkError):
            raise
        raise OutputError(f"{source.name} can't be unpacked into {target}: {e}") from e
    return target


class _Options(NamedTuple):
    """Arguments of :func:`unpack`."""

    remove_root_dir: bool
    nested: bool
    programs: bool


def _unpack_checked(source: Path, content: Path, options: _Options) -> None:
    """Unpack ``source`` into the empty folder ``content``, and check what was unpacked."""
    budget = _Budget(source, content)
    _unpack_into(source, content, budget, options.programs)
    if options.nested:
        _unpack_nested(content, budget, options.programs)
    if options.remove_root_dir:
        _remove_root_dir(content)
    _check_tree(source, content, options.programs)


def _remove_root_dir(content: Path) -> None:
    """If ``content`` holds only one folder, replace the folder by what is in it."""
    entries = list(content.iterdir())
    if len(entries) != 1 or not _is_folder(entries[0]):
        return
    with tempfile.TemporaryDirectory(dir=content) as aside:  # an entry can have the folder's name
        root = entries[0].rename(Path(aside) / "root")
        _merge(root, content)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _merge(content: Path, target: Path) -> None:
    """Move the entries of ``content`` into ``target``; an entry replaces an entry of the same name."""
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
            raise ArchiveRefused(f"{source.name} is not a zip, tar or 7z archive.")
    except (*_BROKEN, OSError) as e:
        if isinstance(e, MltkError) or (isinstance(e, OSError) and e.errno not in _OF_THE_ARCHIVE):
            raise
        verdict = "is refused" if isinstance(e, tarfile.FilterError) else "is damaged or can't be read"
        raise ArchiveRefused(f"{source.name} {verdict}: {e}") from e


def _unpack_nested(content: Path, budget: _Budget, programs: bool) -> None:
    """Unpack the archives below ``content`` where they are, and remove them."""
    for path in list(_walk(content)):
        if path.name.lower().endswith(ARCHIVE_ENDINGS) and path.is_file() and not path.is_symlink():
            with tempfile.TemporaryDirectory(dir=content) as inner:
                _unpack_into(path, Path(inner), budget, programs)
                path.unlink()
                _merge(Path(inner), path.parent)


class _Budget:
    """Counts the files and bytes of an archive and of the archives inside it: the declared and the unpacked ones."""

    def __init__(self, source: Path, content: Path) -> None:
        self._source = source
        packed = source.stat().st_size
        self._limit = max(SMALL_BYTES, packed * MAX_RATIO)
        self._free = shutil.disk_usage(content).free
        self._bytes = self._entries = 0

    def add(self, n_bytes: int) -> None:
        """Count a file. Refuse the archive if it unpacks to far more than its size, or to more than the disk holds."""
        self._entries += 1
        self._bytes += n_bytes
        if self._bytes > self._limit or self._entries > MAX_ENTRIES:
            raise ArchiveRefused(
                f"{self._source.name} unpacks to far more than its size; it may be a decompression bomb."
            )
        if self._bytes > self._free:
            raise OutputError(f"{self._source.name} unpacks to more than the {self._free >> 20} MiB that are free.")


def _check_name(source: Path, name: str) -> None:
    """Refuse a name that leads outside the folder."""
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
        for member in links:  # last, so that no file is written through a link
            archive.extract(member, content, filter="data")
        while archive.fileobj is not None and (block := archive.fileobj.read(_BLOCK_BYTES)):
            budget.add(len(block))  # a compressed file is known to be complete only at its end


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
    except Exception as e:  # a damaged file can raise anything in py7zr
        raise ArchiveRefused(f"{source.name} is damaged or can't be read: {e or type(e).__name__}") from e
    for path in _walk(content):  # py7zr sets the permissions that the archive holds
        if not path.is_symlink():
            runs = path.is_dir() or (programs and path.stat().st_mode & stat.S_IXUSR)
            path.chmod(0o755 if runs else 0o644)


def _check_tree(source: Path, content: Path, programs: bool) -> None:
    """Refuse the archive if anything but files, folders and allowed links was unpacked, whatever its entries say."""
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
    """Download and unpack an archive, unless this was done.

    Args:
        url: Address of the archive.
        checksum: Checksum of the archive in hexadecimal; None accepts any file.
        folder: Folder to unpack into.
        file_name: File name of the kept archive; None is the last part of the address.
        remove_root_dir: If all files of the archive are in one folder, leave out this folder.
        show_progress: Whether to show a progress bar on a terminal.
        clean: Unpack the archive again.

    Returns:
        The folder.

    Raises:
        DownloadError: The archive cannot be downloaded, or the download is the wrong file.
        ArchiveRefused: The archive is damaged, hostile, or of an unknown kind.
        OutputError: The disk is full, or the folder cannot be written.
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
