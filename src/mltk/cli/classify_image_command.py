"""The command ``mltk classify_image``."""

from __future__ import annotations

from typing import Any

import click

from mltk.cli.classify_options import detector_options, detector_settings, refuse_board
from mltk.cli.common import start, verbose_option


@click.command("classify_image")
@click.argument("model")
@click.option("--file", "-f", "files", multiple=True, help="Classify this picture in the terminal; may be repeated.")
@click.option("--dump-images", "-x", is_flag=True, hidden=True)
@click.option("--dump-threshold", type=float, hidden=True)
@click.option("--no-inference", is_flag=True, hidden=True)
@detector_options
@verbose_option
def command(
    model: str,
    files: tuple[str, ...],
    dump_images: bool,
    dump_threshold: float | None,
    no_inference: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Classify the pictures of a camera with a model, and show what the device would detect.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. Opens a page
    in the browser: camera, the model's input, scores and detections. With --file it classifies
    pictures in the terminal.

    \b
    mltk classify_image rock_paper_scissors
    mltk classify_image rock_paper_scissors --file photo.jpg
    """
    start(verbose)
    from mltk.operations.classify_image import ClassifiedPictures, classify_image

    if dump_images or dump_threshold is not None or no_inference:
        raise click.UsageError(
            "--dump-images, --dump-threshold and --no-inference are options of MLTK 0.20. The page saves pictures by a "
            "button."
        )
    refuse_board(options)
    found = classify_image(
        model,
        files=files,
        settings=detector_settings(options),
        test=options["test"],
        port=options["http_port"],
        browser=options["browser"],
    )
    if isinstance(found, ClassifiedPictures):
        click.echo(found.to_text())
