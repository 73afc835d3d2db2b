"""The shell scripts that run on the other machine, for ``sh``, in the folder ``.mltk_ssh`` of the working folder.

A command runs detached: it goes on when the connection ends. Its state is in files: ``command`` (its words), ``pid``,
``log.txt`` (its output) and ``exit_code``, which exists when the command has ended.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

STATE = ".mltk_ssh"

# $1: position of the first byte to print, counted from 1. Prints the log until the command has ended.
FOLLOW = f"""
n=$1
while :; do
  ended=no
  if [ -f {STATE}/exit_code ] || ! kill -0 "$(cat {STATE}/pid)" 2>/dev/null; then ended=yes; fi
  size=$(wc -c < {STATE}/log.txt)
  if [ "$size" -ge "$n" ]; then
    tail -c +"$n" {STATE}/log.txt | head -c $((size - n + 1))
    n=$((size + 1))
  fi
  if [ $ended = yes ]; then exit 0; fi
  sleep 1
done
"""

# Starts run.sh in a session of its own, so that it outlives the connection and can be stopped with its children. SIGINT
# stops it. A shell lets its background commands ignore SIGINT: Python restores the default.
_DETACH = "import os, signal; signal.signal(signal.SIGINT, signal.SIG_DFL); os.setsid(); "
_DETACH += f'os.execvp("sh", ["sh", "{STATE}/run.sh"])'
START = f"""
: > {STATE}/log.txt
rm -f {STATE}/exit_code
nohup python3 -c '{_DETACH}' > {STATE}/log.txt 2>&1 < /dev/null &
echo $! > {STATE}/pid
"""

STOP = f"""
pid=$(cat {STATE}/pid 2>/dev/null) || exit 0
[ -f {STATE}/exit_code ] && exit 0
kill -INT -"$pid" 2>/dev/null || kill -INT "$pid" 2>/dev/null || exit 0
n=0
while [ $n -lt 30 ]; do
  if [ -f {STATE}/exit_code ] || ! kill -0 "$pid" 2>/dev/null; then exit 0; fi
  sleep 1
  n=$((n + 1))
done
kill -KILL -"$pid" 2>/dev/null
exit 0
"""

# Prints "none", "running WORDS" or "ended WORDS".
QUERY = f"""
if [ ! -f {STATE}/command ]; then echo none; exit 0; fi
if [ ! -f {STATE}/exit_code ] && kill -0 "$(cat {STATE}/pid 2>/dev/null)" 2>/dev/null; then
  echo "running $(cat {STATE}/command)"
else
  echo "ended $(cat {STATE}/command)"
fi
"""


def run_script(
    command: Sequence[str], environment: Mapping[str, str], startup: Sequence[str], requirement: str | None
) -> str:
    """Return ``run.sh``, which runs a command and writes its exit code.

    Args:
        command: Words of the command.
        environment: Environment variables of the command.
        startup: Shell commands to run before.
        requirement: What pip installs in a virtual environment in the working folder; None is no such environment.
    """
    lines = ["(", "set -e", *exports(environment)]
    if requirement is not None:
        lines += [
            "if [ ! -x .venv/bin/mltk ]; then",
            "  python3 -m venv .venv",
            f"  .venv/bin/python -m pip install --quiet {shlex.quote(requirement)}",
            "fi",
            ". .venv/bin/activate",
        ]
    lines += [*startup, shlex.join(command), ")"]
    code = f"{STATE}/exit_code"
    return "\n".join([*lines, f"echo $? > {code}.part", f"mv {code}.part {code}", ""])


def shutdown_script(commands: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return ``shutdown.sh``, which runs the last commands with the same environment variables."""
    return "\n".join(["set -e", *exports(environment), *commands, ""])


def exports(environment: Mapping[str, str]) -> list[str]:
    """Return the lines that set environment variables."""
    return [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]
