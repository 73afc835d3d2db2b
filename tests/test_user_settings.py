"""The user folder and the user settings file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mltk import user_settings
from mltk.errors import SettingError


@pytest.fixture(autouse=True)
def user_dir(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLTK_USER_SETTINGS_PATH", raising=False)
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "user"))


def test_folders_follow_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "elsewhere"))
    assert user_settings.user_dir() == tmp_path / "elsewhere"
    assert user_settings.user_settings_path() == tmp_path / "elsewhere" / "user_settings.yaml"
    monkeypatch.setenv("MLTK_USER_SETTINGS_PATH", str(tmp_path / "mine.yaml"))
    assert user_settings.user_settings_path() == tmp_path / "mine.yaml"
    monkeypatch.delenv("MLTK_USER_DIR")
    assert user_settings.user_dir() == Path.home() / ".mltk"


def test_user_settings() -> None:
    assert user_settings.read_user_settings() == {}
    path = user_settings.user_settings_path()
    path.parent.mkdir()
    path.write_text("")
    assert user_settings.read_user_settings() == {}
    path.write_text("model_paths:\n  - a\n  - b\n")
    assert user_settings.read_user_settings() == {"model_paths": ["a", "b"]}


@pytest.mark.parametrize("text", ["a: [", "a: b: c", "\t- x"])
def test_user_settings_that_are_not_yaml(text: str) -> None:
    path = user_settings.user_settings_path()
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(SettingError, match=re.escape(f"{path} is not valid YAML")):
        user_settings.read_user_settings()


def test_user_settings_that_are_no_mapping() -> None:
    path = user_settings.user_settings_path()
    path.parent.mkdir()
    path.write_text("- a\n")
    with pytest.raises(SettingError, match="must hold 'name: value' lines"):
        user_settings.read_user_settings()
    path.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(SettingError, match="is not valid YAML"):
        user_settings.read_user_settings()
