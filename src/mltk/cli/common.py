"""Options that commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

verbose_option = click.option("--verbose", "-v", is_flag=True, help="Show debug messages, and tracebacks of errors.")


def model_argument(what: str) -> Callable:
    """The argument ``MODEL``; ``what`` it may be goes into the help of the command."""
    del what  # said in the command's docstring, which is where click shows it
    return click.argument("model")


def start(verbose: bool) -> Any:
    """Set up logging for a command; gives the package's logger."""
    from mltk.specification.logs import get_mltk_logger, set_verbosity

    logger = get_mltk_logger()
    set_verbosity(verbose)
    return logger
