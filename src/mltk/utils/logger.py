"""Loggers for specification scripts."""

from __future__ import annotations

import atexit
import functools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TextIO

_PLAIN = logging.Formatter("%(message)s")
_TIMED = logging.Formatter("%(asctime)s %(levelname)s %(message)s")


class DummyLogger:
    """A logger that ignores all messages."""

    def __init__(self) -> None:
        self.handlers: list[logging.Handler] = []

    def debug(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""

    info = warning = error = exception = write = debug

    def flush(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


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
    if console and _console_handler(logger) is None:
        add_console_logger(logger, level)
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


def add_console_logger(logger: logging.Logger, level: int | str = "INFO") -> None:
    """Let a logger write to the terminal too, unless it does already.

    Args:
        logger: The logger.
        level: Lowest level of messages on the terminal.
    """
    if _console_handler(logger) is None:
        logger.addHandler(_with(logging.StreamHandler(sys.stdout), level, _PLAIN))


def set_console_level(logger: logging.Logger, level: int | str) -> int | None:
    """Set the lowest level of a logger's messages on the terminal.

    Args:
        logger: The logger.
        level: The new level, such as ``"DEBUG"``.

    Returns:
        The previous level. None if the logger does not write to the terminal; then nothing changes.
    """
    handler = _console_handler(logger)
    if handler is None:
        return None
    before = handler.level
    handler.setLevel(_level(level))
    return before


def get_level(level: int | str) -> str:
    """Return the name of a level in upper case: ``"INFO"`` of ``"info"`` or 20."""
    return level.upper() if isinstance(level, str) else str(logging.getLevelName(level))


class ConsoleLoggerLevelContext:
    """In a ``with`` block, the lowest level of a logger's messages on the terminal.

    Args:
        logger: The logger.
        level: The level in the block. The previous level returns afterwards.
    """

    def __init__(self, logger: logging.Logger, level: int | str) -> None:
        self.logger = logger
        self.level = level
        self._before: int | None = None

    def __enter__(self) -> None:
        self._before = set_console_level(self.logger, self.level)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._before is not None:
            set_console_level(self.logger, self._before)


def make_filelike(logger: Any, level: int | str = logging.INFO) -> Any:
    """Add the methods of a file to a logger, so that ``print(..., file=logger)`` works.

    Args:
        logger: The logger.
        level: Level of the messages. Each written line is a message.

    Returns:
        The logger.
    """
    if not isinstance(logger, logging.Logger):  # a DummyLogger ignores what is written
        return logger
    pending = ""
    number = logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level

    def write(text: str) -> int:
        nonlocal pending
        *lines, pending = (pending + text).split("\n")
        for line in lines:
            logger.log(number, "%s", line.rstrip())
        return len(text)

    def flush() -> None:
        nonlocal pending
        if pending:
            logger.log(number, "%s", pending)
            pending = ""

    methods = {"write": write, "flush": flush, "close": flush, "isatty": lambda: False}
    for name, method in methods.items():
        setattr(logger, name, method)
    return logger


def redirect_stream(
    logger: logging.Logger, stream: TextIO | str = "stderr", close_atexit: bool = True
) -> Callable[[], None]:
    """Send what is written to a stream to a logger, also what native libraries write.

    Each line is a message of the level info.

    Args:
        logger: The logger. If it writes to the same stream, its own messages still reach the terminal.
        stream: ``"stderr"``, ``"stdout"`` or a stream with a file descriptor.
        close_atexit: Whether the stream returns to its place when Python exits.

    Returns:
        A function that returns the stream to its place. Further calls do nothing.
    """
    if isinstance(stream, str):
        if stream not in ("stderr", "stdout"):
            raise ValueError(f"{stream!r} is not a stream. Streams are 'stderr' and 'stdout'.")
        stream = getattr(sys, stream)
    assert not isinstance(stream, str)
    stream.flush()
    descriptor = stream.fileno()
    saved = os.dup(descriptor)
    own = open(os.dup(saved), "w", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    replaced = []
    for owner, handler in _stream_handlers(logger):  # else their messages would come back to the logger
        if _writes_to(handler, descriptor):
            copy = _with(logging.StreamHandler(own), handler.level, handler.formatter or _PLAIN)
            owner.handlers[owner.handlers.index(handler)] = copy
            replaced.append((owner, handler, copy))
    read, write = os.pipe()
    os.dup2(write, descriptor)
    os.close(write)
    reader = threading.Thread(target=_log_lines, args=(read, logger), name="redirect_stream", daemon=True)
    reader.start()
    target = stream

    @functools.cache
    def restore() -> None:
        atexit.unregister(restore)
        target.flush()
        os.dup2(saved, descriptor)  # closes the last writing end of the pipe, so that the reader ends
        os.close(saved)
        reader.join(timeout=10)
        for owner, handler, copy in replaced:
            owner.handlers = [handler if h is copy else h for h in owner.handlers]
        own.close()

    if close_atexit:
        atexit.register(restore)
    return restore


def timing_decorator(f: Callable[..., Any], level: int | str = "INFO") -> Callable[..., Any]:
    """Decorator that logs the time of each call.

    Args:
        f: The function. The message goes to an argument that is a logger, else to the attribute ``logger`` of the first
            argument, else to the logger of this package.
        level: Level of the message.
    """
    number = logging.getLevelNamesMapping()[level.upper()] if isinstance(level, str) else level

    @functools.wraps(f)
    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return f(*args, **kwargs)
        finally:
            values = [*args, *kwargs.values(), getattr(args[0], "logger", None) if args else None]
            logger = next((v for v in values if isinstance(v, logging.Logger)), logging.getLogger("mltk"))
            logger.log(number, "%s took %.3f s", f.__name__, time.perf_counter() - start)

    return timed


def _level(level: int | str) -> int | str:
    return level.upper() if isinstance(level, str) else level


def _with(handler: logging.Handler, level: int | str, formatter: logging.Formatter) -> logging.Handler:
    handler.setLevel(_level(level))
    handler.setFormatter(formatter)
    return handler


def _stream_handlers(logger: logging.Logger) -> list[tuple[logging.Logger, logging.StreamHandler[Any]]]:
    """Return the handlers on a terminal that a message of the logger reaches, each with its logger."""
    found: list[tuple[logging.Logger, logging.StreamHandler[Any]]] = []
    current: logging.Logger | None = logger
    while current is not None:
        for handler in current.handlers:
            if isinstance(handler, logging.StreamHandler) and not isinstance(handler, logging.FileHandler):
                found.append((current, handler))
        current = current.parent if current.propagate else None
    return found


def _console_handler(logger: logging.Logger) -> logging.StreamHandler[Any] | None:
    own = [handler for owner, handler in _stream_handlers(logger) if owner is logger]
    terminal = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    return next((h for h in own if type(h) is logging.StreamHandler or h.stream in terminal), None)


def _writes_to(handler: logging.StreamHandler[Any], descriptor: int) -> bool:
    try:
        return bool(handler.stream.fileno() == descriptor)
    except (AttributeError, ValueError):  # not a file; io.UnsupportedOperation is a ValueError
        return False


def _log_lines(descriptor: int, logger: logging.Logger) -> None:
    with open(descriptor, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            logger.info("%s", line.rstrip("\n"))
