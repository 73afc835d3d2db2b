"""The command ``mltk update_params``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("update_params")
@click.argument("model")
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@click.option("--params", "-p", help="File with a name=value line for each parameter, or a JSON file.")
@click.option("--description", "-d", help="New description of the model.")
@click.option("--output", "-o", help="Write the .tflite to this file or folder; by default where it came from.")
@click.option("--accelerator", "-a", hidden=True, help="For compatibility with MLTK 0.20; ignored.")
@click.option("--device", is_flag=True, hidden=True, help="For compatibility with MLTK 0.20; ignored.")
@verbose_option
def command(
    model: str,
    values: tuple[str, ...],
    params: str | None,
    description: str | None,
    output: str | None,
    accelerator: str | None,
    device: bool,
    verbose: bool,
) -> None:
    """Change the parameters in a .tflite or in an archive. Runs no code of the model.

    MODEL is a .tflite file, an archive, or the name of a trained model. The VALUE decides the type: true and false
    are booleans, digits are a number, commas make a list. A VALUE 'in quotes' is text. An empty VALUE removes the
    parameter.

    \b
    mltk update_params model.tflite threshold=190 gain=2.5
    mltk update_params yes_no labels=yes,no old=
    """
    start(verbose)
    from mltk.operations.update_params import parse_params, read_params_file, update_model_parameters

    found = read_params_file(params) if params else {}
    found |= parse_params(list(values))
    if not found and description is None:
        raise click.UsageError("There is nothing to change: NAME=VALUE, --params or --description is missing.")
    path = update_model_parameters(model, found, description=description, output=output)
    click.echo(f"Updated {path}")
