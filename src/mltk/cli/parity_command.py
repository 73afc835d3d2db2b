"""The command ``mltk parity``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("parity")
@click.argument("model")
@click.option("--dataset", is_flag=True, help="Take samples from the evaluation dataset. Runs the specification.")
@click.option("--float", "float_model", help="The float32 .tflite to compare with; by default the archive's.")
@click.option("--count", "-c", type=click.IntRange(1), default=100, show_default=True, help="Number of samples.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed for the random samples.")
@click.option("--quantization/--no-quantization", default=True, help="Compare each layer with the float model.")
@click.option(
    "--trusted/--untrusted",
    default=None,
    help="Run native code in this process, or in child processes with limits on time and memory. By default, a .tflite "
    "or an archive given by its path is not trusted.",
)
@click.option("--emulate", metavar="CORE", help="Also run the C code on this core, such as cortex-m4, emulated.")
@click.option("--compiler", help="Compiler for --emulate: gcc or zig; by default the first one that is installed.")
@click.option(
    "--optimize",
    type=click.Choice(["speed", "size"]),
    help="What the compiler for --emulate is asked for.  [default: speed]",
)
@click.option("--output", "-o", help="Write the report to a .json or .txt file, or to a folder (with a plot).")
@verbose_option
def command(
    model: str,
    dataset: bool,
    float_model: str | None,
    count: int,
    seed: int,
    quantization: bool,
    trusted: bool | None,
    emulate: str | None,
    compiler: str | None,
    optimize: str | None,
    output: str | None,
    verbose: bool,
) -> None:
    """Check that host and device compute the same; show what quantization costs.

    The model and its float variant run on the same samples under TensorFlow Lite Micro, LiteRT's reference kernels
    and LiteRT's default path. The report shows the share of outputs that differ, the largest difference, the number of
    samples that change class, and the first layer that differs. Then it compares each layer with the float model.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. The samples are random over
    the range of the input's quantization, and no code of MODEL runs. With --dataset, the samples are those of the
    specification, and its code runs.

    With --emulate, the C code of "mltk compile" also runs the samples, compiled for a core and emulated.

    \b
    mltk parity model.tflite
    mltk parity yes_no --dataset --output parity/
    mltk parity yes_no --emulate cortex-m4
    """
    start(verbose)
    for name, given in (("compiler", compiler), ("optimize", optimize)):
        if given and not emulate:
            raise click.UsageError(f"--{name} needs --emulate.")
    from mltk.operations.parity import check_parity

    results = check_parity(
        model,
        dataset=dataset,
        float_model=float_model,
        n_samples=count,
        seed=seed,
        quantization=quantization,
        trusted=trusted,
        emulate=emulate,
        compiler=compiler,
        optimize=optimize,
    )
    click.echo(results.to_text())
    for path in results.save(output) if output else ():
        click.echo(f"wrote {path}")
