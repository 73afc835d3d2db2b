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
    """
    start(verbose)
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
