"""``mltk ssh``: upload, start, follow and fetch."""

from __future__ import annotations

import contextlib
import getpass
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import mltk
from helpers.other_machine import OtherMachine
from mltk.cli.main import main
from mltk.errors import ArchiveError, MltkError, SettingError
from mltk.operations.ssh import remote
from mltk.operations.ssh.client import ConnectionLost
from mltk.operations.ssh.remote import train_over_ssh
from mltk.utils.network import find_listening_port

SPECIFICATION = """# @mltk_model
import mltk
class Toy(mltk.MltkModel, mltk.TrainMixin, mltk.SshMixin): ...
my_model = Toy()
my_model.classes = ["a", "b"]
my_model.ssh_create_venv = False
"""
# In place of the training: prints, and makes an archive.
TRAIN = """echo "training with $*, A=$A"
python3 -c 'import zipfile; z = zipfile.ZipFile("toy.mltk.zip", "w"); z.writestr("toy.py", "x"); z.close()'
echo "done äöü"
"""


def write_specification(more: str = "") -> None:
    Path("toy.py").write_text(SPECIFICATION + more)


def test_a_model_is_trained_and_its_archive_fetched(machine: OtherMachine, capsys: pytest.CaptureFixture[str]) -> None:
    write_specification("my_model.ssh_environment = {'A': \"it's 1\"}\nmy_model.ssh_startup_cmds = ['echo first']\n")
    machine.install("mltk", TRAIN)
    path = train_over_ssh("toy.py", ["--epochs", "3"], host="me@server:2222", identity_file="key")
    assert path == str(Path("toy.mltk.zip").resolve())
    assert zipfile.ZipFile(path).namelist() == ["toy.py"]
    expected = ["first", "training with train ./toy.py --epochs 3, A=it's 1", "done äöü"]
    assert capsys.readouterr().out.splitlines() == expected
    assert (Path(mltk.load_mltk_model("toy.py").log_dir) / "ssh" / "log.txt").read_text().splitlines() == expected
    assert not (machine.workspace / ".mltk_ssh").exists()
    assert set((machine.root / "hosts").read_text().split()) == {"me@server"}
    assert "-p 2222" in machine.arguments
    assert "-i key" in machine.arguments


def test_files_are_uploaded_and_fetched(machine: OtherMachine) -> None:
    write_specification(
        "my_model.ssh_upload_files = ['teacher.h5', 'data', 'notes.txt|~/notes/n.txt']\n"
        "my_model.ssh_download_files = ['~/out.txt|results/o.txt', 'copy.h5', 'missing.txt']\n"
        "my_model.ssh_shutdown_cmds = ['echo bye > bye.txt']\n"
    )
    Path("teacher.h5").write_bytes(bytes(range(256)))
    Path("data").mkdir()
    Path("data/a.txt").write_text("a")
    Path("notes.txt").write_text("notes")
    machine.install("mltk", TRAIN + 'cp teacher.h5 copy.h5; cat data/a.txt "$HOME/notes/n.txt" > "$HOME/out.txt"\n')
    train_over_ssh("toy.py", host="server")
    assert Path("copy.h5").read_bytes() == bytes(range(256))
    assert Path("results/o.txt").read_text() == "anotes"
    assert not Path("missing.txt").exists()
    assert (machine.workspace / "bye.txt").read_text() == "bye\n"


def test_a_missing_file_fails_before_the_upload(machine: OtherMachine) -> None:
    write_specification("my_model.ssh_upload_files = ['nothing.h5']\n")
    with pytest.raises(SettingError, match=r"there is no file 'nothing\.h5'"):
        train_over_ssh("toy.py", host="server")
    assert not (machine.root / "arguments").exists()


@pytest.mark.parametrize("remote_name", ["../x", "a/../../x"])
def test_no_upload_leads_out_of_the_working_folder(machine: OtherMachine, remote_name: str) -> None:
    write_specification(f"my_model.ssh_upload_files = ['toy.py|{remote_name}']\n")
    with pytest.raises(SettingError, match="leads out of the working folder"):
        train_over_ssh("toy.py", host="server")


def test_a_command_is_started_and_its_results_are_fetched_later(machine: OtherMachine) -> None:
    write_specification()
    machine.install("mltk", f"while [ ! -f go ]; do sleep 0.1; done\n{TRAIN}")
    assert train_over_ssh("toy.py", host="server", wait=False) is None
    with pytest.raises(MltkError, match=r"'mltk train \./toy\.py' is running on server") as error:
        train_over_ssh("toy.py", host="server")
    assert "--resume" in str(error.value.hint)
    (machine.workspace / "go").touch()
    assert train_over_ssh("toy.py", host="server", resume=True) == str(Path("toy.mltk.zip").resolve())
    with pytest.raises(MltkError, match="No command was started on server"):
        train_over_ssh("toy.py", host="server", resume=True)


