"""Names of models, and paths that follow from them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mltk.errors import ModelNameError
from mltk.user_settings import user_dir

ARCHIVE_EXTENSION = ".mltk.zip"
TEST_SUFFIX = "-test"
_PACKAGE_MODELS = Path(__file__).resolve().parent.parent / "models"
_NAME = re.compile(r"[A-Za-z0-9_]+")


def check_model_name(name: str, path: str | os.PathLike[str] | None = None) -> str:
    """Check that a name can be a model's name.

    Args:
        name: The name.
        path: Path of the file that is named so, for the message.

    Returns:
        The name.

    Raises:
        ModelNameError: The name holds other characters than letters, digits and underscores.
    """
    if _NAME.fullmatch(name):
        return name
    wrong = sorted({c for c in name if not _NAME.fullmatch(c)})
    where = f"{path}: " if path else ""
    suggestion = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "my_model"
    raise ModelNameError(
        f"{where}{name!r} can't be a model's name: it holds {', '.join(map(repr, wrong)) or 'no character'}. "
        "A model's name is the name of its file, and may hold only letters, digits and underscores.",
        hint=f"Rename the file to {suggestion}.py",
    )


def name_of_file(path: str | os.PathLike[str]) -> str:
    """Return the model's name from the path of its specification, archive or ``.tflite``, without ``-test``."""
    base = os.path.basename(os.fspath(path))
    for ending in (ARCHIVE_EXTENSION, ".float32.tflite", ".tflite", ".py"):
        if base.endswith(ending):
            base = base[: -len(ending)]
            break
    return base.removesuffix(TEST_SUFFIX)


def archive_path_of(script_path: str, *, test: bool = False) -> str:
    """Return the path of the archive of a specification: beside the specification.

    The archive of a specification that comes with this package is in the model's log folder, because the package's
    folder may be read-only.

    Args:
        script_path: Path of the specification.
        test: Whether the archive is that of a dry run.
    """
    name = name_of_file(script_path)
    suffix = TEST_SUFFIX if test else ""
    folder = Path(script_path).parent
    if folder.is_relative_to(_PACKAGE_MODELS):
        folder = user_dir() / "models" / f"{name}{suffix}"
    return str(folder / f"{name}{suffix}{ARCHIVE_EXTENSION}")
