"""Pack and extract archives."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from zipfile import ZipFile

from mltk.files import replacing
from mltk.utils.archive_downloader import extract_archive
from mltk.utils.path import fullpath, recursive_listdir

__all__ = ["ZipFile", "extract_archive", "gzip_directory_files", "gzip_file"]


def gzip_file(src_path: str, dst_path: str | None = None) -> str:
    """Compress a file with gzip.

    Args:
        src_path: Path of the file.
        dst_path: Path of the compressed file; None is ``src_path`` with ``.gz``.

    Returns:
        Path of the compressed file.
    """
    path = dst_path or f"{src_path}.gz"
    with replacing(Path(path)) as aside, open(src_path, "rb") as source, gzip.open(aside, "wb") as target:
        shutil.copyfileobj(source, target)
    return path


def gzip_directory_files(
    src_dir: str, dst_archive: str | None = None, regex: str | re.Pattern[str] | Callable[[str], bool] | None = None
) -> str:
    """Pack the files of a folder into a ``.tar.gz`` archive.

    Args:
        src_dir: Path of the folder.
        dst_archive: Path of the archive; None is the path of the folder with ``.tar.gz``.
        regex: Expression that the relative path of a file must match; or a function that returns whether to pack it.

    Returns:
        Path of the archive.
    """
    folder = fullpath(src_dir)
    path = fullpath(dst_archive) if dst_archive else f"{folder}.tar.gz"
    names = recursive_listdir(folder, regex=regex, return_relative_paths=True)
    with replacing(Path(path)) as aside, tarfile.open(aside, "w:gz") as archive:
        for name in sorted(n for n in names if os.path.join(folder, n) != path):
            archive.add(os.path.join(folder, name), arcname=name.replace(os.sep, "/"))
    return path
