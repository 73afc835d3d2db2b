"""Which settings a remote command has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import mltk
from mltk.errors import SettingError
from mltk.operations.ssh.configure import environment, remote_settings


class Model(mltk.MltkModel, mltk.SshMixin):
    """A specification with settings for another machine."""


@pytest.fixture(autouse=True)
def user_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with the user settings file."""
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path))
    monkeypatch.delenv("MLTK_USER_SETTINGS_PATH", raising=False)
    return tmp_path


@pytest.fixture
def model() -> Any:
    """A specification."""
    return Model("toy.py")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("server.com", (None, "server.com", None, "mltk_workspace")),
        ("192.168.1.56", (None, "192.168.1.56", None, "mltk_workspace")),
        ("ubuntu@10.0.0.1:456", ("ubuntu", "10.0.0.1", 456, "mltk_workspace")),
        ("ubuntu@10.0.0.1/data/space", ("ubuntu", "10.0.0.1", None, "data/space")),
        ("10.0.0.1//opt/space", (None, "10.0.0.1", None, "/opt/space")),
        ("me@[fe80::1]:22", ("me", "fe80::1", 22, "mltk_workspace")),
    ],
)
def test_forms_of_a_host(model: Any, host: str, expected: tuple[Any, ...]) -> None:
    found = remote_settings(model, host)
    assert (found.connection.user, found.connection.host, found.connection.port, found.remote_dir) == expected


@pytest.mark.parametrize("host", ["a b", "@host", "host:port", "-oProxyCommand=touch", "-l@host", "a@b@c", ""])
def test_what_is_not_a_host_is_refused(model: Any, host: str) -> None:
    with pytest.raises(SettingError, match=r"is not a host|begins with '-'"):
        remote_settings(model, host)


def test_without_a_host_the_error_says_where_to_set_it(model: Any) -> None:
    with pytest.raises(SettingError, match="no host to connect to") as error:
        remote_settings(model)
    assert "user_settings.yaml" in str(error.value.hint)


def test_the_command_line_comes_before_the_specification_and_this_before_the_user_settings(
    model: Any, user_folder: Path
) -> None:
    (user_folder / "user_settings.yaml").write_text(
        "ssh:\n  connection: {hostname: stored, username: me, port: 2222, key_filename: ~/.ssh/id}\n"
        "  remote_dir: stored_dir\n  startup_cmds: [stored]\n  shutdown_cmds: [last]\n  create_venv: false\n"
    )
    model.ssh_startup_cmds = ["own"]
    found = remote_settings(model, port=1)
    assert (found.connection.host, found.connection.user, found.connection.port) == ("stored", "me", 1)
    assert (found.connection.identity_file, found.remote_dir, found.create_venv) == ("~/.ssh/id", "stored_dir", False)
    assert (found.startup_cmds, found.shutdown_cmds, found.upload_files) == (["own"], ["last"], [])
    other = remote_settings(model, "other")  # the user and the key belong to the stored host
    assert (other.connection.user, other.connection.port, other.connection.identity_file) == (None, None, None)


def test_a_misspelled_user_setting_is_an_error(model: Any, user_folder: Path) -> None:
    (user_folder / "user_settings.yaml").write_text("ssh: {hostnme: a}\n")
    with pytest.raises(SettingError, match="'hostnme' is not a setting") as error:
        remote_settings(model)
    assert "hostname" in str(error.value.hint)


def test_a_function_as_a_setting(model: Any) -> None:
    model.ssh_upload_files = lambda: ["a.txt"]
    model.ssh_remote_dir = lambda of: f"models/{of.name}"
    found = remote_settings(model, "host")
    assert (found.upload_files, found.remote_dir) == (["a.txt"], "models/toy")


def test_forms_of_an_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "secret")
    assert environment({"A": 1}) == {"A": "1"}
    assert environment(["A=1=2", "TOKEN"]) == {"A": "1=2", "TOKEN": "secret"}
    assert environment(["NOTHING_SET"]) == {"NOTHING_SET": ""}
    with pytest.raises(SettingError, match="'A; rm' is not the name"):
        environment({"A; rm": "1"})


@pytest.mark.parametrize(
    ("name", "value"),
    [("ssh_upload_files", "a.txt"), ("ssh_startup_cmds", 3), ("ssh_create_venv", "yes"), ("ssh_environment", 3)],
)
def test_a_setting_of_a_wrong_type_is_refused(model: Any, name: str, value: object) -> None:
    with pytest.raises(SettingError, match=name):
        setattr(model, name, value)


def test_what_a_function_returns_is_checked(model: Any) -> None:
    model.ssh_upload_files = lambda: "a.txt"
    with pytest.raises(SettingError, match=r"ssh_upload_files must be a list of str, got 'a\.txt'"):
        remote_settings(model, "host")


@pytest.mark.parametrize("port", [0, 70000, True])
def test_a_wrong_port_is_refused(model: Any, port: int) -> None:
    with pytest.raises(SettingError, match="is not a port"):
        remote_settings(model, "host", port=port)


def test_the_text_of_the_settings_has_no_secrets(model: Any) -> None:
    model.ssh_environment = {"TOKEN": "secret1"}
    text = repr(remote_settings(model, "host", password="secret2"))
    assert "secret" not in text
