"""``mltk parity``"""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("parity")
@click.argument("model")
@click.option("--dataset", is_flag=True, help="Samples from the evaluation dataset. Runs the specification.")
@click.option("--float", "float_model", help="The float32 .tflite to compare with; by default the archive's.")
@click.option("--count", "-c", type=click.IntRange(1), default=100, show_default=True, help="Number of samples.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of random samples.")
@click.option("--quantization/--no-quantization", default=True, help="Report layer by layer against the float model.")
@click.option(
    "--trusted/--untrusted",
    default=None,
    help="Run native code in this process, or in child processes with limits on time and memory. By default a .tflite "
    "or archive that is given by its path is not trusted, anything else is.",
)
@click.option("--output", "-o", help="Write the report there: a .json or .txt file, or a folder (with plots).")
@verbose_option
def command(
    model: str,
    dataset: bool,
    float_model: str | None,
    count: int,
    seed: int,
    quantization: bool,
    trusted: bool | None,
    output: str | None,
    verbose: bool,
) -> None:
    """See whether host and device compute the same, and what quantization costs.

    The model runs on the same samples under TensorFlow Lite Micro, LiteRT's reference kernels and LiteRT's default
    path, and its float variant beside them: the share of outputs that differ, by how much, how many samples change
    class, and the first layer that diverges. Then, layer by layer, what quantization does to the float model's values.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. Samples are random over the
    range of the input's quantization, and nothing in MODEL is run; with --dataset they are those of the
    specification, whose code then runs.

    \b
    mltk parity model.tflite
    mltk parity yes_no --dataset --output parity/
    """
    start(verbose)
    from mltk.operations.parity import check_parity

    results = check_parity(
        model,
        dataset=dataset,
        float_model=float_model,
        n_samples=count,
        seed=seed,
        quantization=quantization,
        trusted=trusted,
    )
    click.echo(results.to_text())
    for path in results.save(output) if output else ():
        click.echo(f"wrote {path}")
