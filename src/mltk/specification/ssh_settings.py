"""Settings of ``mltk ssh``, which trains a model on another machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mltk.specification.settings import Spec, setting

Words = list[str] | tuple[str, ...] | Callable[..., Any] | None


class SshMixin(Spec):
    """How ``mltk ssh`` trains the model on another machine.

    A setting may be a function that returns the value; its argument, if it has one, is the model.
    """

    ssh_remote_dir: str | Callable[..., Any] | None = setting(
        None, "Working folder on the other machine; None is that of the user settings file, or `mltk_workspace`."
    )
    ssh_create_venv: bool | Callable[..., Any] | None = setting(
        None, "Install openmltk in a virtual environment in the working folder; None is True."
    )
    ssh_environment: dict[str, str] | list[str] | tuple[str, ...] | Callable[..., Any] | None = setting(
        None,
        "Environment variables of the command: a dict, or a list of `NAME=VALUE`. `NAME` alone copies the variable.",
    )
    ssh_startup_cmds: Words = setting(None, "Shell commands that run before the command.")
    ssh_shutdown_cmds: Words = setting(None, "Shell commands that run after the results were fetched.")
    ssh_upload_files: Words = setting(
        None,
        "Files to upload: `LOCAL` or `LOCAL|REMOTE`, relative to the specification and to the remote folder.",
    )
    ssh_download_files: Words = setting(
        None,
        "Files to fetch afterwards: `REMOTE` or `REMOTE|LOCAL`, relative to the same folders.",
    )
