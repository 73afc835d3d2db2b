"""The command ``mltk ssh``."""

from __future__ import annotations

from typing import Any

import click

from mltk.cli.common import start, verbose_option


def _split_train_command(words: tuple[str, ...]) -> tuple[str, list[str], bool]:
    """Return the model, the other options, and whether this is a dry run, of the words behind ``mltk ssh``."""
    if not words:
        raise click.UsageError("The command is missing. Example: mltk ssh train yes_no")
    if words[0] != "train":
        raise click.UsageError(f"mltk ssh runs the command 'train' only, got {words[0]!r}.")
    from mltk.cli.train_command import command as train

    context = train.make_context("train", list(words[1:]))
    options: list[str] = []
    for parameter in train.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if isinstance(parameter, click.Option) and given and name != "test":
            options += _words_of(parameter, context.params[name])
    return context.params["model"], options, bool(context.params["test"])


def _words_of(option: click.Option, value: Any) -> list[str]:
    if not option.is_flag:
        return [option.opts[0], str(value)]
    return [option.opts[0]] if value else option.secondary_opts[:1]


@click.command("ssh", context_settings={"help_option_names": ["--help"], "ignore_unknown_options": True})
@click.option("--host", "-h", help="[USER@]HOST[:PORT][/FOLDER]; by default as the user settings file says.")
@click.option("--identity_file", "-i", help="Path of the private key; by default as OpenSSH finds it.")
@click.option("--port", "-p", type=int, help="Port of the server; by default as OpenSSH finds it.")
@click.option("--password", help="Password of the user. Other users of this machine can see it; prefer a key.")
@click.option("--resume/--no-resume", default=False, help="Follow a command that was started, or fetch its results.")
@click.option("--wait/--no-wait", default=True, help="Follow the command, or only start it.  [default: wait]")
@click.option("--force/--no-force", default=False, help="Stop and forget a command that was started before.")
@click.option("--clean/--no-clean", default=False, help="Delete the archive and logs of earlier runs, here and there.")
@verbose_option
@click.argument("mltk_command", nargs=-1, type=click.UNPROCESSED)
def command(
    host: str | None,
    identity_file: str | None,
    port: int | None,
    password: str | None,
    resume: bool,
    wait: bool,
    force: bool,
    clean: bool,
    verbose: bool,
    mltk_command: tuple[str, ...],
) -> None:
    """Train a model on another machine, and fetch its archive. Runs the code of the specification here too.

    MLTK_COMMAND is 'train' with a model and its options. The specification needs no settings for this. SshMixin has
    settings for environment variables, for more files to upload and to fetch, and for commands to run.

    Ctrl-C stops the command on the other machine. If the connection breaks, the command goes on.

    \b
    mltk ssh --host ubuntu@192.168.1.56 train yes_no
    mltk ssh train yes_no --no-wait         only start
    mltk ssh train yes_no --resume          follow, and fetch the results
    """
    start(verbose)
    model, options, test = _split_train_command(mltk_command)
    from mltk.operations.ssh.remote import train_over_ssh

    train_over_ssh(
        model,
        options,
        host=host,
        identity_file=identity_file,
        port=port,
        password=password,
        resume=resume,
        wait=wait,
        force=force,
        clean=clean,
        test=test,
    )
