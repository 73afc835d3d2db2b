"""The command ``mltk list``."""

from __future__ import annotations

import click


@click.command("list")
@click.option("--paths", is_flag=True, help="Also show the path of each model.")
def command(paths: bool) -> None:
    """List the models on the model search path: Python files that contain '# @mltk_model'. Runs none of them."""
    from mltk.specification.names import ARCHIVE_EXTENSION
    from mltk.specification.search import iter_model_files, model_search_path

    found = {n: p for n, p in reversed(list(iter_model_files())) if not p.endswith(ARCHIVE_EXTENSION)}
    for name in sorted(found):
        click.echo(f"{name:<32} {found[name]}" if paths else name)
    if not found:
        click.echo("There are no models in:\n  " + "\n  ".join(model_search_path()), err=True)
