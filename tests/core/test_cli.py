"""What 0.20 scripts use for commands of their own."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
import typer
from typer.testing import CliRunner

from mltk import cli
from mltk.errors import SettingError


def test_ending_a_command(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, code in (((), -1), ((3,), 3), ((0, "why"), 0)):
        with pytest.raises(SystemExit) as e:
            cli.abort(*arguments)
        assert e.value.code == code
    assert capsys.readouterr().err == "why\n"


def test_messages(capsys: pytest.CaptureFixture[str]) -> None:
    cli.print_info("i")
    cli.print_warning("w")
    cli.print_error("e")
    out, err = capsys.readouterr()
    assert (out, err) == ("i\n", "w\ne\n")


def test_did_you_mean(capsys: pytest.CaptureFixture[str]) -> None:
    cli.print_did_you_mean_error("Not found", "mnst", ["mnist", "cifar"], prologue="See the list.")
    assert capsys.readouterr().err == "Not found: mnst\n\nDid you mean?\nmnist\n\nSee the list.\n"
    with pytest.raises(SystemExit):
        cli.print_did_you_mean_error("Not found", "mnst", ["mnist"], and_exit=True)


def test_exceptions(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as e:
        cli.handle_exception("Training failed", ValueError("bad"))
    assert e.value.code == -1
    assert capsys.readouterr().err == "Training failed: ValueError: bad\n"
    cli.handle_exception("Training failed", SettingError("wrong", hint="do that"), no_abort=True)
    assert capsys.readouterr().err == "Training failed: wrong\ndo that\n"
    cli.handle_exception("x", ValueError("bad"), print_stderr=True, no_abort=True)
    assert "ValueError: bad\nx: " in capsys.readouterr().err


def test_accelerators() -> None:
    assert cli.parse_accelerator_option(None) is None
    assert cli.parse_accelerator_option("MVP") == "mvp"
    with pytest.raises(SettingError, match="There is no accelerator 'mv'") as e:
        cli.parse_accelerator_option("mv")
    assert e.value.hint == "Did you mean 'mvp'?"


def test_is_this_the_command() -> None:
    assert not cli.is_command_active()
    with click.Context(click.Command("x")):
        assert cli.is_command_active()


def test_several_values_of_an_option() -> None:
    app = cli.create_cli()

    @app.command("run", cls=cli.VariableArgumentParsingCommand)
    def run(name: str = "", values: list[float] | None = None, flag: bool = False) -> None:
        print(name, values, flag)

    @app.command("other")
    def other() -> None:
        """So that the first one keeps its name."""

    result = CliRunner().invoke(app, ["run", "--values", "1", "-2", "3", "--name", "x", "--flag", "--values", "4"])
    assert result.output == "x [1.0, -2.0, 3.0, 4.0] True\n"


def test_arguments_for_someone_else() -> None:
    app = cli.create_cli()

    @app.command("run", cls=cli.AdditionalArgumentParsingCommand)
    def run(ctx: typer.Context, name: str = "") -> None:
        print(name, ctx.meta.get("additional_arguments"))

    @app.command("other")
    def other() -> None:
        """So that the first one keeps its name."""

    result = CliRunner().invoke(app, ["run", "--name", "x", "--", "--foo", "bar"])
    assert result.output == "x ['--foo', 'bar']\n"


def test_help_stays_quick() -> None:
    code = (
        "import sys\nfrom mltk.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "assert not {'typer', 'numpy', 'mltk.cli.scripting'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