def test_another_command_is_not_resumed(machine: OtherMachine) -> None:
    write_specification()
    machine.install("mltk", TRAIN)
    train_over_ssh("toy.py", host="server", wait=False)
    Path("toy.py").rename("other.py")
    with pytest.raises(MltkError, match=r"Another command was started on server: 'mltk train \./toy\.py'"):
        train_over_ssh("other.py", host="server", resume=True)


def test_force_stops_a_command(machine: OtherMachine) -> None:
    write_specification()
    machine.install("mltk", "trap 'echo stopped > stopped; exit 130' INT\n: > ready\nwhile :; do sleep 0.1; done\n")
    train_over_ssh("toy.py", host="server", wait=False)
    while not (machine.workspace / "ready").exists():
        time.sleep(0.05)
    machine.install("mltk", TRAIN)
    assert train_over_ssh("toy.py", host="server", force=True)
    assert (machine.workspace / "stopped").read_text() == "stopped\n"


def test_a_command_that_fails(machine: OtherMachine, capsys: pytest.CaptureFixture[str]) -> None:
    write_specification("my_model.ssh_shutdown_cmds = ['echo bye > bye.txt']\n")
    Path("toy.mltk.zip").write_text("from before")
    machine.install("mltk", "echo no memory; exit 7\n")
    with pytest.raises(MltkError, match=r"'mltk train \./toy\.py' failed with exit code 7 on server") as error:
        train_over_ssh("toy.py", host="server")
    assert "log.txt" in str(error.value.hint)
    assert "no memory" in capsys.readouterr().out
    assert Path("toy.mltk.zip").read_text() == "from before"
    assert (machine.workspace / "bye.txt").exists()
    machine.install("mltk", TRAIN)
    assert train_over_ssh("toy.py", host="server")  # without --force


def test_a_startup_command_that_fails_stops_the_run(machine: OtherMachine) -> None:
    write_specification("my_model.ssh_startup_cmds = ['exit 3']\n")
    machine.install("mltk", "touch started\n")
    with pytest.raises(MltkError, match="failed with exit code 3"):
        train_over_ssh("toy.py", host="server")
    assert not (machine.workspace / "started").exists()


def test_a_damaged_archive_is_not_stored(machine: OtherMachine) -> None:
    write_specification()
    Path("toy.mltk.zip").write_text("from before")
    machine.install("mltk", "echo cut > toy.mltk.zip\n")
    with pytest.raises(ArchiveError, match=r"The fetched archive is damaged: .* is not a model archive"):
        train_over_ssh("toy.py", host="server")
    assert Path("toy.mltk.zip").read_text() == "from before"


def test_a_broken_connection_is_made_again_and_nothing_is_shown_twice(
    machine: OtherMachine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "RECONNECT_S", (0, 0))
    write_specification()
    machine.install("mltk", TRAIN)
    machine.cut([4, 39, 47])  # the last one is inside of a character
    train_over_ssh("toy.py", host="server")
    assert capsys.readouterr().out.splitlines() == ["training with train ./toy.py, A=", "done äöü"]


def test_a_connection_that_stays_broken_says_how_to_go_on(
    machine: OtherMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "RECONNECT_S", (0, 0))
    write_specification()
    machine.install("mltk", TRAIN)
    train_over_ssh("toy.py", host="server", wait=False)
    machine.cut([0, 0, 0])
    with pytest.raises(ConnectionLost, match="ssh cannot reach server: the connection broke") as error:
        train_over_ssh("toy.py", host="server", resume=True)
    assert "mltk ssh train toy --resume" in str(error.value.hint)
    assert train_over_ssh("toy.py", host="server", resume=True)


def test_a_machine_that_cannot_be_reached(machine: OtherMachine) -> None:
    write_specification()
    machine.go_down(1)
    with pytest.raises(ConnectionLost, match="ssh cannot reach server: Connection refused") as error:
        train_over_ssh("toy.py", host="server")
    assert "ssh -v" in str(error.value.hint)


