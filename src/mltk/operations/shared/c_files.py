"""The files of a model's C code in the log folder and in the archive."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mltk.specification.model import MltkModel

FOLDER = "c"
"""Folder in the log folder and in the archive."""


def c_files(model: MltkModel) -> list[tuple[str, str]]:
    """Return path and archive member of each file of C code in the log folder."""
    folder = os.path.join(model.log_dir, FOLDER)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [(os.path.join(folder, name), f"{FOLDER}/{name}") for name in names]
