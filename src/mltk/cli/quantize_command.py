"""The command ``mltk quantize``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("quantize")
@click.argument("model")
@click.option("--build", "-b", is_flag=True, help="Quantize an untrained model, to see its size.")
@click.option("--weights", "-w", help="Use these weights: a path, a file name in the weights folder, or 'best'.")
@click.option("--output", "-o", help="Write the .tflite to this file or folder.")
@click.option(
    "--update-archive/--no-update-archive",
    default=None,
    help="Store the .tflite in the archive.  [default: if trained and no --output]",
)
@verbose_option
def command(
    model: str, build: bool, weights: str | None, output: str | None, update_archive: bool | None, verbose: bool
) -> None:
    """Quantize a model into a .tflite. Runs the code of its specification.

    MODEL is the name of a trained model, or the path of its specification or archive.

    \b
    mltk quantize yes_no
    mltk quantize yes_no --build --output .
    """
    start(verbose)
    from mltk.operations.quantize import quantize_model

    tflite_model = quantize_model(model, build=build, weights=weights, output=output, update_archive=update_archive)
    click.echo(tflite_model.summary())
    click.echo(f"\n{tflite_model.path}")
