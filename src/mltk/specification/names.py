"""Names of models and the folders they live in."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mltk.errors import ModelNameError

ARCHIVE_EXTENSION = ".mltk.zip"
TEST_SUFFIX = "-test"
_PACKAGE_MODELS = Path(__file__).resolve().parent.parent / "models"
_NAME = re.compile(r"[A-Za-z0-9_]+")


def check_model_name(name: str, path: str | os.PathLike[str] | None = None) -> str:
    """``name``, if it can be a model's name.

    Raises:
        ModelNameError: it holds anything but letters, digits and underscores.
    """
    if _NAME.fullmatch(name):
        return name
    wrong = sorted({c for c in name if not _NAME.fullmatch(c)})
    where = f"{path}: " if path else ""
    suggestion = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "my_model"
    raise ModelNameError(
        f"{where}{name!r} can't be a model's name: it holds {', '.join(map(repr, wrong)) or 'no character'}. "
        "A model's name is its file's name and may hold only letters, digits and underscores.",
        hint=f"Rename the file to {suggestion}.py",
    )


def name_of_file(path: str | os.PathLike[str]) -> str:
    """The model name that a specification's or archive's path stands for, without any ``-test``."""
    base = os.path.basename(os.fspath(path))
    for ending in (ARCHIVE_EXTENSION, ".float32.tflite", ".tflite", ".py"):
        if base.endswith(ending):
            base = base[: -len(ending)]
            break
    return base.removesuffix(TEST_SUFFIX)


def archive_path_of(script_path: str, *, test: bool = False) -> str:
    """Path of the archive that belongs to a specification: beside it.

    For a specification that comes with this package, whose folder may not be writable, it is in the model's
    log folder.
    """
    name = name_of_file(script_path)
    suffix = TEST_SUFFIX if test else ""
    folder = Path(script_path).parent
    if folder.is_relative_to(_PACKAGE_MODELS):
        folder = user_dir() / "models" / f"{name}{suffix}"
    return str(folder / f"{name}{suffix}{ARCHIVE_EXTENSION}")


def user_dir() -> Path:
    """The folder for logs, caches and user settings: ``MLTK_USER_DIR``, else ``~/.mltk``."""
    return Path(os.environ.get("MLTK_USER_DIR") or Path.home() / ".mltk")


def user_settings_path() -> Path:
    """The user settings file: ``MLTK_USER_SETTINGS_PATH``, else ``user_settings.yaml`` in the user folder."""
    return Path(os.environ.get("MLTK_USER_SETTINGS_PATH") or user_dir() / "user_settings.yaml")


def read_user_settings() -> dict:
    """What the user settings file says; an empty dict when there is none.

    Raises:
        SettingError: the file is not valid YAML or not a mapping.
    """
    path = user_settings_path()
    if not path.is_file():
        return {}
    import yaml

    from mltk.errors import SettingError

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise SettingError(f"{path} is not valid YAML: {e}") from None
    if not isinstance(content, dict):
        raise SettingError(f"{path} must hold 'name: value' lines.")
    return content
