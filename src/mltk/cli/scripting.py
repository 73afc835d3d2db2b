"""Only for scripts written for MLTK 0.20: what they import from ``mltk.cli`` for their own commands."""

from __future__ import annotations

import difflib
import logging
import os
import sys
from typing import Any, NoReturn

import click
import typer
from typer.core import TyperCommand

from mltk.errors import MltkError, SettingError, did_you_mean

ACCELERATORS = ("mvp", "cmsis")
"""Values of ``--accelerator``, in MLTK 0.20 and here."""


class AdditionalArgumentParsingCommand(TyperCommand):
    """A command that stores the words after ``--`` in ``ctx.meta["additional_arguments"]``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if "--" in args:
            at = args.index("--")
            args, ctx.meta["additional_arguments"] = args[:at], args[at + 1 :]
        return super().parse_args(ctx, args)


class VariableArgumentOptionParser:
    """Lets an option have several values: reads ``--values 1 2 3`` as ``--values 1 --values 2 --values 3``.

    Args:
        ctx: The context of the command. Its parameters with ``multiple=True`` are these options.
    """

    def __init__(self, ctx: Any = None) -> None:
        parameters = ctx.command.params if ctx is not None else []
        self.options = {o for p in parameters if getattr(p, "multiple", False) for o in p.opts}

    def parse_args(self, args: list[str]) -> list[str]:
        """Return the words with the option's name before each of its values."""
        found: list[str] = []
        current = None
        has_value = False
        for word in args:
            if word.startswith("-") and not _is_number(word):
                current, has_value = (word, False) if word in self.options else (None, False)
            elif current is not None:
                if has_value:
                    found.append(current)
                has_value = True
            found.append(word)
        return found


class VariableArgumentParsingCommand(TyperCommand):
    """A command whose options have several values, as in ``--values 1 2 3``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, VariableArgumentOptionParser(ctx).parse_args(args))


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def create_cli() -> typer.Typer:
    """Return a ``typer.Typer`` for a script's own commands."""
    return typer.Typer(add_completion=False, no_args_is_help=True)


def abort(code: int = -1, msg: str | None = None) -> NoReturn:
    """Print the message, if there is one, and end the command with an exit code."""
    if msg:
        print_error(msg)
    sys.exit(code)


def print_info(msg: str) -> None:
    """Print a message."""
    print(msg)


def print_warning(msg: str) -> None:
    """Print a warning on stderr, in yellow on a terminal."""
    _print_colored(msg, "33")


def print_error(msg: str) -> None:
    """Print an error on stderr, in red on a terminal."""
    _print_colored(msg, "31")


def _print_colored(msg: str, color: str) -> None:
    if sys.stderr.isatty() and "NO_COLOR" not in os.environ:
        msg = f"\033[{color}m{msg}\033[0m"
    print(msg, file=sys.stderr)


def print_did_you_mean_error(
    msg: str,
    not_found_arg: str,
    possible_args: list[str],
    n: int = 15,
    cutoff: float = 0.2,
    and_exit: bool = False,
    prologue: str | None = None,
) -> None:
    """Print that an argument is unknown, and the arguments with the nearest names.

    Args:
        msg: What the argument is.
        not_found_arg: The argument.
        possible_args: The known arguments.
        n: Largest number of names to print.
        cutoff: How near a name must be, 0 to 1.
        and_exit: End the command afterwards.
        prologue: Text to print afterwards.
    """
    lines = [f"{msg}: {not_found_arg}"]
    near = difflib.get_close_matches(not_found_arg, possible_args, n=n, cutoff=cutoff)
    if near:
        lines += ["", "Did you mean?", *near]
    if prologue:
        lines += ["", prologue]
    print_error("\n".join(lines))
    if and_exit:
        abort()


def handle_exception(msg: str, e: Exception, print_stderr: bool = False, no_abort: bool = False) -> None:
    """Print an exception in one block, and end the command with exit code -1. The traceback goes to the log.

    Args:
        msg: What failed.
        e: The exception.
        print_stderr: Also print the traceback.
        no_abort: Do not end the command.
    """
    logging.getLogger("mltk").debug("%s", msg, exc_info=e)
    if print_stderr:
        import traceback

        traceback.print_exception(e)
    text = str(e) if isinstance(e, MltkError) else f"{type(e).__name__}: {e}"
    print_error(f"{msg}: {text}")
    if not no_abort:
        abort()


def is_command_active() -> bool:
    """Whether this process is the ``mltk`` command."""
    return click.get_current_context(silent=True) is not None or os.path.basename(sys.argv[0]) in ("mltk", "mltk.exe")


def get_logger(verbose: bool = False, and_set_mltk_logger: bool = True) -> logging.Logger:
    """Return the package's logger, which writes to the terminal.

    Args:
        verbose: Also write debug messages.
        and_set_mltk_logger: For compatibility with MLTK 0.20; ignored.
    """
    from mltk.cli.common import start

    return start(verbose)


def parse_accelerator_option(accelerator: str | None) -> str | None:
    """Return the name of an accelerator in lower case.

    Args:
        accelerator: The name in any case, or None.

    Raises:
        SettingError: There is no such accelerator.
    """
    if accelerator is None:
        return None
    name = accelerator.lower()
    if name not in ACCELERATORS:
        raise SettingError(
            f"There is no accelerator {accelerator!r}.",
            hint=did_you_mean(name, ACCELERATORS) or f"Accelerators: {', '.join(ACCELERATORS)}.",
        )
    return name
