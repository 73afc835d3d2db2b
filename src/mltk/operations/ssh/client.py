"""Run commands and copy files with the system's OpenSSH client.

Files are copied as tar archives through the connection, so that only ``ssh`` itself is needed. The first connection
stays open for the next ones. OpenSSH asks on the terminal for passphrases and unknown hosts.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import IO

from mltk.errors import MltkError
from mltk.files import make_folder, replacing
from mltk.operations.ssh.configure import Connection

_FAILED = 255
"""Exit code with which OpenSSH says that the connection failed."""
_ASKPASS = "#!/bin/sh\nprintf '%s\\n' \"$MLTK_SSH_PASSWORD\"\n"


class ConnectionLost(MltkError):
    """The other machine cannot be reached."""


class SshClient:
    """A connection to another machine. Use it in a ``with`` block.

    Args:
        connection: How to reach the machine.

    Raises:
        MltkError: There is no OpenSSH client.
    """

    def __init__(self, connection: Connection) -> None:
        ssh = shutil.which("ssh")
        if ssh is None:
            raise MltkError("There is no program ssh.", hint="Install the OpenSSH client.")
        self._connection = connection
        self._folder = tempfile.TemporaryDirectory(prefix="mltk-ssh-")
        self._environment: dict[str, str] | None = None
        self._words = [ssh, *self._options(), self._target()]

    def __enter__(self) -> SshClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if os.path.exists(os.path.join(self._folder.name, "c")):
            closing = [*self._words[:-1], "-O", "exit", self._words[-1]]
            subprocess.run(closing, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
        self._folder.cleanup()

    def _target(self) -> str:
        at = self._connection
        return f"{at.user}@{at.host}" if at.user else at.host

    def _options(self) -> list[str]:
        at, options = self._connection, ["-o", "ServerAliveInterval=15"]
        if os.name == "posix":  # the client of Windows cannot share a connection
            options += ["-o", "ControlMaster=auto", "-o", f"ControlPath={self._folder.name}/c"]
            options += ["-o", "ControlPersist=60"]
        if at.config_path:
            options += ["-F", os.path.expanduser(at.config_path)]
        if at.port:
            options += ["-p", str(at.port)]
        if at.identity_file:
            options += ["-i", os.path.expanduser(at.identity_file), "-o", "IdentitiesOnly=yes"]
        if at.password is not None:
            options += ["-o", "NumberOfPasswordPrompts=1"]
            self._environment = self._with_password(at.password)
        elif not sys.stdin.isatty():
            options += ["-o", "BatchMode=yes"]  # nobody could answer a question
        return options

    def _with_password(self, password: str) -> dict[str, str]:
        """Let ``ssh`` ask a script for the password: it accepts no password on its command line."""
        script = os.path.join(self._folder.name, "askpass")
        Path(script).write_text(_ASKPASS)
        os.chmod(script, stat.S_IRWXU)
        return {**os.environ, "SSH_ASKPASS": script, "SSH_ASKPASS_REQUIRE": "force", "MLTK_SSH_PASSWORD": password}

    def run(
        self,
        command: str,
        *,
        write_input: Callable[[IO[bytes]], None] | None = None,
        on_output: Callable[[bytes], object] | None = None,
        check: bool = True,
    ) -> tuple[int, bytes]:
        """Run a shell command on the other machine.

        Args:
            command: The command, for ``sh``.
            write_input: Writes what the command reads from its standard input.
            on_output: Called with each part of the output; else the output is returned.
            check: Whether an exit code other than 0 is an error.

        Returns:
            Exit code and output.

        Raises:
            ConnectionLost: The machine cannot be reached, or the connection broke.
            MltkError: The command failed.
        """
        words = [*self._words, f"sh -c {shlex.quote(command)}"]
        with subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self._environment
        ) as process:
            try:
                assert process.stdin is not None
                with contextlib.suppress(BrokenPipeError), process.stdin:  # its error message says why it ended
                    if write_input is not None:
                        write_input(process.stdin)
                process.stdin = None
                if on_output is not None:
                    assert process.stdout is not None
                    while part := os.read(process.stdout.fileno(), 1 << 16):
                        on_output(part)
                output, errors = process.communicate()
            except BaseException:
                process.kill()  # else the end of the block waits for the command
                raise
        text = errors.decode(errors="replace").strip()
        if process.returncode == _FAILED:
            raise ConnectionLost(
                f"ssh cannot reach {self._connection.host}: {text or 'the connection broke'}.",
                hint="Check the host, the port and the key. 'ssh -v HOST' shows the details.",
            )
        if check and process.returncode != 0:
            raise MltkError(f"A command on {self._connection.host} failed with exit code {process.returncode}: {text}")
        return process.returncode, output

    def upload(self, files: Mapping[str, Path | str], folder: str) -> None:
        """Copy files to the other machine.

        Args:
            files: Path on the other machine, relative to ``folder`` → local file or folder, or the text of the file.
            folder: Folder on the other machine. It is made if necessary; ``~`` is the user's folder.
        """

        def write(stream: IO[bytes]) -> None:
            with tarfile.open(fileobj=stream, mode="w|gz") as archive:
                for name, source in files.items():
                    if isinstance(source, Path):
                        archive.add(source, arcname=name)
                    else:
                        data = source.encode()
                        member = tarfile.TarInfo(name)
                        member.size, member.mode = len(data), 0o600
                        archive.addfile(member, io.BytesIO(data))

        self.run(f"{cd(folder, make=True)} && tar -xzf -", write_input=write)

    def read(self, path: str, folder: str) -> bytes | None:
        """Return the content of a small file of the other machine; None if there is no such file.

        Args:
            path: Path, relative to ``folder``; ``~`` is the user's folder.
            folder: Folder on the other machine.
        """
        code, content = self.run(_print_file(path, folder), check=False)
        return content if code == 0 else None

    def download(self, path: str, folder: str, target: str, check_content: Callable[[str], None] | None = None) -> bool:
        """Copy a file of the other machine, whole or not at all.

        Args:
            path: Path, relative to ``folder``; ``~`` is the user's folder.
            folder: Folder on the other machine.
            target: Path of the local file.
            check_content: Called with the path of the received file before it replaces ``target``.

        Returns:
            Whether there is such a file.
        """
        make_folder(os.path.dirname(target))
        try:
            with replacing(Path(target)) as aside:
                # Plain bytes: nothing that the machine sends is a path here.
                with open(aside, "wb") as file:
                    code, _ = self.run(_print_file(path, folder), on_output=file.write, check=False)
                if code != 0:
                    raise _NoSuchFile
                if check_content is not None:
                    check_content(aside)
        except _NoSuchFile:
            return False
        return True


class _NoSuchFile(Exception):
    pass


def _print_file(path: str, folder: str) -> str:
    return f"{cd(folder)} && test -f {remote_path(path)} && cat {remote_path(path)}"


def remote_path(path: str) -> str:
    """Return a path for ``sh``: quoted, with ``~`` as the user's folder."""
    if path == "~":
        return '"$HOME"'
    if path.startswith("~/"):
        return f'"$HOME"/{shlex.quote(path[2:])}'
    return shlex.quote(path if not path.startswith("-") else f"./{path}")


def cd(folder: str, *, make: bool = False) -> str:
    """Return the shell command that enters a folder, and makes it if ``make`` is set."""
    at = remote_path(folder)
    return f"mkdir -p {at} && cd {at}" if make else f"cd {at}"
