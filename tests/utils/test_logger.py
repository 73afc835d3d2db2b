"""Loggers for scripts: levels on the terminal, a logger as a file, streams that go to a logger."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mltk.utils import logger as u
from mltk.utils import python


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger without handlers that passes no message on."""
    found = logging.getLogger("logger_of_test_logger")
    found.propagate = False
    found.setLevel("DEBUG")
    yield found
    found.handlers.clear()


def test_level_names() -> None:
    assert [u.get_level(v) for v in ("info", "DEBUG", 10, logging.ERROR)] == ["INFO", "DEBUG", "DEBUG", "ERROR"]


def test_a_logger_writes_to_the_terminal_once(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    u.add_console_logger(logger, "WARNING")
    u.add_console_logger(logger, "DEBUG")
    logger.info("hidden")
    logger.warning("shown")
    assert capsys.readouterr().out == "shown\n"


def test_the_level_on_the_terminal(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    assert u.set_console_level(logger, "DEBUG") is None
    u.add_console_logger(logger)
    assert u.set_console_level(logger, "ERROR") == logging.INFO
    with u.ConsoleLoggerLevelContext(logger, "DEBUG"):
        logger.debug("inside")
    logger.info("outside")
    assert capsys.readouterr().out == "inside\n"
    assert u.set_console_level(logger, "info") == logging.ERROR


def test_the_level_returns_after_an_error(logger: logging.Logger) -> None:
    u.add_console_logger(logger)
    with pytest.raises(KeyError), u.ConsoleLoggerLevelContext(logger, "DEBUG"):
        raise KeyError
    assert u.set_console_level(logger, "DEBUG") == logging.INFO


def test_a_logger_without_a_terminal_has_no_level_to_change(logger: logging.Logger) -> None:
    before = list(logger.handlers)
    with u.ConsoleLoggerLevelContext(logger, "DEBUG"):
        assert logger.handlers == before


def test_a_logger_as_a_file(logger: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    u.add_console_logger(logger)
    file: Any = logger
    assert u.make_filelike(file, level="WARNING") is file
    print("50 %s", file=file)
    file.write("one ")
    file.write("line\nrest")
    assert capsys.readouterr().out == "50 %s\none line\n"
    file.flush()
    assert capsys.readouterr().out == "rest\n"
    assert not file.isatty()


def test_a_dummy_logger_ignores_everything() -> None:
    dummy = u.DummyLogger()
    dummy.info("message %s", 1)
    assert u.make_filelike(dummy) is dummy
    assert dummy.handlers == []
    assert (python.DummyLogger, python.make_filelike) == (u.DummyLogger, u.make_filelike)


REDIRECT = """
import logging, os, sys
from mltk.utils.logger import get_logger, redirect_stream
{logger}
restore = redirect_stream(logger, {stream})
print("from Python", file=sys.stderr)
sys.stderr.flush()
os.write(2, b"from C\\n")
restore()
restore()
os.write(2, b"after\\n")
"""


def redirected(logger: str, stream: str) -> tuple[list[str], list[str]]:
    """Run a script that redirects stderr. Returns the lines on stdout and on stderr."""
    code = REDIRECT.format(logger=logger, stream=stream)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    return done.stdout.splitlines(), done.stderr.splitlines()


@pytest.mark.parametrize("stream", ["'stderr'", "sys.stderr"])
def test_what_is_written_to_stderr_goes_to_the_logger(stream: str) -> None:
    out, err = redirected("logger = get_logger('own', console=True)", stream)
    assert out == ["from Python", "from C"]
    assert err == ["after"]


def test_a_logger_that_writes_to_the_redirected_stream_does_not_read_its_own_messages() -> None:
    logger = "import mltk; logger = mltk.get_mltk_logger()\n"
    logger += "logger.handlers[0].setFormatter(logging.Formatter('<%(message)s>'))"
    out, err = redirected(logger, "'stderr'")
    assert out == []
    assert err == ["<from Python>", "<from C>", "after"]


def test_an_unknown_stream_is_refused(logger: logging.Logger) -> None:
    with pytest.raises(ValueError, match="'stdin' is not a stream"):
        u.redirect_stream(logger, "stdin")


def test_the_time_of_a_call_is_logged(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    logger.propagate = True

    class Worker:
        def __init__(self) -> None:
            self.logger = logger

        @u.timing_decorator
        def work(self, value: int) -> int:
            return value + 1

    with caplog.at_level(logging.INFO):
        assert Worker().work(1) == 2
    assert {r.name for r in caplog.records} == {logger.name}
    assert caplog.messages[0].startswith("work took 0.0")
