"""The command ``mltk evaluate``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("evaluate")
@click.argument("model")
@click.option("--tflite", is_flag=True, help="Evaluate the .tflite, as the device computes it.")
@click.option(
    "--engine",
    type=click.Choice(["auto", "c"]),
    default="auto",
    help="Compute the .tflite with its C code, compiled for this machine: the same numbers. Implies --tflite.",
)
@click.option("--weights", "-w", help="Weights of the Keras model: a path, a file in the weights folder, or 'best'.")
@click.option(
    "--dataset",
    metavar="FOLDER",
    help="Evaluate on all samples of this folder of class folders; the results do not replace the others.",
)
@click.option(
    "--stream",
    metavar="[PATH]",
    is_flag=False,
    flag_value="",
    help="Evaluate a keyword spotter as the device hears it, on a recording or a folder of recordings with label "
    "files. Without a PATH, clips of the evaluation data are joined with noise. Write it after MODEL.",
)
@click.option("--hours", type=float, default=1.0, show_default=True, help="Length of the joined --stream.")
@click.option(
    "--tolerance",
    type=float,
    metavar="SECONDS",
    help="Time after its end in which --stream expects a keyword; by default the length of the model's clip.",
)
@click.option("--clips/--no-clips", default=True, help="Write the seconds that --stream heard wrongly as clips.")
@click.option("--keep", metavar="FOLDER", help="Keep the joined --stream with its labels in this folder.")
@click.option("--output", "-o", metavar="FOLDER", help="Folder for the results and clips of --stream.")
@click.option("--classes", help="Classes of an autoencoder, separated by commas, the normal class first.")
@click.option("--count", "-c", type=int, default=-1, help="Largest number of samples of each class; -1 is all.")
@click.option("--dump/--no-dump", default=False, help="Write the reconstructed samples of an autoencoder.")
@click.option("--show/--no-show", default=False, help="Open windows with the plots.")
@click.option("--update-archive/--no-update-archive", default=True, help="Store the results in the archive.")
@click.option("--test/--no-test", default=False, help="Dry run: use a few samples.")
@click.option("--post", is_flag=True, help="Run the specification's post-processing.")
@verbose_option
def command(
    model: str,
    tflite: bool,
    engine: str,
    weights: str | None,
    dataset: str | None,
    stream: str | None,
    hours: float,
    tolerance: float | None,
    clips: bool,
    keep: str | None,
    output: str | None,
    classes: str | None,
    count: int,
    dump: bool,
    show: bool,
    update_archive: bool,
    test: bool,
    post: bool,
    verbose: bool,
) -> None:
    """Evaluate a trained model. Runs the code of its specification.

    MODEL is the name of a trained model, or the path of its specification or archive.

    \b
    mltk evaluate yes_no
    mltk evaluate yes_no --tflite --count 100
    mltk evaluate yes_no --tflite --dataset recordings
    mltk evaluate yes_no --stream long_recordings
    """
    start(verbose)
    if stream is not None:
        others = {"--weights": weights, "--dataset": dataset, "--classes": classes, "--dump": dump, "--post": post}
        used = [name for name, value in {**others, "--count": count if count > 0 else None}.items() if value]
        if used:
            raise click.UsageError(f"{used[0]} can't be used with --stream.")
        _evaluate_stream(model, stream, hours, tolerance, output, clips, keep, engine, show, update_archive, test)
        return
    only = {"--tolerance": tolerance is not None, "--keep": keep, "--output": output}
    if unused := [name for name, value in only.items() if value]:
        raise click.UsageError(f"{unused[0]} is for --stream, which is missing.")
    from mltk.operations.evaluate import evaluate_model

    results = evaluate_model(
        model,
        tflite=tflite,
        weights=weights,
        max_samples_per_class=count,
        classes=[c.strip() for c in classes.split(",")] if classes else None,
        dump=dump,
        show=show,
        update_archive=update_archive,
        test=test,
        post_process=post,
        dataset=dataset,
        engine=engine,
    )
    click.echo(results.to_text())


def _evaluate_stream(
    model: str,
    stream: str,
    hours: float,
    tolerance: float | None,
    output: str | None,
    clips: bool,
    keep: str | None,
    engine: str,
    show: bool,
    update_archive: bool,
    test: bool,
) -> None:
    from mltk.cli.common import audio_progress
    from mltk.operations.evaluate_stream import evaluate_stream

    with audio_progress() as progress:
        results = evaluate_stream(
            model,
            stream or None,
            hours=hours,
            tolerance_s=tolerance,
            output=output,
            clips=clips,
            keep=keep,
            engine=engine,
            show=show,
            update_archive=update_archive,
            test=test,
            progress=progress,
        )
    click.echo(results.to_text())
    click.echo(f"Results: {results['folder']}")
