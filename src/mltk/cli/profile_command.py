"""The command ``mltk profile``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from mltk.cli.common import start, verbose_option

if TYPE_CHECKING:
    from mltk.micro.profile.results import ProfilingModelResults
    from mltk.specification.model import MltkModel


@click.command("profile")
@click.argument("model", required=False)
@click.option("--target", "-t", help="Device to estimate for; by default cortex-m4.")
@click.option("--list-targets", is_flag=True, help="List the targets and the sources of their figures.")
@click.option("--accelerator", "-a", help="Name of a target by its accelerator, such as mvp.")
@click.option("--clock", help="Clock rate, such as 80M; by default the target's.")
@click.option("--active-power", help="Power of the device while it computes, such as 12mW; shows the energy.")
@click.option("--build/--no-build", default=False, help="Build the model without training it. Runs the specification.")
@click.option(
    "--measure-ram", is_flag=True, help="Measure the tensor arena with TensorFlow Lite Micro; takes up to a second."
)
@click.option(
    "--emulate", metavar="CORE", help="Compile the C code for this core, such as cortex-m4, run it emulated, and count."
)
@click.option("--compiler", help="Compiler for --emulate: gcc or zig; by default the first one that is installed.")
@click.option(
    "--optimize",
    type=click.Choice(["speed", "size"]),
    help="What the compiler for --emulate is asked for.  [default: speed]",
)
@click.option("--max-ram", help="Fail if the tensor arena is larger, such as 64k (k is 1024).")
@click.option("--max-flash", help="Fail if the .tflite is larger, such as 512k.")
@click.option("--max-latency", help="Fail if an inference takes longer, such as 50ms.")
@click.option("--output", "-o", help="Write the report to a .json, .csv or .txt file, or to a folder.")
@click.option("--no-format", is_flag=True, help="Show plain numbers and all columns.")
@click.option("--full-summary", is_flag=True, help="Show every figure.")
@click.option(
    "--estimates/--no-estimates", default=False, hidden=True, help="For compatibility with MLTK 0.20; ignored."
)
@click.option("--post", is_flag=True, help="Run the specification and its post-processing.")
@click.option("--device", "-d", is_flag=True, hidden=True, help="MLTK 0.20 profiled on a device; an error.")
@click.option("--port", hidden=True, help="MLTK 0.20 profiled on a device; an error.")
@click.option("--app", hidden=True, help="MLTK 0.20 profiled on a device; an error.")
@verbose_option
def command(model: str | None, verbose: bool, list_targets: bool, **options: Any) -> None:
    """Estimate what a model costs on a device: memory, cycles and time, layer by layer.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. Runs no
    code of the model without --build or --post. If the model exceeds a limit, the exit code is 1.

    With --emulate, the model's C code runs on an emulated core. Its outputs are compared with TensorFlow Lite Micro's,
    and instructions, cycles, code, RAM and stack are counted. Then the limits are on the counted figures.

    \b
    mltk profile model.tflite
    mltk profile yes_no --target xg24-mvp
    mltk profile yes_no --emulate cortex-m33 --clock 80M
    mltk profile yes_no --build --max-ram 64k --max-flash 512k --max-latency 50ms
    """
    start(verbose)
    if list_targets:
        _list_targets()
        return
    if model is None:
        raise click.UsageError("Missing argument 'MODEL'.")
    from mltk.micro.profile.units import parse_clock, parse_power, parse_size, parse_time
    from mltk.operations.profile import profile_model

    limits = {
        name: parse(options[name]) if options[name] else None
        for name, parse in (("max_ram", parse_size), ("max_flash", parse_size), ("max_latency", parse_time))
    }
    profiled: MltkModel | str = model
    if options["post"]:
        from mltk.operations.shared.prepare import prepare

        profiled = prepare(model, operation="profile")
    results = profile_model(
        profiled,
        image_path=options["app"],
        accelerator=options["accelerator"],
        port=options["port"],
        use_device=options["device"],
        build=options["build"],
        target=options["target"],
        clock_hz=parse_clock(options["clock"]) if options["clock"] else None,
        active_power_w=parse_power(options["active_power"]) if options["active_power"] else None,
        measure_ram=options["measure_ram"],
        emulate=options["emulate"],
        compiler=_of_emulation("compiler", options),
        optimize=_of_emulation("optimize", options),
    )
    click.echo(results.to_text(format_units=not options["no_format"], full_summary=options["full_summary"]))
    if options["output"]:
        results.save(options["output"], full_summary=options["full_summary"])
    _check(results, limits)


def _of_emulation(name: str, options: dict[str, Any]) -> str | None:
    """Return an option that only the emulation has."""
    given: str | None = options[name]
    if given and not options["emulate"]:
        raise click.UsageError(f"--{name} needs --emulate.")
    return given


def _check(results: ProfilingModelResults, limits: dict[str, Any]) -> None:
    if not any(limit is not None for limit in limits.values()):
        return
    from mltk.micro.profile.budget import Budget

    budget = Budget(limits["max_ram"], limits["max_flash"], limits["max_latency"])
    for note in budget.check(results) or ["The model is within all limits."]:
        click.echo(f"\n{note}")


def _list_targets() -> None:
    from mltk.micro.profile.targets import list_targets

    for target in list_targets():
        bar = f"± {target.model_error:.0%}" if target.model_error is not None else "no error bar"
        click.echo(f"{target.name:22} {target.title} ({bar})")
        also = f"also {', '.join(target.aliases)}; " if target.aliases else ""
        click.echo(f"{'':22} {also}{target.source}")
