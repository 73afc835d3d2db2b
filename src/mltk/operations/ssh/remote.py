"""Train a model on another machine, and fetch its archive.

    mltk ssh --host ubuntu@192.168.1.56 train yes_no

The steps, in order: upload the specification and its files, start the command, follow its output, fetch the archive.
The command goes on when the connection ends, and ``--resume`` finds it again.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib.metadata
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mltk.errors import ArchiveError, MltkError, SettingError
from mltk.operations.ssh.client import ConnectionLost, SshClient, cd
from mltk.operations.ssh.configure import RemoteSettings, remote_settings
from mltk.operations.ssh.scripts import FOLLOW, QUERY, START, STATE, STOP, run_script, shutdown_script
from mltk.specification.archive_file import ArchiveReader
from mltk.specification.loading import load_mltk_model
from mltk.specification.logs import get_mltk_logger
from mltk.specification.model import MltkModel
from mltk.workers.script_loading import stop_if_loading_script

RECONNECT_S = (1, 2, 5, 10, 30, 60)
"""Seconds to wait before each new try when the connection breaks."""
_EXTRAS = "train,micro,audio,image"


def train_over_ssh(
    model: MltkModel | str,
    options: Sequence[str] = (),
    *,
    host: str | None = None,
    identity_file: str | None = None,
    port: int | None = None,
    password: str | None = None,
    resume: bool = False,
    wait: bool = True,
    force: bool = False,
    clean: bool = False,
    test: bool = False,
) -> str | None:
    """Train a model on another machine with ``mltk train``, and fetch its archive. Runs the specification here too.

    Args:
        model: The specification, its path, or its name.
        options: More options of ``mltk train``.
        host: ``[USER@]HOST[:PORT][/FOLDER]``; None is the host of the user settings file.
        identity_file: Path of the private key.
        port: Port of the server.
        password: Password of the user. It is never logged or stored. Prefer a key.
        resume: Follow the command that was started before, or fetch its results.
        wait: Follow the command and fetch its results; else only start it.
        force: Stop and forget a command that was started before.
        clean: Delete the archive and the logs of earlier runs, here and on the other machine.
        test: Make a dry run.

    Returns:
        Path of the fetched archive; None without ``wait``.

    Raises:
        MltkError: The command failed, another command is there, or a file is missing.
        SettingError: A setting is wrong.
        ConnectionLost: The machine cannot be reached.
    """
    stop_if_loading_script()
    loaded = load_mltk_model(model, test=test)
    settings = remote_settings(loaded, host, port, identity_file, password)
    script = os.path.basename(loaded.model_specification_path)
    command = ["mltk", "train", f"./{script}", *(["--test"] if loaded.test_mode_enabled else []), *options]
    command += ["--clean"] if clean else []
    with SshClient(settings.connection) as client:
        run = _RemoteRun(client, settings, loaded, command)
        if not resume:
            uploads = run.find_uploads()
            if clean:
                run.clean_here()
            run.start(uploads, force=force)
        else:
            run.find()
        if not wait:
            run.say(f"The command goes on. 'mltk ssh train {loaded.name} --resume' fetches its results.")
            return None
        try:
            return run.finish()
        except KeyboardInterrupt:
            run.abort()
            raise


class _RemoteRun:
    """A command on the other machine."""

    def __init__(self, client: SshClient, settings: RemoteSettings, model: MltkModel, command: Sequence[str]) -> None:
        self.client, self.settings, self.model = client, settings, model
        self.command = shlex.join(command)
        self._words = command
        self._folder = os.path.dirname(os.path.abspath(model.model_specification_path))
        self._host = settings.connection.host
        self._n_bytes = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def say(self, message: str) -> None:
        get_mltk_logger().info("%s", message)

    def _run(self, script: str, *, on_output: Callable[[bytes], None] | None = None) -> bytes:
        script = f"{cd(self.settings.remote_dir, make=True)} || exit 1\n{script}"
        return self.client.run(script, on_output=on_output)[1]

    # -- start -----------------------------------------------------------------------------------------------------

    def find_uploads(self) -> dict[str, Path]:
        """Return path on the other machine → local file. Fails before anything is uploaded."""
        uploads = {os.path.basename(self.model.model_specification_path): Path(self.model.model_specification_path)}
        for entry in self.settings.upload_files:
            local, _, remote = entry.partition("|")
            given = os.path.expanduser(local)
            places = [os.path.join(folder, given) for folder in (self._folder, os.getcwd())]
            path = next((p for p in places if os.path.exists(p)), None)
            if path is None:
                raise SettingError(f"ssh_upload_files: there is no file {local!r} in {self._folder} or {os.getcwd()}.")
            remote = remote or (os.path.basename(given) if os.path.isabs(given) else given)
            if ".." in remote.split("/"):
                raise SettingError(f"ssh_upload_files: {remote!r} leads out of the working folder.")
            uploads[remote] = Path(path)
        return uploads

    def clean_here(self) -> None:
        """Delete the archive and the logs of earlier runs on this machine."""
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.model.archive_path)
        shutil.rmtree(os.path.join(self.model.log_dir, "train"), ignore_errors=True)

    def start(self, uploads: dict[str, Path], *, force: bool) -> None:
        """Upload the files and start the command."""
        state, words = self._query()
        if state != "none" and not force:
            what = "is running" if state == "running" else "has results that were not fetched"
            raise MltkError(
                f"{words!r} {what} on {self._host}, in {self.settings.remote_dir}.",
                hint="--resume follows it and fetches its results. --force stops and forgets it.",
            )
        if state != "none":
            self._run(STOP)
        self.say(f"Uploading {', '.join(uploads)} to {self._host}:{self.settings.remote_dir}")
        requirement = f"openmltk[{_EXTRAS}]=={importlib.metadata.version('openmltk')}"
        settings = self.settings
        scripts = {
            f"{STATE}/run.sh": run_script(
                self._words,
                settings.environment,
                settings.startup_cmds,
                requirement if settings.create_venv else None,
            ),
            f"{STATE}/shutdown.sh": shutdown_script(settings.shutdown_cmds, settings.environment),
            f"{STATE}/command": self.command,
        }
        inside = {name: path for name, path in uploads.items() if not name.startswith(("/", "~"))}
        self._run(f"rm -rf {STATE}")
        self.client.upload({**inside, **scripts}, settings.remote_dir)
        for name, path in uploads.items():
            if name not in inside:
                self.client.upload({os.path.basename(name): path}, os.path.dirname(name))
        self._run(START)
        self.say(f"Started on {self._host}: {self.command}")

    def find(self) -> None:
        """Check that the command was started before."""
        state, words = self._query()
        if state == "none":
            raise MltkError(
                f"No command was started on {self._host}, in {self.settings.remote_dir}.",
                hint="Start it without --resume.",
            )
        if words.split()[:3] != list(self._words[:3]):
            raise MltkError(
                f"Another command was started on {self._host}: {words!r}.",
                hint=f"Resume that command, or start {self.command!r} with --force.",
            )

    def _query(self) -> tuple[str, str]:
        state, _, words = self._run(QUERY).decode().strip().partition(" ")
        return state, words

    # -- finish ----------------------------------------------------------------------------------------------------

    def finish(self) -> str:
        """Follow the command, fetch its results, and run the last commands. Returns the path of the archive."""
        self._follow()
        try:
            path = self._fetch()
        finally:
            if self.settings.shutdown_cmds:
                self._run(f"sh {STATE}/shutdown.sh 2>&1", on_output=self._print)
        self._run(f"rm -rf {STATE}")
        return path

    def _follow(self) -> None:
        def show(part: bytes) -> None:
            self._n_bytes += len(part)
            self._print(part)

        waits = iter(RECONNECT_S)
        while True:
            before = self._n_bytes
            try:
                self._run(f"set -- {self._n_bytes + 1}\n{FOLLOW}", on_output=show)
                return
            except ConnectionLost as e:
                if self._n_bytes > before:
                    waits = iter(RECONNECT_S)
                seconds = next(waits, None)
                if seconds is None:
                    e.hint = f"The command goes on. 'mltk ssh train {self.model.name} --resume' follows it again."
                    raise
                get_mltk_logger().warning("%s Trying again in %d s.", e.message, seconds)
                time.sleep(seconds)

    def _fetch(self) -> str:
        settings, archive = self.settings, os.path.basename(self.model.archive_path)
        log_path = os.path.join(self.model.log_dir, "ssh", "log.txt")
        self.client.download(f"{STATE}/log.txt", settings.remote_dir, log_path)
        exit_code = (self.client.read(f"{STATE}/exit_code", settings.remote_dir) or b"").decode().strip()
        if exit_code != "0":
            self._run(f"rm -f {STATE}/command")  # there are no results to fetch
            how = f"failed with exit code {exit_code}" if exit_code else "was stopped"
            raise MltkError(f"{self.command!r} {how} on {self._host}.", hint=f"Its output is in {log_path}.")
        if not self.client.download(archive, settings.remote_dir, self.model.archive_path, _check_archive):
            raise ArchiveError(f"There is no {archive} in {settings.remote_dir} on {self._host}.")
        self.say(f"Fetched {self.model.archive_path}")
        for entry in settings.download_files:
            remote, _, local = entry.partition("|")
            self._fetch_file(remote, local or os.path.basename(remote))
        return self.model.archive_path

    def _fetch_file(self, remote: str, local: str) -> None:
        path = os.path.join(self._folder, os.path.expanduser(local))
        if not self.client.download(remote, self.settings.remote_dir, path):
            get_mltk_logger().warning("ssh_download_files: there is no file %s on %s.", remote, self._host)
            return
        self.say(f"Fetched {path}")

    def abort(self) -> None:
        """Stop the command, and forget it."""
        self.say(f"Stopping the command on {self._host}.")
        self._run(STOP)
        self._run(f"rm -f {STATE}/command")

    def _print(self, part: bytes) -> None:
        sys.stdout.write(self._decoder.decode(part))
        sys.stdout.flush()


def _check_archive(path: str) -> None:
    """Raise an error if a fetched file is not a whole archive."""
    try:
        with ArchiveReader(path):
            pass
    except ArchiveError as e:
        raise ArchiveError(f"The fetched archive is damaged: {e.message}", hint="--resume fetches it again.") from None
