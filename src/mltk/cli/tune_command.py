"""The command ``mltk tune``."""

from __future__ import annotations

import click

from mltk.cli.common import audio_progress, start, verbose_option


@click.command("tune")
@click.argument("model")
@click.option(
    "--stream",
    metavar="PATH",
    help="A recording, or a folder of recordings with label files. By default, clips of the evaluation data are joined "
    "with noise.",
)
@click.option(
    "--max-false-accepts", type=float, default=1.0, show_default=True, help="Most false accepts in an hour of audio."
)
@click.option(
    "--hours",
    type=float,
    help="Length of the joined recording; by default 4 / MAX_FALSE_ACCEPTS, but 1 to 24 hours.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the joined recording.")
@click.option(
    "--tolerance",
    type=float,
    metavar="SECONDS",
    help="Time after its end in which a keyword is expected; by default the length of the model's clip.",
)
@click.option("--keep", metavar="FOLDER", help="Keep the joined recording with its labels in this folder.")
@click.option("--dry-run", is_flag=True, help="Show the settings, and write nothing.")
@click.option("--output", "-o", help="Write the .tflite to this file or folder; by default where it came from.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "c"]),
    default="auto",
    help="c needs the model's C code; auto uses it if there is a compiler. Both compute the same numbers.",
)
@click.option("--test/--no-test", default=False, help="Use the model of the dry run.")
@verbose_option
def command(
    model: str,
    stream: str | None,
    max_false_accepts: float,
    hours: float | None,
    seed: int,
    tolerance: float | None,
    keep: str | None,
    dry_run: bool,
    output: str | None,
    engine: str,
    test: bool,
    verbose: bool,
) -> None:
    """Choose when a keyword spotter detects, for a wanted rate of false accepts.

    Chooses threshold, averaging window, suppression and minimum count, and writes them into the .tflite or the
    archive. The network is not changed. Runs code of the model only without --stream.

    MODEL is a .tflite file, an archive, or the name of a trained model.

    \b
    mltk tune yes_no --stream recordings
    mltk tune yes_no --max-false-accepts 0.5 --hours 4 --dry-run
    """
    start(verbose)
    from mltk.operations.tune import tune_model

    with audio_progress() as progress:
        results = tune_model(
            model,
            stream,
            max_false_accepts=max_false_accepts,
            hours=hours,
            seed=seed,
            tolerance_s=tolerance,
            output=output,
            dry_run=dry_run,
            keep=keep,
            engine=engine,
            test=test,
            progress=progress,
        )
    click.echo(results.to_text())
    click.echo(f"Updated {results.path}" if results.path else "Nothing was written.")
