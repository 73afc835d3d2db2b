"""The user folder, for logs, caches and datasets, and the user settings file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mltk.errors import SettingError


def user_dir() -> Path:
    """Return the folder for logs, caches and user settings: ``MLTK_USER_DIR``, else ``~/.mltk``."""
    return Path(os.environ.get("MLTK_USER_DIR") or Path.home() / ".mltk")


def user_settings_path() -> Path:
    """Return the path of the user settings file.

    The path is ``MLTK_USER_SETTINGS_PATH``, else ``user_settings.yaml`` in the user folder.
    """
    return Path(os.environ.get("MLTK_USER_SETTINGS_PATH") or user_dir() / "user_settings.yaml")


def read_user_settings() -> dict[str, Any]:
    """Return the content of the user settings file; an empty dict if there is no file.

    Raises:
        SettingError: The file is not valid YAML, or not a mapping.
    """
    path = user_settings_path()
    if not path.is_file():
        return {}
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as e:
        raise SettingError(f"{path} is not valid YAML: {e}") from None
    if not isinstance(content, dict):
        raise SettingError(f"{path} must hold 'name: value' lines.")
    return content
