"""Run the command ``mltk`` from a test."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

from mltk.utils.logger import get_logger as _get_logger
from mltk.utils.path import create_user_dir
from mltk.utils.python import run_shell_cmd

__all__ = ["get_logger", "run_mltk_command"]


def get_logger(name: str = "utest", console: bool = False) -> logging.Logger:
    """Return a logger that writes to a file in the folder ``pytest_results`` of the user folder.

    Args:
        name: Name of the logger and of the file.
        console: Whether to write to the terminal too.
    """
    path = os.path.join(create_user_dir("pytest_results"), f"{name}.log")
    return _get_logger(name, console=console, log_file=path)


def run_mltk_command(
    *args: Any,
    update_model_path: bool = False,
    logger: logging.Logger | None = None,
    env: Mapping[str, str] | None = None,
    exe_path: str | None = None,
) -> str:
    """Run the command ``mltk``.

    Args:
        args: Words of the command, such as ``"profile", "model.tflite"``.
        update_model_path: Whether to search models in the working folder only.
        logger: Logger of the command.
        env: More environment variables.
        exe_path: Path of another Python interpreter.

    Returns:
        What the command printed.

    Raises:
        RuntimeError: The command failed; the message has its output.
    """
    environment = {**os.environ, **(env or {})}
    if update_model_path:
        environment["MLTK_MODEL_PATHS"] = os.getcwd()
    words = [exe_path or sys.executable, "-m", "mltk.cli.main", *map(str, args)]
    code, output = run_shell_cmd(words, env=environment, logger=logger)
    if code != 0:
        raise RuntimeError(f"mltk {' '.join(map(str, args))} failed with exit code {code}:\n{output}")
    return output
