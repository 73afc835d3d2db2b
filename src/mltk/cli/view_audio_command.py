"""The command ``mltk view_audio``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("view_audio")
@click.argument("model", required=False)
@click.option("--http-port", type=int, help="Port of the page; by default 8080, or any free port if 8080 is in use.")
@click.option("--browser/--no-browser", default=True, help="Open the browser.  [default: browser]")
@verbose_option
def command(model: str | None, http_port: int | None, browser: bool, verbose: bool) -> None:
    """Show the features of the audio frontend in the browser, and change its settings.

    MODEL is a .tflite file, an archive, or the name or specification of a model, whose settings the
    page begins with. Runs the code of a specification that has not been trained.

    \b
    mltk view_audio
    mltk view_audio yes_no
    """
    start(verbose)
    from mltk.operations.view_audio import view_audio

    view_audio(model, port=http_port, browser=browser)
