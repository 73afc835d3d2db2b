"""The command ``mltk tensorboard``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("tensorboard")
@click.argument("model")
@click.option("--host", "-h", default="localhost", show_default=True, help="Address to listen at.")
@click.option("--port", "-p", type=int, default=6002, show_default=True, help="Port to listen at.")
@click.option("--launch/--no-launch", default=True, help="Open the browser.  [default: launch]")
@verbose_option
def command(model: str, host: str, port: int, launch: bool, verbose: bool) -> None:
    """Show the logs of a training run with TensorBoard. Runs the code of the specification.

    Set 'my_model.tensorboard' in the specification before training, for instance to dict(histogram_freq=1).
    """
    start(verbose)
    from mltk.operations.tensorboard import run_tensorboard

    run_tensorboard(model, host=host, port=port, launch=launch)
