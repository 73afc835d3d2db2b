"""The command ``mltk compile``."""

from __future__ import annotations

import click

from mltk.cli.common import start, verbose_option


@click.command("compile")
@click.argument("model")
@click.option("--output", "-o", help="Write the files to this folder.  [default: NAME_c]")
@click.option(
    "--format",
    "-f",
    "layout",
    type=click.Choice(["cmake", "arduino", "zephyr", "esp-idf", "platformio"]),
    default="cmake",
    show_default=True,
    help="Lay the files out as this build system expects a library.",
)
@click.option(
    "--tflm", is_flag=True, help="Write the model, its operators and arena for TensorFlow Lite Micro instead."
)
@click.option("--name", help="Prefix of all names in C.  [default: the model's name]")
@click.option("--max-ram", help="Fail if the model needs more static RAM, such as 64k (k is 1024).")
@click.option(
    "--optimize",
    type=click.Choice(["speed", "size"]),
    help="What the compiler is asked for: -O2 or -Os. By default the Makefile has -O2, and a project has its own.",
)
@click.option("--compare/--no-compare", default=True, help="Run the code here and compare it with the interpreter.")
@click.option("--accelerator", "-a", help="Compile for this Ethos-U with Arm's Vela instead, such as ethos-u55-128.")
@verbose_option
def command(
    model: str,
    output: str | None,
    layout: str,
    tflm: bool,
    name: str | None,
    max_ram: str | None,
    optimize: str | None,
    compare: bool,
    accelerator: str | None,
    verbose: bool,
) -> None:
    """Turn a model into C99 files that need no interpreter.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. The files
    compute bit for bit what TensorFlow Lite Micro computes: this is checked on random samples.

    \b
    mltk compile yes_no --output firmware/yes_no
    mltk compile model.tflite --format arduino --max-ram 64k
    mltk compile model.tflite --accelerator ethos-u55-128
    """
    start(verbose)
    from mltk.micro.profile.units import parse_size
    from mltk.operations.compile import compile_to_c, export_for_tflm
    from mltk.specification.names import name_of_file

    if accelerator is not None:
        from mltk.operations.compile_npu import compile_for_npu

        click.echo(compile_for_npu(model, accelerator, output).to_text())
        return
    folder = output or f"{name_of_file(model)}_{'tflm' if tflm else 'c'}"
    if tflm:
        if max_ram or optimize or layout != "cmake":
            raise click.UsageError("--tflm takes neither --format nor --max-ram nor --optimize.")
        click.echo(export_for_tflm(model, folder, name=name).to_text())
        return
    limit = parse_size(max_ram) if max_ram else None
    results = compile_to_c(model, folder, layout=layout, name=name, max_ram=limit, compare=compare, optimize=optimize)
    click.echo(results.to_text())