def test_ctrl_c_stops_the_command(machine: OtherMachine, tmp_path: Path) -> None:
    write_specification()
    machine.install("mltk", "trap 'echo stopped > stopped; exit 130' INT\n: > ready\nwhile :; do sleep 0.1; done\n")
    words = [sys.executable, "-m", "mltk.cli.main", "ssh", "--host", "server", "train", "toy.py"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not (machine.workspace / "ready").exists():
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Stopping the command on server." in errors
    assert (machine.workspace / "stopped").read_text() == "stopped\n"
    with pytest.raises(MltkError, match="No command was started"):
        train_over_ssh("toy.py", host="server", resume=True)


def test_openmltk_is_installed_in_a_virtual_environment(
    machine: OtherMachine, capsys: pytest.CaptureFixture[str]
) -> None:
    write_specification("my_model.ssh_create_venv = None\n")
    # In place of venv and pip: programs that are copied into the environment.
    machine.install("new_mltk", TRAIN)
    machine.install("new_python", f'shift 2\necho "pip $*"\ncp "{machine.root}/bin/new_mltk" .venv/bin/mltk\n')
    machine.install(
        "python3",
        f'[ "$1 $2" = "-m venv" ] || exec "{sys.executable}" "$@"\n'
        f'mkdir -p .venv/bin\ncp "{machine.root}/bin/new_python" .venv/bin/python\n'
        "echo 'PATH=$PWD/.venv/bin:$PATH' > .venv/bin/activate\n",
    )
    machine.install("mltk", "exit 9\n")
    train_over_ssh("toy.py", host="server")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("pip install --quiet openmltk[train,")
    assert "==" in lines[0]
    train_over_ssh("toy.py", host="server")
    assert "pip" not in capsys.readouterr().out  # it is installed once


def test_clean_deletes_what_was_before(machine: OtherMachine) -> None:
    write_specification()
    old = Path(mltk.load_mltk_model("toy.py").log_dir) / "train" / "old.txt"
    old.parent.mkdir(parents=True)
    old.touch()
    Path("toy.mltk.zip").touch()
    machine.install("mltk", 'echo "$@" > words\nexit 1\n')
    with pytest.raises(MltkError, match="failed with exit code 1"):
        train_over_ssh("toy.py", host="server", clean=True)
    assert not old.exists()
    assert not Path("toy.mltk.zip").exists()
    assert (machine.workspace / "words").read_text() == "train ./toy.py --clean\n"


def test_no_secret_is_on_a_command_line_or_in_a_log(
    machine: OtherMachine, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    write_specification("my_model.ssh_environment = {'TOKEN': 's3cr3t1'}\n")
    machine.install("mltk", TRAIN)
    with caplog.at_level(logging.DEBUG):
        train_over_ssh("toy.py", host="server", password="s3cr3t2")
    shown = capsys.readouterr()
    log = (Path(mltk.load_mltk_model("toy.py").log_dir) / "ssh" / "log.txt").read_text()
    assert "s3cr3t" not in machine.arguments + caplog.text + shown.out + shown.err + log


def test_ssh_asks_for_the_password(machine: OtherMachine) -> None:
    write_specification()
    machine.install("mltk", TRAIN)
    ssh = machine.root / "client" / "ssh"
    ssh.write_text(
        ssh.read_text().replace("#!/bin/sh", '#!/bin/sh\n"$SSH_ASKPASS" >> ' + str(machine.root / "asked"), 1)
    )
    train_over_ssh("toy.py", host="server", password="it's $secret")
    assert set((machine.root / "asked").read_text().splitlines()) == {"it's $secret"}
    assert "BatchMode" not in machine.arguments


def test_without_the_openssh_client(machine: OtherMachine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_specification()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MltkError, match="There is no program ssh"):
        train_over_ssh("toy.py", host="server")


# -- the command line --------------------------------------------------------------------------------------------------


def run_cli(*words: str) -> int:
    with pytest.raises(SystemExit) as end:
        main(["ssh", *words])
    return int(str(end.value.code))


def test_the_options_of_the_command_may_stand_anywhere(machine: OtherMachine) -> None:
    write_specification()
    machine.install("mltk", 'echo "$@" > words\n' + TRAIN.replace("toy.mltk", "toy-test.mltk"))
    assert run_cli("-h", "server", "train", "--epochs", "2", "toy.py", "--no-evaluate", "--test", "-v") == 0
    words = "train ./toy.py --test --epochs 2 --no-evaluate --verbose\n".replace(" --verbose", "")
    assert (machine.workspace / "words").read_text() == words
    assert Path("toy-test.mltk.zip").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["evaluate", "toy.py"], "runs the command 'train' only"),
        ([], "The command is missing"),
        (["train", "toy.py", "--epoch", "3"], "No such option"),
        (["train"], "Missing argument"),
    ],
)
def test_wrong_commands(
    machine: OtherMachine, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert run_cli("--host", "server", *words) == 2
    assert message in capsys.readouterr().err


# -- real programs -----------------------------------------------------------------------------------------------------

TRAINABLE = """# @mltk_model
import keras, numpy, mltk
class Toy(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.SshMixin): ...
my_model = Toy()
my_model.classes = ["a", "b"]
my_model.input_shape = (3,)
my_model.ssh_create_venv = False
my_model.epochs = 1
my_model.x = numpy.random.default_rng(1).random((32, 3), "float32")
my_model.y = numpy.eye(2, dtype="float32")[(my_model.x[:, 0] > 0.5).astype(int)]
my_model.build_model_function = lambda m: build()
def build():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    return model
"""


@pytest.mark.tf
def test_a_model_is_really_trained_there(machine: OtherMachine) -> None:
    Path("toy.py").write_text(TRAINABLE)
    machine.install("mltk", f'unset MLTK_USER_DIR\nexec "{sys.executable}" -m mltk.cli.main "$@"\n')
    train_over_ssh("toy.py", host="server")
    assert mltk.load_tflite_model("toy.mltk.zip").n_inputs == 1
    assert (machine.home / ".mltk" / "models" / "toy" / "train").is_dir()


SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
SSHD_CONFIG = """Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/pid
AuthorizedKeysFile {folder}/user_key.pub
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
"""
CLIENT_CONFIG = """Host board
  HostName 127.0.0.1
  Port {port}
  User {user}
  IdentityFile {folder}/user_key
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking accept-new
"""

if SSHD is not None:  # the tests above run everywhere

    @pytest.fixture
    def sshd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
        """The configuration of a client whose host ``board`` is this machine, with a server of the test's own."""
        folder = tmp_path / "sshd"
        (tmp_path / "work").mkdir()
        folder.mkdir()
        monkeypatch.chdir(tmp_path / "work")
        monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "user"))
        monkeypatch.delenv("MLTK_USER_SETTINGS_PATH", raising=False)
        for key in ("host_key", "user_key"):
            words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)]
            subprocess.run(words, check=True)
        port = find_listening_port()
        (folder / "sshd_config").write_text(SSHD_CONFIG.format(port=port, folder=folder))
        config = folder / "config"
        config.write_text(CLIENT_CONFIG.format(port=port, folder=folder, user=getpass.getuser()))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        with subprocess.Popen([str(SSHD), "-D", "-e", "-f", str(folder / "sshd_config")]) as process:
            try:
                while True:
                    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                        break
                    assert process.poll() is None
                    time.sleep(0.05)
                yield config
            finally:
                process.terminate()

    def test_a_real_server(sshd: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        programs = tmp_path / "programs"
        programs.mkdir()
        (programs / "mltk").write_text(f"#!/bin/sh\ncat teacher.bin > back.bin\n{TRAIN}")
        (programs / "mltk").chmod(0o755)
        write_specification(
            "my_model.ssh_upload_files = ['teacher.bin']\nmy_model.ssh_download_files = ['back.bin']\n"
            f"my_model.ssh_startup_cmds = ['PATH={programs}:$PATH']\n"
            f"my_model.ssh_remote_dir = {str(tmp_path / 'remote dir')!r}\n"
        )
        Path("teacher.bin").write_bytes(bytes(range(256)) * 1000)
        (tmp_path / "user").mkdir()
        (tmp_path / "user" / "user_settings.yaml").write_text(f"ssh: {{hostname: board, config_path: {sshd}}}\n")
        train_over_ssh("toy.py", wait=False)
        assert train_over_ssh("toy.py", resume=True) == str(Path("toy.mltk.zip").resolve())
        assert Path("back.bin").read_bytes() == Path("teacher.bin").read_bytes()
        assert "training with train ./toy.py" in capsys.readouterr().out

    def test_a_real_server_that_does_not_know_the_key(sshd: Path, tmp_path: Path) -> None:
        write_specification()
        other = tmp_path / "other"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(other)], check=True)
        sshd.write_text(sshd.read_text().replace(str(sshd.parent / "user_key"), str(other)))
        (tmp_path / "user").mkdir()
        (tmp_path / "user" / "user_settings.yaml").write_text(f"ssh: {{hostname: board, config_path: {sshd}}}\n")
        with pytest.raises(ConnectionLost, match=r"(?s)ssh cannot reach board: .*Permission denied"):
            train_over_ssh("toy.py", identity_file=str(other))
