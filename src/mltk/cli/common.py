"""What commands share: the option ``--verbose``, logging, and the progress through hours of audio."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator

import click

verbose_option = click.option("--verbose", "-v", is_flag=True, help="Show debug messages, and tracebacks of errors.")


def start(verbose: bool) -> logging.Logger:
    """Set up logging for a command, and return the package's logger.

    Args:
        verbose: Show debug messages.
    """
    from mltk.specification.logs import get_mltk_logger, set_verbosity

    logger = get_mltk_logger()
    set_verbosity(verbose)
    return logger


@contextlib.contextmanager
def audio_progress() -> Iterator[Callable[[float, float], None] | None]:
    """Show in a terminal how much audio was computed.

    Yields:
        A function of the seconds of audio that were computed, and the seconds of all audio; None if the output is not a
        terminal.
    """
    if not sys.stderr.isatty():
        yield None
        return

    def show(done_s: float, total_s: float) -> None:
        click.echo(f"\r{done_s / 3600:.2f} of {total_s / 3600:.2f} hours of audio", nl=False, err=True)

    try:
        yield show
    finally:
        click.echo("\r" + " " * 40 + "\r", nl=False, err=True)
