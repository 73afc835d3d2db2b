"""The command ``mltk train``."""

from __future__ import annotations

import contextlib
import os

import click

from mltk.cli.common import start, verbose_option


@click.command("train")
@click.argument("model")
@click.option("--epochs", "-e", type=int, help="Number of epochs; by default the specification's.")
@click.option("--weights", "-w", help="Start from these weights: a path, a file name in the weights folder, or 'best'.")
@click.option("--resume/--no-resume", default=False, help="Resume from the newest checkpoint.")
@click.option("--resume-epoch", type=int, default=0, help="Resume from the checkpoint of this epoch.")
@click.option("--clean/--no-clean", default=False, help="Delete logs and checkpoints of earlier runs first.")
@click.option(
    "--add", multiple=True, metavar="FOLDER", help="Train with the samples of this folder of class folders too."
)
@click.option("--evaluate/--no-evaluate", default=True, help="Evaluate the model afterwards.  [default: evaluate]")
@click.option("--live/--no-live", default=False, help="Show the training in the browser while it runs.")
@click.option("--show/--no-show", default=False, help="Open windows with the plots.")
@click.option("--test/--no-test", default=False, help="Dry run: a few steps with a few samples, into separate files.")
@click.option("--post", is_flag=True, help="Run the specification's post-processing.")
@verbose_option
def command(
    model: str,
    epochs: int | None,
    weights: str | None,
    resume: bool,
    resume_epoch: int,
    clean: bool,
    add: tuple[str, ...],
    evaluate: bool,
    live: bool,
    show: bool,
    test: bool,
    post: bool,
    verbose: bool,
) -> None:
    """Train a model: from its specification to an archive with its .tflite.

    MODEL is the name of a model on the search path, or the path of its specification (.py) or archive. Its code runs.
    With '-test' at the end of the name, this is a dry run.

    \b
    mltk train yes_no
    mltk train yes_no --resume          after Ctrl-C or a crash
    mltk train yes_no-test              a dry run
    mltk train yes_no --add recordings  with your own recordings too
    """
    start(verbose)
    from mltk.operations.evaluate import evaluate_model
    from mltk.operations.results.training import report_training
    from mltk.operations.shared.archived_report import renew_report
    from mltk.operations.train import train_model
    from mltk.specification.evaluate_settings import EvaluateMixin

    with contextlib.ExitStack() as stack:
        page = None
        if live:
            from mltk.operations.shared.live_report import LiveReport

            page = stack.enter_context(LiveReport(os.path.basename(model).split(".")[0]))
        results = train_model(
            model,
            weights=weights,
            epochs=epochs,
            resume=resume,
            resume_epoch=resume_epoch,
            clean=clean,
            show=show,
            test=test,
            post_process=post,
            add=add,
            live=page,
            report=False if evaluate else None,  # the last evaluation writes the report
        )
        evaluations = []
        if evaluate and isinstance(results.mltk_model, EvaluateMixin):
            if page is not None:
                page.state.set(stage="evaluating")
            for tflite in (False, True) if results.tflite_model is not None else (False,):
                is_last = tflite or results.tflite_model is None
                report = None if is_last else False
                evaluations.append(evaluate_model(results.mltk_model, tflite=tflite, show=show, report=report))
        elif evaluate and results.model_archive_path and results.mltk_model.html_report:
            renew_report(results.mltk_model)
        text = report_training(results, evaluations)
        if page is not None:
            page.finish_with_report(results.model_archive_path, text)
    click.echo("\n" + text)
