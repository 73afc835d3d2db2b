"""The command ``mltk view``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("view")
@click.argument("model")
@click.option("--tflite", is_flag=True, help="Show the .tflite instead of the Keras model.")
@click.option("--build", "-b", is_flag=True, help="Build the model without training it. Runs the specification.")
@click.option("--host", "-h", help="Address to listen at; by default 127.0.0.1, which only this machine reaches.")
@click.option("--port", "-p", type=int, help="Port to listen at; by default 8080, or any free port if 8080 is in use.")
@click.option("--browser/--no-browser", default=True, help="Open the browser.  [default: browser]")
@verbose_option
def command(
    model: str, tflite: bool, build: bool, host: str | None, port: int | None, browser: bool, verbose: bool
) -> None:
    """Show the graph of a model in the browser, with Netron, without the internet.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. Runs no
    code of the model without --build.

    \b
    mltk view model.tflite
    mltk view yes_no --tflite
    """
    start(verbose)
    from mltk.operations.view import view_model

    view_model(model, host=host, port=port, build=build, tflite=tflite, timeout=None, browser=browser)
