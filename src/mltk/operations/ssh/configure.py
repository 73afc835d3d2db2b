"""The settings of a remote command: from the command line, else the specification, else the user settings file."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mltk.errors import SettingError, did_you_mean
from mltk.user_settings import read_user_settings, user_settings_path

DEFAULT_REMOTE_DIR = "mltk_workspace"
_CONNECTION = {
    "hostname": "host", "host": "host", "port": "port", "username": "user", "user": "user", "password": "password",
    "key_filename": "identity_file", "identity_file": "identity_file", "config_path": "config_path",
}  # fmt: skip
_COMMAND = (
    "remote_dir",
    "create_venv",
    "environment",
    "startup_cmds",
    "shutdown_cmds",
    "upload_files",
    "download_files",
)
_LISTS = _COMMAND[3:]
_HOST = re.compile(r"(?:(?P<user>[^@/\s]+)@)?(?P<host>\[[^\]\s]+\]|[^@:/\s]+)(?::(?P<port>\d+))?(?P<path>/\S*)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass
class Connection:
    """How to reach the other machine. ``password`` is not a part of the text of this object."""

    host: str
    user: str | None = None
    port: int | None = None
    identity_file: str | None = None
    config_path: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass
class RemoteSettings:
    """What to do on the other machine."""

    connection: Connection
    remote_dir: str = DEFAULT_REMOTE_DIR
    create_venv: bool = True
    environment: dict[str, str] = field(default_factory=dict, repr=False)
    startup_cmds: list[str] = field(default_factory=list)
    shutdown_cmds: list[str] = field(default_factory=list)
    upload_files: list[str] = field(default_factory=list)
    download_files: list[str] = field(default_factory=list)


def remote_settings(
    model: object,
    host: str | None = None,
    port: int | None = None,
    identity_file: str | None = None,
    password: str | None = None,
) -> RemoteSettings:
    """Collect the settings of a remote command.

    Args:
        model: The specification. Its ``ssh_…`` settings are used, if it has them.
        host: ``[USER@]HOST[:PORT][/FOLDER]``; the folder is relative to the user's folder. None is the host of the user
            settings file.
        port: Port of the server.
        identity_file: Path of the private key.
        password: Password of the user.

    Raises:
        SettingError: There is no host, or a setting has a wrong name or value.
    """
    stored = _user_settings()
    connection = {ours: stored[theirs] for theirs, ours in _CONNECTION.items() if theirs in stored}
    values = {name: stored[name] for name in _COMMAND if stored.get(name) is not None}
    for name in _COMMAND:
        value = getattr(model, f"ssh_{name}", None)
        value = _called(value, model) if callable(value) else value
        if value is not None:
            values[name] = value
    if host is not None:
        given = _parse_host(host)
        if path := given.pop("path", None):
            values["remote_dir"] = path
        connection = {**connection, **given} if given["host"] == connection.get("host") else given
    given = {"port": port, "identity_file": identity_file, "password": password}
    connection.update({name: value for name, value in given.items() if value is not None})
    if not connection.get("host"):
        raise SettingError(
            "There is no host to connect to.", hint=f"Give --host, or set ssh: hostname: in {user_settings_path()}."
        )
    _check_connection(connection)
    values["environment"] = environment(values.get("environment") or {})
    for name in _LISTS:
        values[name] = _words(name, values.get(name))
    if not isinstance(values.get("remote_dir", ""), str) or not isinstance(values.get("create_venv", True), bool):
        raise SettingError("ssh_remote_dir must be a str, and ssh_create_venv a bool.")
    return RemoteSettings(Connection(**connection), **values)


def environment(value: Mapping[str, object] | list[str] | tuple[str, ...]) -> dict[str, str]:
    """Return environment variables as a dict.

    Args:
        value: A dict; or a list of ``NAME=VALUE``, or of ``NAME``, which copies the variable of this process.

    Raises:
        SettingError: A name is not the name of an environment variable.
    """
    found: dict[str, str] = {}
    if isinstance(value, Mapping):
        found = {str(name): str(content) for name, content in value.items()}
    else:
        for entry in _words("environment", value):
            name, given, content = entry.partition("=")
            found[name] = content if given else os.environ.get(name, "")  # MLTK 0.20: empty
    for name in found:
        if not _NAME.fullmatch(name):
            raise SettingError(f"ssh_environment: {name!r} is not the name of an environment variable.")
    return found


def _called(function: Any, model: object) -> Any:
    return function(model) if inspect.signature(function).parameters else function()


def _words(name: str, value: Any) -> list[str]:
    if value is None:
        return []
    if isinstance(value, (str, bytes)) or not all(isinstance(v, str) for v in value):
        raise SettingError(f"ssh_{name} must be a list of str, got {value!r}.")
    return list(value)


def _user_settings() -> dict[str, Any]:
    stored = read_user_settings().get("ssh") or {}
    where = f"ssh in {user_settings_path()}"
    if not isinstance(stored, dict):
        raise SettingError(f"{where} must hold 'name: value' lines.")
    connection = stored.pop("connection", None) or {}
    stored.update(connection if isinstance(connection, dict) else {"connection": connection})
    known = (*_CONNECTION, *_COMMAND)
    for name in stored:
        if name not in known:
            raise SettingError(f"{where}: {name!r} is not a setting.", hint=did_you_mean(str(name), known) or None)
    return stored


def _parse_host(host: str) -> dict[str, Any]:
    match = _HOST.fullmatch(host)
    if match is None:
        raise SettingError(f"{host!r} is not a host.", hint="The form is [USER@]HOST[:PORT][/FOLDER].")
    found: dict[str, Any] = {name: value for name, value in match.groupdict().items() if value is not None}
    found["host"] = found["host"].strip("[]")
    if "path" in found:
        found["path"] = found["path"].removeprefix("/") or "."
    return {**found, "port": int(found["port"])} if "port" in found else found


def _check_connection(connection: dict[str, Any]) -> None:
    for name, value in connection.items():
        if name == "port":
            if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
                raise SettingError(f"{value!r} is not a port of a server.")
        elif value is not None and not isinstance(value, str):
            raise SettingError(f"ssh: {name} must be text.")
        # A name with '-' at its beginning would be an option of ssh, which can run commands.
        elif name in ("host", "user") and str(value or "").startswith("-"):
            raise SettingError(f"ssh: {name} {value!r} begins with '-'.")
