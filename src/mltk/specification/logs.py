"""Loggers. All messages of this package go through ``logging.getLogger("mltk")``."""

from __future__ import annotations

import logging
import sys
from typing import TextIO

_ROOT = "mltk"


def get_mltk_logger() -> logging.Logger:
    """Return the logger of this package. It prints messages to the terminal until an application sets handlers."""
    logger = logging.getLogger(_ROOT)
    if not logger.handlers and not logging.getLogger().handlers:
        handler = _CurrentStderr()
        handler.setFormatter(_LevelFormatter())
        handler.setLevel(logging.INFO)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


def set_mltk_logger(logger: logging.Logger) -> None:
    """Send the messages of this package to a logger, in place of the terminal."""
    own = logging.getLogger(_ROOT)
    handlers: list[logging.Handler] = []
    current: logging.Logger | None = logger
    while current is not None:  # a message to the logger reaches these handlers too, level by level
        handlers += current.handlers
        current = current.parent if current.propagate else None
    own.handlers = handlers
    own.setLevel(logger.level or logging.INFO)
    own.propagate = not handlers


def set_verbosity(verbose: bool) -> None:
    """Set whether debug messages are shown on the terminal."""
    for handler in get_mltk_logger().handlers:
        if isinstance(handler, _CurrentStderr):
            handler.setLevel(logging.DEBUG if verbose else logging.INFO)
    logging.getLogger(_ROOT).setLevel(logging.DEBUG)


def file_logger(name: str, path: str, parent: logging.Logger | None = None) -> logging.Logger:
    """Return a logger that also writes every message, with its time, to a file.

    Args:
        name: Name of the logger below its parent.
        path: Path of the file; an existing file is replaced.
        parent: Parent of the logger; None is the logger of this package.
    """
    logger = (parent or get_mltk_logger()).getChild(name)
    logger.setLevel(logging.DEBUG)
    for old in list(logger.handlers):
        if isinstance(old, logging.FileHandler):
            logger.removeHandler(old)
            old.close()
    handler = logging.FileHandler(path, mode="w", encoding="utf-8", errors="backslashreplace", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    return logger


class _CurrentStderr(logging.StreamHandler[TextIO]):
    """Writes to the current ``sys.stderr``, so that redirection and notebooks work."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]  # the base class has a writable attribute
        return sys.stderr


class _LevelFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        message = super().format(record)
        return message if record.levelno <= logging.INFO else f"{record.levelname.lower()}: {message}"
