"""The command ``mltk summarize``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("summarize")
@click.argument("model")
@click.option("--tflite", is_flag=True, help="Summarize the .tflite instead of the Keras model.")
@click.option("--build", "-b", is_flag=True, help="Build the model without training it. Runs the specification.")
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False),
    help="Also write the summary to this file: data as .json, otherwise text.",
)
@verbose_option
def command(model: str, tflite: bool, build: bool, output: str | None, verbose: bool) -> None:
    """Show the layers, size and parameters of a model.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. Runs no
    code of the model without --build.

    \b
    mltk summarize model.tflite
    mltk summarize yes_no --tflite
    mltk summarize yes_no --build
    """
    start(verbose)
    from mltk.operations.summarize import summarize_model

    summary = summarize_model(model, tflite=tflite, build=build)
    click.echo(summary)
    if output:
        from mltk.files import write_file

        write_file(output, f"{summary.to_json() if output.lower().endswith('.json') else summary}\n")
