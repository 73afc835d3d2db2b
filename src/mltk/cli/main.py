"""The ``mltk`` command: the table of commands, and how errors are shown.

This module imports nothing heavy: ``mltk --help`` only reads the table below.
"""

from __future__ import annotations

import importlib
import os
import sys

import click

from mltk.errors import MltkError, did_you_mean

COMMANDS = {
    "train": "Train a model: from its specification to an archive with its .tflite.",
    "evaluate": "Evaluate a trained model, as Keras computes it or as the device does.",
    "quantize": "Quantize a trained model into a .tflite.",
    "report": "Write a report of a model as one HTML file, or compare models side by side.",
    "summarize": "Show the layers, size and parameters of a model.",
    "profile": "Estimate what a model costs on a device: memory, cycles, time.",
    "compile": "Turn a model into C code, proven to compute what the device's interpreter does.",
    "parity": "Check that host and device compute the same; show what quantization costs.",
    "classify_audio": "Listen with a model: in the browser, to a microphone or to a file.",
    "classify_image": "Classify pictures with a model: of a camera in the browser, or files.",
    "view": "Show the graph of a model in the browser.",
    "tune": "Choose when a keyword spotter detects, for a wanted rate of false accepts.",
    "view_audio": "Show the features of the audio frontend in the browser, and change its settings.",
    "update_params": "Change the parameters in a .tflite or an archive.",
    "custom": "Run a command that a specification defines.",
    "ssh": "Train a model on another machine, and fetch its archive.",
    "tensorboard": "Show the logs of a training run with TensorBoard.",
    "list": "List the models on the model search path.",
}
REPLACED = {
    # Commands of MLTK 0.20 that need Silicon Labs' tools or firmware, or that other programs do today.
    "build": "openmltk has no firmware to build. Add the C code of 'mltk compile' to your own project.",
    "commander": "openmltk does not have Simplicity Commander. Program the board with its own tool, OpenOCD or pyOCD.",
    "fingerprint_reader": "There is no firmware for a fingerprint sensor. Save its images with your own firmware.",
    "program_app": "openmltk has no firmware. Program the board with its own tool, OpenOCD or pyOCD.",
    "ssh-keygen": "Make a key with the program ssh-keygen: ssh-keygen -t ed25519",
    "start_download_run_server": "openmltk has no firmware to run on a board.",
    "utest": "The tests are not a part of the installed package. In its sources, run: make test",
}
_WIDTH = 100


class LazyGroup(click.Group):
    """A group of commands that are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import a command; None if there is no such command."""
        if name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"mltk.cli.{name}_command").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the first word; fail with the nearest name if there is none."""
        name = args[0] if args else ""
        if name in REPLACED and name not in COMMANDS:
            raise click.ClickException(f"mltk {name} is a command of MLTK 0.20. {REPLACED[name]}")
        if name and name not in COMMANDS and not name.startswith("-"):
            ctx.fail(f"There is no command {name!r}. {did_you_mean(name, COMMANDS)}".rstrip())
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDTH},
    epilog="'mltk COMMAND --help' shows the options of a command.",
)
@click.version_option(package_name="openmltk", prog_name="mltk", message="%(prog)s %(version)s")
@click.option("--gpu/--no-gpu", default=True, help="Let TensorFlow use a GPU.  [default: gpu]")
def cli(gpu: bool) -> None:
    """Machine learning on microcontrollers: from one model specification to a .tflite, evaluated exactly as the device
    computes it."""
    if not gpu:
        os.environ["CUDA_VISIBLE_DEVICES"] = "-1"


def main(args: list[str] | None = None) -> None:
    """Run a command and exit: with 0, with 1 after an error, with 2 after wrong usage, with 130 after Ctrl-C.

    Args:
        args: The words of the command line; by default those of the process.
    """
    words = list(sys.argv[1:] if args is None else args)
    verbose = "-v" in words or "--verbose" in words
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "0" if verbose else "2")
    try:
        code = cli.main(words, prog_name="mltk", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.ClickException as e:
        e.show()
        sys.exit(e.exit_code)
    except (click.Abort, KeyboardInterrupt) as e:
        cause = e.__cause__ if isinstance(e, click.Abort) else e  # click turns KeyboardInterrupt into Abort
        show_error(cause if isinstance(cause, MltkError) else "Stopped.", verbose)
        sys.exit(130)
    except MltkError as e:
        show_error(e, verbose)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output, such as `head`, closed its input
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as e:
        name = f" {e.filename}" if e.filename else ""
        show_error(f"{e.strerror or e}:{name}" if name else str(e), verbose)
        sys.exit(1)


def show_error(error: object, verbose: bool = False) -> None:
    """Print an error as one block on stderr.

    Args:
        error: An exception or a message.
        verbose: Also print the traceback.
    """
    if verbose and isinstance(error, BaseException):
        import traceback

        traceback.print_exception(error)
    message = getattr(error, "message", str(error))
    hint = getattr(error, "hint", None)
    color = sys.stderr.isatty() and "NO_COLOR" not in os.environ
    label = "\033[1;31merror:\033[0m" if color else "error:"
    lines = [f"{label} {message}"]
    if hint:
        lines += [f"  {line}" for line in str(hint).splitlines()]
    print("\n".join(lines), file=sys.stderr)


if __name__ == "__main__":
    main()
