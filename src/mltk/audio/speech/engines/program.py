"""Run speech synthesizers that are programs: text in, wav file out."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from mltk.audio.speech.engines.base import Speech, SpeechError, read_wav

TIMEOUT_S = 60.0
STDERR_TAIL_CHARACTERS = 2000


def find_program(name: str, package: str) -> str:
    """Find an executable on ``PATH``.

    Args:
        name: Name of the program.
        package: Package that has the program, for the message.

    Returns:
        Path of the executable.

    Raises:
        SpeechError: The program is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise SpeechError(f"The program {name!r} is not on PATH.", hint=f"Install {package}, or use engine 'espeak'.")
    return path


def run(
    command: Sequence[str], *, stdin: str = "", timeout_s: float = TIMEOUT_S, good_codes: Sequence[int] = (0,)
) -> str:
    """Run a program to its end.

    Args:
        command: Program and arguments.
        stdin: Text for its standard input.
        timeout_s: Seconds after which it is stopped.
        good_codes: Exit codes that mean success.

    Returns:
        What it printed on standard output.

    Raises:
        SpeechError: The program can't be started, failed or took too long.
    """
    try:
        done = subprocess.run(list(command), input=stdin.encode(), capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise SpeechError(f"{command[0]} did not finish within {timeout_s:g} s and was stopped.") from None
    except OSError as e:
        raise SpeechError(f"{command[0]} can't be started: {e}") from e
    if done.returncode not in good_codes:
        said = done.stderr.decode(errors="replace").strip()[-STDERR_TAIL_CHARACTERS:]
        raise SpeechError(
            f"{command[0]} failed (exit code {done.returncode}).",
            hint=f"Its last output was:\n{said}" if said else None,
        )
    return done.stdout.decode(errors="replace")


def speak_to_file(command: Sequence[str], *, stdin: str = "", engine: str, timeout_s: float = TIMEOUT_S) -> Speech:
    """Run a program that writes a wav file, and read the file.

    Args:
        command: Program and arguments; ``{wav}`` in an argument becomes the path of the file.
        stdin: Text for its standard input.
        engine: Name of the program, for messages.
        timeout_s: Seconds after which it is stopped.

    Returns:
        The samples.

    Raises:
        SpeechError: The program failed, or did not write a wav file.
    """
    with tempfile.TemporaryDirectory(prefix=f"mltk-{engine}-") as folder:
        wav = Path(folder) / "speech.wav"
        run([part.replace("{wav}", str(wav)) for part in command], stdin=stdin, timeout_s=timeout_s)
        return read_wav(wav, engine)
