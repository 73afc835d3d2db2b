"""The model archive, ``<name>.mltk.zip``: treated as untrusted input, and written whole or not at all.

An archive can come from anywhere. Names that lead outside, links, members that unpack to far more than their size, and
damaged data are refused before anything is written. Reading an archive never runs the specification in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any, NoReturn

from mltk.errors import ArchiveError, OutputError, did_you_mean
from mltk.files import make_folder, replacing, write_file

MANIFEST = "manifest.json"
MAX_MEMBERS = 10_000
MAX_NAME_LENGTH = 1000
MAX_TOTAL_BYTES = 4 << 30
MAX_RATIO = 200
"""Unpacked size divided by packed size. Deflate reaches about 1000 on zeros; real members stay below 100."""
_RATIO_FREE_BYTES = 64 << 20
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    KeyError,
)


class ArchiveReader:
    """An archive that is open for reading. All its entries are checked first.

    Args:
        path: Path of the archive.

    Raises:
        ArchiveError: There is no such file, or it is damaged or hostile.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)
        try:
            self._zip = zipfile.ZipFile(self.path)
        except FileNotFoundError:
            raise ArchiveError(f"There is no archive {self.path}.", hint="Train the model first.") from None
        except (*_BROKEN, OSError) as e:
            raise ArchiveError(f"{self.path} is not a model archive, or it is damaged: {e}.") from None
        try:
            self._check()
        except BaseException:
            self._zip.close()
            raise
        self.names: list[str] = [i.filename for i in self._zip.infolist() if not i.is_dir()]

    def __enter__(self) -> ArchiveReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def _refuse(self, why: str) -> NoReturn:
        raise ArchiveError(
            f"{self.path} is refused: {why}.", hint="Nothing was written. Get the archive again from its author."
        )

    def _check(self) -> None:
        members = self._zip.infolist()
        if len(members) > MAX_MEMBERS:
            self._refuse(f"it has {len(members)} members, more than {MAX_MEMBERS}")
        files: set[tuple[str, ...]] = set()
        folders: set[tuple[str, ...]] = set()
        total = 0
        for info in members:
            name = info.filename
            parts = PurePosixPath(name).parts
            if not parts or name.startswith("/") or ".." in parts or set(name) & set("\\\0:"):
                self._refuse(f"member {name!r} leads outside the folder it would be unpacked to")
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind == stat.S_IFLNK:
                self._refuse(f"member {name!r} is a link")
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                self._refuse(f"member {name!r} is not a file")
            if len(name) > MAX_NAME_LENGTH:
                self._refuse(f"member {name[:40] + '…'!r} has a name of {len(name)} characters")
            if parts in files and not info.is_dir():
                self._refuse(f"member {name!r} is there twice")
            (folders if info.is_dir() else files).add(parts)
            folders.update(parts[:i] for i in range(1, len(parts)))
            if info.flag_bits & 1:
                self._refuse(f"member {name!r} is encrypted")
            total += info.file_size
            bomb = info.file_size > _RATIO_FREE_BYTES and info.file_size > MAX_RATIO * max(info.compress_size, 1)
            if bomb or total > MAX_TOTAL_BYTES:
                self._refuse(f"member {name!r} would unpack to {info.file_size:,} bytes from {info.compress_size:,}")
        for parts in sorted(files & folders):
            self._refuse(f"member {'/'.join(parts)!r} is both a file and a folder")

    def _info(self, name: str) -> zipfile.ZipInfo:
        try:
            return self._zip.getinfo(name)
        except KeyError:
            raise ArchiveError(
                f"{self.path} has no member {name!r}.", hint=did_you_mean(name, self.names) or "Train the model first."
            ) from None

    def read(self, name: str) -> bytes:
        """Return the content of a member.

        Raises:
            ArchiveError: There is no such member, it is damaged, or its size is not the declared size.
        """
        info = self._info(name)
        try:
            with self._zip.open(info) as stream:
                content = stream.read(info.file_size + 1)
        except (*_BROKEN, OSError) as e:
            raise ArchiveError(f"{self.path} is damaged: member {name!r}: {e}.") from None
        if len(content) != info.file_size:
            self._refuse(f"member {name!r} does not unpack to the size it says")
        return content

    def extract(self, name: str, folder: str) -> str:
        """Write a member below ``folder``, whole or not at all. Returns its path.

        Raises:
            ArchiveError: There is no such member, or it is damaged.
            OutputError: The file cannot be written.
        """
        return self.extract_all([name], folder)[0]

    def extract_all(self, names: Iterable[str], folder: str) -> list[str]:
        """Write members below ``folder``; if a member is damaged, write none. Returns their paths.

        Raises:
            ArchiveError: A member is missing or damaged.
            OutputError: A file cannot be written.
        """
        contents = {name: self.read(name) for name in names}
        paths = []
        for name, content in contents.items():
            path = os.path.join(folder, *PurePosixPath(name).parts)
            make_folder(os.path.dirname(path))
            write_file(path, content)
            paths.append(path)
        return paths

    def manifest(self) -> dict[str, Any]:
        """Return the manifest; an empty dict for an archive that MLTK 0.20 wrote.

        Raises:
            ArchiveError: The manifest is not a JSON object.
        """
        if MANIFEST not in self.names:
            return {}
        try:
            found = json.loads(self.read(MANIFEST))
        except ValueError as e:
            raise ArchiveError(f"{self.path} is damaged: its manifest is not JSON: {e}.") from None
        if not isinstance(found, dict):
            raise ArchiveError(f"{self.path} is damaged: its manifest is not a JSON object.")
        return found

    def verify(self) -> None:
        """Compare every member with the SHA-256 in the manifest.

        Raises:
            ArchiveError: A member differs or is missing.
        """
        for name, digest in self.manifest().get("sha256", {}).items():
            if hashlib.sha256(self.read(name)).hexdigest() != digest:
                raise ArchiveError(f"{self.path} is damaged: member {name!r} is not what the manifest says.")


