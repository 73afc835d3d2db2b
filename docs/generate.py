"""Write ``docs/settings.md`` and ``docs/cli.md`` from the code; with ``--check`` only see that they are up to date."""

from __future__ import annotations

import sys
from pathlib import Path

import click

import mltk.audio.mixin  # noqa: F401 - its settings are on the page
from mltk.cli.main import COMMANDS, cli
from mltk.specification.describe import settings_page

FOLDER = Path(__file__).resolve().parent


def cli_page() -> str:
    """Help of every command, as ``--help`` prints it at 80 columns."""
    lines = [
        "# Command line",
        "",
        "What `mltk COMMAND --help` prints. Made from the code (`make docs`); don't edit.",
        "",
    ]
    for name in COMMANDS:
        context = click.Context(cli, info_name="mltk", max_content_width=80, terminal_width=80)
        command = cli.get_command(context, name)
        assert command is not None
        with click.Context(command, info_name=name, parent=context, max_content_width=80, terminal_width=80) as child:
            text = command.get_help(child).rstrip()
        lines += [f"## mltk {name}", "", "```text", text, "```", ""]
    return "\n".join(lines)


def main() -> int:
    """Write or check the pages; exit code 1 when one is out of date."""
    check = "--check" in sys.argv[1:]
    stale = []
    for name, text in (("settings.md", settings_page()), ("cli.md", cli_page())):
        path = FOLDER / name
        text = text.rstrip() + "\n"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not check:
            path.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"Out of date: {', '.join(stale)}. Run: make docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
