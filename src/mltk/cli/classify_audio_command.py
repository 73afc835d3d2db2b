"""The command ``mltk classify_audio``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from mltk.cli.classify_options import detector_options, detector_settings, refuse_board
from mltk.cli.common import start, verbose_option

if TYPE_CHECKING:
    from mltk.audio.live import Heard


@click.command("classify_audio")
@click.argument("model")
@click.option("--file", "-f", help="Listen to this file in the terminal; - is standard input.")
@click.option("--terminal", is_flag=True, help="Listen to a microphone in the terminal.")
@click.option("--microphone", "-m", help="Part of the microphone's name, or its number; implies --terminal.")
@click.option("--volume", "-u", type=float, help="Factor for the sound; 0 changes nothing.")
@click.option("--dump-audio", "-x", is_flag=True, help="Write what was heard to NAME.heard.wav.")
@click.option("--dump-spectrograms", "-z", is_flag=True, help="Write the input of each inference to NAME.inputs.npy.")
@click.option("--dump-raw-spectrograms", is_flag=True, hidden=True)
@detector_options
@verbose_option
def command(
    model: str,
    file: str | None,
    terminal: bool,
    microphone: str | None,
    volume: float | None,
    dump_audio: bool,
    dump_spectrograms: bool,
    dump_raw_spectrograms: bool,
    verbose: bool,
    **options: Any,
) -> None:
    """Listen with a model, and show what the device would detect.

    MODEL is a .tflite file, an archive, or the name or specification of a trained model. Opens a page
    in the browser: microphone, spectrogram, scores and detections. With --file, --terminal or
    --microphone it listens in the terminal. Settings of the detector come from the model.

    \b
    mltk classify_audio yes_no
    mltk classify_audio yes_no --threshold 140 --terminal
    mltk classify_audio yes_no --file recording.wav
    arecord -q -t raw -r 16000 -f S16_LE | mltk classify_audio yes_no --file -
    """
    start(verbose)
    from mltk.operations.classify_audio import Classified, classify_audio
    from mltk.specification.names import name_of_file

    if dump_raw_spectrograms:
        raise click.UsageError(
            "--dump-raw-spectrograms is an option of MLTK 0.20. 'mltk view_audio' shows raw features."
        )
    refuse_board(options)
    settings = detector_settings(options)
    if volume is not None:
        settings["volume_gain"] = volume
    in_terminal = file is not None or terminal or microphone is not None
    if not in_terminal and (dump_audio or dump_spectrograms):
        raise click.UsageError("The page saves what it hears by a button. Add --terminal or --file to write files.")
    found = classify_audio(
        model,
        file=file,
        terminal=terminal,
        microphone=microphone,
        settings=settings,
        dump_audio=f"{name_of_file(model)}.heard.wav" if dump_audio else None,
        dump_spectrograms=f"{name_of_file(model)}.inputs.npy" if dump_spectrograms else None,
        test=options["test"],
        port=options["http_port"],
        browser=options["browser"],
        on_heard=_show_all if verbose else _show,
    )
    if isinstance(found, Classified):
        click.echo(found.to_text())


def _show(heard: Heard) -> None:
    if heard.detection is not None:
        d = heard.detection
        click.echo(f"{d.time_ms / 1000:9.2f} s  {d.class_name}  score {d.score}")
        sys.stdout.flush()


def _show_all(heard: Heard) -> None:
    click.echo(f"{heard.time_ms / 1000:9.2f} s  {' '.join(f'{s:3d}' for s in heard.scores.tolist())}")
    _show(heard)
