"""The command ``mltk custom``."""

from __future__ import annotations

import click

from mltk.cli.common import start


@click.command("custom", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("model")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(model: str, arguments: tuple[str, ...]) -> int:
    """Run a command that a specification defines with '@my_model.cli.command()'. Runs its code.

    \b
    mltk custom yes_no --help
    mltk custom yes_no visualize --count 3
    """
    start(verbose=False)
    from mltk.errors import SpecificationError
    from mltk.operations.shared.prepare import import_tensorflow_if_used
    from mltk.specification.loading import load_mltk_model

    import_tensorflow_if_used(model)
    loaded = load_mltk_model(model)
    if not loaded.has_cli:
        raise SpecificationError(
            f"{loaded.name} defines no commands.", hint="Write @my_model.cli.command() above a function to make it one."
        )
    loaded.cli(args=list(arguments), prog_name=f"mltk custom {model}")
    return 0