def write_archive(path: str, members: Mapping[str, bytes | str], manifest: Mapping[str, Any]) -> None:
    """Write an archive, whole or not at all.

    Args:
        path: Path of the archive.
        members: Name of each member → its content, or the path of a file with its content.
        manifest: Content of the manifest. The SHA-256 of each member is added.

    Raises:
        OutputError: The archive cannot be written.
    """
    digests: dict[str, str] = {}
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(members):
            content = members[name]
            if isinstance(content, str):
                content = _read_file(content)
            digests[name] = hashlib.sha256(content).hexdigest()
            archive.writestr(name, content)
        text = json.dumps({**manifest, "sha256": digests}, indent=2, default=str)
        archive.writestr(MANIFEST, text)


def _read_file(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as e:
        raise OutputError(f"Can't read {path}: {e.strerror}.") from None


def update_archive(
    path: str,
    members: Mapping[str, bytes | str],
    manifest: Mapping[str, Any] | None = None,
    *,
    without: tuple[str, ...] = (),
) -> None:
    """Replace or add members of an archive, and entries of its manifest. The other members and entries stay.

    A folder is replaced as a whole: a new member ``eval/tflite/…`` removes the old members of ``eval/tflite/``.

    Args:
        path: Path of the archive.
        members: Name of each member → its content, or the path of a file with its content.
        manifest: Entries of the manifest.
        without: Beginnings of the names of members to remove.

    Raises:
        ArchiveError: The archive is damaged.
        OutputError: The archive cannot be written.
    """
    with ArchiveReader(path) as old:
        merged = {**old.manifest(), **(manifest or {})}
        merged.pop("sha256", None)
        folders = {n.rpartition("/")[0] + "/" for n in members if "/" in n}
        kept: dict[str, bytes | str] = {
            n: old.read(n)
            for n in old.names
            if n not in members
            and n != MANIFEST
            and (n.rpartition("/")[0] + "/") not in folders
            and not n.startswith(without)
        }
    write_archive(path, {**kept, **members}, merged)


def is_archive(data: bytes) -> bool:
    """Whether ``data`` is a ZIP file."""
    return zipfile.is_zipfile(io.BytesIO(data))
