"""The operating system, and signals."""

from __future__ import annotations

import os
import signal
import stat
import sys

from mltk.utils.path import get_username

__all__ = [
    "get_current_os",
    "get_username",
    "has_admin",
    "is_linux",
    "is_osx",
    "is_windows",
    "make_path_executable",
    "raise_signal",
    "send_signal",
]


def get_current_os() -> str:
    """Return ``"windows"``, ``"osx"`` or ``"linux"``.

    Raises:
        RuntimeError: This is another operating system.
    """
    names = {"win32": "windows", "cygwin": "windows", "darwin": "osx", "linux": "linux"}
    if sys.platform not in names:
        raise RuntimeError(f"The operating system {sys.platform!r} is not known.")
    return names[sys.platform]


def is_windows() -> bool:
    """Return whether this is Windows."""
    return sys.platform in ("win32", "cygwin")


def is_linux() -> bool:
    """Return whether this is Linux."""
    return sys.platform == "linux"


def is_osx() -> bool:
    """Return whether this is macOS."""
    return sys.platform == "darwin"


def has_admin() -> bool:
    """Return whether this process has the rights of an administrator."""
    if sys.platform == "win32":
        import ctypes

        return bool(ctypes.windll.shell32.IsUserAnAdmin())
    return os.geteuid() == 0


def make_path_executable(path: str) -> None:
    """Allow everybody who may read a file to run it."""
    mode = os.stat(path).st_mode
    os.chmod(path, mode | ((mode & (stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)) >> 2))


def raise_signal(sig: signal.Signals = signal.SIGINT) -> None:
    """Send a signal to this process."""
    signal.raise_signal(sig)


def send_signal(sig: signal.Signals = signal.SIGINT, pid: int | None = None) -> None:
    """Send a signal to a process.

    Args:
        sig: The signal.
        pid: Number of the process; None is this process.
    """
    os.kill(os.getpid() if pid is None else pid, sig)
