"""The model archive, ``<name>.mltk.zip``: read with suspicion, written whole or not at all.

An archive comes from anywhere, so nothing in it is trusted: names that lead outside, links, entries that
unpack to more than they should, damaged data are refused before anything is written. Reading never runs the
specification in it.
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
from mltk.files import replacing, write_file

MANIFEST = "manifest.json"
MAX_MEMBERS = 10_000
MAX_NAME_LENGTH = 1000
MAX_TOTAL_BYTES = 4 << 30
MAX_RATIO = 200
"""Deflate reaches about 1000:1 on zeros; what people keep in an archive stays below 100:1."""
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
    """An archive opened for reading, checked as a whole first.

    Args:
        path: path of the archive.

    Raises:
        ArchiveError: there is no such file, or it is damaged or hostile.
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
            f"{self.path} is refused: {why}.", hint="Nothing was written. Get the archive anew from its maker."
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
        """The content of member ``name``.

        Raises:
            ArchiveError: there is none, it is damaged, or it is larger than it says.
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
        """Write member ``name`` below ``folder``, whole or not at all; gives its path."""
        return self.extract_all([name], folder)[0]

    def extract_all(self, names: Iterable[str], folder: str) -> list[str]:
        """Write members ``names`` below ``folder``, none if one is damaged; gives their paths."""
        contents = {name: self.read(name) for name in names}
        paths = []
        for name, content in contents.items():
            path = os.path.join(folder, *PurePosixPath(name).parts)
            try:
                os.makedirs(os.path.dirname(path), exist_ok=True)
            except OSError as e:
                raise OutputError(f"The folder {os.path.dirname(path)} can't be made: {e.strerror}.") from None
            write_file(path, content)
            paths.append(path)
        return paths

    def manifest(self) -> dict[str, Any]:
        """The manifest; empty for an archive that 0.20 wrote.

        Raises:
            ArchiveError: it is not JSON.
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
            ArchiveError: one differs or is missing.
        """
        for name, digest in self.manifest().get("sha256", {}).items():
            if hashlib.sha256(self.read(name)).hexdigest() != digest:
                raise ArchiveError(f"{self.path} is damaged: member {name!r} is not what the manifest says.")


def write_archive(path: str, members: Mapping[str, bytes | str], manifest: Mapping[str, Any]) -> None:
    """Write an archive, whole or not at all.

    Args:
        path: path of the archive.
        members: name → content, or the path of a file with it.
        manifest: what to say in the manifest; SHA-256 of each member is added.

    Raises:
        OutputError: it can't be written.
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


def update_archive(path: str, members: Mapping[str, bytes | str], manifest: Mapping[str, Any] | None = None) -> None:
    """Replace or add ``members`` of an archive, and entries of its manifest; the rest stays.

    Folders are replaced as wholes: a member ``eval/tflite/…`` drops what else was in ``eval/tflite/``.
    """
    with ArchiveReader(path) as old:
        merged = {**old.manifest(), **(manifest or {})}
        merged.pop("sha256", None)
        folders = {n.rpartition("/")[0] + "/" for n in members if "/" in n}
        kept: dict[str, bytes | str] = {
            n: old.read(n)
            for n in old.names
            if n not in members and n != MANIFEST and (n.rpartition("/")[0] + "/") not in folders
        }
    write_archive(path, {**kept, **members}, merged)


def is_archive(data: bytes) -> bool:
    """Whether ``data`` is a ZIP file."""
    return zipfile.is_zipfile(io.BytesIO(data))
