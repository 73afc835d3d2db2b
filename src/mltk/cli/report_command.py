"""The command ``mltk report``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("report")
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@click.option(
    "--output", "-o", metavar="FILE", help="Path of the HTML file; by default NAME.report.html beside the archive."
)
@click.option(
    "--target", "-t", "targets", multiple=True, help="Device to estimate the cost for; may be given several times."
)
@click.option(
    "--parity/--no-parity", default=True, help="Compare the engines, if that was not done.  [default: parity]"
)
@click.option("--update-archive/--no-update-archive", default=True, help="Store the report in the archive.")
@click.option("--browser/--no-browser", default=True, help="Open the report in the browser.  [default: browser]")
@verbose_option
def command(
    models: tuple[str, ...],
    output: str | None,
    targets: tuple[str, ...],
    parity: bool,
    update_archive: bool,
    browser: bool,
    verbose: bool,
) -> None:
    """Write a report of a model as one HTML file, or compare several models side by side.

    Each MODEL is the name of a trained model, its specification, an archive or a .tflite file. Runs no
    code of the model. The file needs nothing else: it opens from any folder, without the internet.

    \b
    mltk report yes_no
    mltk report yes_no --target cortex-m7 --target ethos-u55-128
    mltk report yes_no other_model --output comparison.html
    """
    start(verbose)
    from mltk.operations.report import report_model

    path = report_model(*models, output=output, targets=targets or None, parity=parity, update_archive=update_archive)
    click.echo(f"Report: {path}")
    if browser:
        import pathlib
        import webbrowser

        webbrowser.open(pathlib.Path(path).as_uri())
