"""The C code of a model beside its ``.tflite``, in the log folder and in the archive, if the specification wants it."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from mltk.operations.compile import compile_to_c
from mltk.operations.shared.c_files import FOLDER
from mltk.specification.archive_file import ArchiveReader

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel
    from mltk.tflite.model import TfliteModel


def write_c_code(model: MltkModel, tflite_model: TfliteModel) -> str | None:
    """Write the C code into the log folder if ``model.c_code`` is True; remove that of an earlier ``.tflite``.

    Returns:
        The folder; None if the specification wants no C code.

    Raises:
        UnsupportedModelError: The model can't become C code.
        OutputError: The folder can't be written.
    """
    folder = os.path.join(model.log_dir, FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    if not getattr(model, "c_code", False):
        return None
    compile_to_c(tflite_model, folder, name=model.name)
    return folder


def renewed_members(archive_path: str, tflite_model: TfliteModel, name: str) -> dict[str, bytes | str]:
    """Return the C code of a changed model as archive members, if the archive has C code; otherwise nothing.

    Args:
        archive_path: Path of the archive.
        tflite_model: The changed model.
        name: Prefix of all names in C.
    """
    with ArchiveReader(archive_path) as archive:
        if not any(member.startswith(f"{FOLDER}/") for member in archive.names):
            return {}
    files = compile_to_c(tflite_model, name=name).files
    return {f"{FOLDER}/{path}": text.encode() for path, text in files.items()}
