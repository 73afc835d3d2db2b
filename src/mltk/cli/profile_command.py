"""``mltk profile``"""

from __future__ import annotations

from typing import Any

import click

from mltk.cli.common import start, verbose_option


@click.command("profile")
@click.argument("model", required=False)
@click.option("--target", "-t", help="Device to estimate for; by default cortex-m4.")
@click.option("--list-targets", is_flag=True, help="List the targets and what stands behind them.")
@click.option("--accelerator", "-a", help="Another way to name a target: by its accelerator, such as mvp.")
@click.option("--clock", help="Another clock rate than the target's, such as 80M.")
@click.option("--active-power", help="What the device draws while it computes, such as 12mW; gives the energy.")
@click.option("--build/--no-build", default=False, help="Build the model anew, untrained. Runs the specification.")
@click.option("--measure-ram", is_flag=True, help="Measure the arena with TensorFlow Lite Micro: up to a second.")
@click.option("--max-ram", help="Fail if the tensor arena is larger, such as 64k (k is 1024).")
@click.option("--max-flash", help="Fail if the .tflite is larger, such as 512k.")
@click.option("--max-latency", help="Fail if an inference takes longer, such as 50ms.")
@click.option("--output", "-o", help="Write the report there: a .json, .csv or .txt file, or a folder.")
@click.option("--no-format", is_flag=True, help="Plain numbers, all columns.")
@click.option("--full-summary", is_flag=True, help="Every figure there is.")
@click.option("--estimates/--no-estimates", default=False, help="Taken for 0.20's sake: all figures are estimates.")
@click.option("--post", is_flag=True, help="Have the specification's post-processing done. Runs the specification.")
@click.option("--device", "-d", is_flag=True, help="Of 0.20, which profiled on a device: says what to do instead.")
@click.option("--port", help="Of 0.20, with --device.")
@click.option("--app", help="Of 0.20, with --device.")
@verbose_option
def command(model: str | None, verbose: bool, list_targets: bool, **options: Any) -> None:
    """Estimate what a model costs on a device: memory, cycles and time, layer by layer.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. Nothing in it is run, unless
    --build or --post is given. With a limit, the exit code is 1 if the model exceeds it.

    \b
    mltk profile model.tflite
    mltk profile yes_no --target xg24-mvp
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
    profiled: Any = model
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
    )
    click.echo(results.to_text(format_units=not options["no_format"], full_summary=options["full_summary"]))
    if options["output"]:
        results.save(options["output"], full_summary=options["full_summary"])
    _check(results, limits)


def _check(results: Any, limits: dict[str, Any]) -> None:
    if not any(limit is not None for limit in limits.values()):
        return
    from mltk.micro.profile.budget import Budget

    budget = Budget(limits["max_ram"], limits["max_flash"], limits["max_latency"])
    for note in budget.check(results) or ["All limits are kept."]:
        click.echo(f"\n{note}")


def _list_targets() -> None:
    from mltk.micro.profile.targets import list_targets

    for target in list_targets():
        bar = f"± {target.model_error:.0%}" if target.model_error is not None else "no error bar"
        click.echo(f"{target.name:22} {target.title} ({bar})")
        also = f"also {', '.join(target.aliases)}; " if target.aliases else ""
        click.echo(f"{'':22} {also}{target.source}")
