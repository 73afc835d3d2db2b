"""What all commands share: the option ``--verbose``, and logging."""

from __future__ import annotations

import logging

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
