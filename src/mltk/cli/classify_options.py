"""Options that ``mltk classify_audio`` and ``mltk classify_image`` share; names and letters are those of MLTK 0.20."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_DETECTOR = (
    click.option("--window_duration", "-w", type=int, help="Average the scores over this time in ms."),
    click.option("--count", "-c", type=int, help="Fewest results in the window."),
    click.option("--threshold", "-t", type=int, help="Score that the average must exceed, 0 to 255."),
    click.option("--suppression", "-s", type=int, help="Pause after a detection in ms."),
    click.option("--latency", "-l", type=int, help="Time from one inference to the next in ms."),
)
_PAGE = (
    click.option(
        "--http-port", type=int, help="Port of the page; by default 8080, or any free port if 8080 is in use."
    ),
    click.option("--browser/--no-browser", default=True, help="Open the browser.  [default: browser]"),
    click.option("--test", is_flag=True, help="Use the files of the dry run."),
)
_BOARD = (
    click.option("--device", "-d", is_flag=True, hidden=True),
    click.option("--port", hidden=True),
    click.option("--app", hidden=True),
    click.option("--accelerator", "-a", hidden=True),
    click.option("--sensitivity", "-i", type=float, hidden=True),
)
_INSTEAD = {
    "device": "openmltk has no firmware. 'mltk compile' writes C code that listens, for your own project.",
    "port": "It names the serial port of a Silicon Labs board. For the port of the page, use --http-port.",
    "app": "openmltk has no firmware. 'mltk compile' writes C code for your own project.",
}
_IGNORED = {
    "accelerator": "An accelerator computes the same numbers.",
    "sensitivity": "It is the brightness of a board's LED.",
}


def detector_options(function: F) -> F:
    """Add the options of the detector, of the page, and of boards."""
    for option in reversed((*_DETECTOR, *_PAGE, *_BOARD)):
        function = option(function)
    return function


def refuse_board(options: dict[str, Any]) -> None:
    """Say what to use instead of options that need a board of Silicon Labs.

    Args:
        options: Option → value; what this function handles is removed.

    Raises:
        UsageError: An option needs a board.
    """
    for name, instead in _INSTEAD.items():
        if options.pop(name):
            raise click.UsageError(f"--{name} is an option of MLTK 0.20. {instead}")
    for name, why in _IGNORED.items():
        if options.pop(name) is not None:
            click.echo(f"--{name} is ignored. {why}", err=True)


def detector_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Take the settings of the detector out of the options.

    Args:
        options: Option → value; the detector's options are removed.
    """
    names = {
        "window_duration": "average_window_duration_ms",
        "count": "minimum_count",
        "threshold": "detection_threshold",
        "suppression": "suppression_ms",
        "latency": "latency_ms",
    }
    given = {setting: options.pop(option) for option, setting in names.items()}
    return {setting: value for setting, value in given.items() if value is not None}
