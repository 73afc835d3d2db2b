"""Loggers for specification scripts."""

from __future__ import annotations

import logging
import os
import sys

_PLAIN = logging.Formatter("%(message)s")
_TIMED = logging.Formatter("%(asctime)s %(levelname)s %(message)s")


def get_logger(
    name: str = "mltk",
    level: int | str = "INFO",
    console: bool = False,
    log_file: str | None = None,
    log_file_mode: str = "w",
    parent: logging.Logger | None = None,
    base_level: int | str = "DEBUG",
    file_level: int | str = "DEBUG",
) -> logging.Logger:
    """Return a logger that writes to the terminal, to a file, to both, or to neither.

    Args:
        name: Name of the logger.
        level: Lowest level of messages on the terminal.
        console: Whether to write to the terminal.
        log_file: Path of a file; its folder is made if necessary.
        log_file_mode: ``"w"`` replaces the file, ``"a"`` appends to it.
        parent: Logger to which messages are passed.
        base_level: Lowest level of messages of the logger.
        file_level: Lowest level of messages in the file.
    """
    logger = logging.getLogger(name)
    logger.setLevel(_level(base_level))
    if parent is not None and parent is not logger:
        logger.parent = parent
    if console and not any(type(h) is logging.StreamHandler for h in logger.handlers):
        logger.addHandler(_with(logging.StreamHandler(sys.stdout), level, _PLAIN))
        logger.propagate = parent is not None
    if log_file:
        from mltk.utils.path import fullpath

        path = fullpath(log_file)
        for old in [h for h in logger.handlers if isinstance(h, logging.FileHandler) and h.baseFilename == path]:
            logger.removeHandler(old)
            old.close()
        os.makedirs(os.path.dirname(path), exist_ok=True)
        logger.addHandler(_with(logging.FileHandler(path, log_file_mode, encoding="utf-8"), file_level, _TIMED))
    return logger


def _level(level: int | str) -> int | str:
    return level.upper() if isinstance(level, str) else level


def _with(handler: logging.Handler, level: int | str, formatter: logging.Formatter) -> logging.Handler:
    handler.setLevel(_level(level))
    handler.setFormatter(formatter)
    return handler
