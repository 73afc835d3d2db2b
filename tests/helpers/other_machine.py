"""Another machine: a folder, and a program ``ssh`` that runs the command there in place of connecting."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

# Notes its arguments, and runs the command as sshd does: with the shell, in the user's folder. For each line of the
# file "down", it fails once like an unreachable machine.
SSH = """#!/bin/sh
echo "$@" >> "{root}/arguments"
while [ $# -gt 0 ]; do
  case "$1" in
    -[opiFlO]) shift 2 ;;
    *) break ;;
  esac
done
echo "$1" >> "{root}/hosts"
shift
if [ -s "{root}/down" ]; then
  sed -i 1d "{root}/down"
  echo "Connection refused" >&2
  exit 255
fi
HOME="{root}/home" PATH="{root}/bin:$PATH"
export HOME PATH
cd "$HOME" || exit 1
case "$*" in
  *"tail -c"*)
    if [ -s "{root}/cut" ]; then
      n=$(head -n 1 "{root}/cut")
      sed -i 1d "{root}/cut"
      sh -c "$*" | head -c "$n"
      exit 255
    fi ;;
esac
exec sh -c "$*"
"""


@dataclass
class OtherMachine:
    """The machine behind the program ``ssh``."""

    root: Path

    @property
    def home(self) -> Path:
        """Folder of the user."""
        return self.root / "home"

    @property
    def workspace(self) -> Path:
        """Working folder."""
        return self.home / "mltk_workspace"

    @property
    def arguments(self) -> str:
        """All arguments that ``ssh`` got."""
        return (self.root / "arguments").read_text()

    def go_down(self, n_connections: int) -> None:
        """Refuse the next connections."""
        (self.root / "down").write_text("x\n" * n_connections)

    def cut(self, numbers: list[int]) -> None:
        """Break the next connections that follow the output, each after a number of bytes."""
        (self.root / "cut").write_text("".join(f"{n}\n" for n in numbers))

    def install(self, name: str, script: str) -> None:
        """Install a program."""
        path = self.root / "bin" / name
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o755)


def make_other_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OtherMachine:
    """Another machine. This machine's working folder is ``tmp_path/work``."""
    root = tmp_path / "machine"
    for name in ("home", "bin", "client"):
        (root / name).mkdir(parents=True)
    ssh = root / "client" / "ssh"
    ssh.write_text(SSH.format(root=root))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{root / 'client'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MLTK_USER_DIR", str(tmp_path / "user"))
    monkeypatch.delenv("MLTK_USER_SETTINGS_PATH", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    found = OtherMachine(root)
    found.install("python3", f'exec "{sys.executable}" "$@"\n')
    return found
