"""What a person sees while a model is trained."""

from __future__ import annotations

import io
import os
import pty
import re
import struct
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from helpers import toy
from mltk.training.progress import EpochTable, ProgressView, duration, number

LOGS = {"accuracy": 0.4493, "loss": 2.131, "val_accuracy": 0.7014, "val_loss": 1.894, "learning_rate": 0.001}


def left_on_the_screen(text: str) -> list[str]:
    """What a terminal shows in the end, of what rich uses to move about: ``\\r``, up, erase line."""
    lines, row, column = [""], 0, 0
    for part in re.split(r"(\r|\n|\x1b\[[0-9;?]*[A-Za-z])", text):
        if part == "\n":
            row, column = row + 1, 0
            lines += [""] * (row == len(lines))
        elif re.fullmatch(r"\x1b\[\d*A", part):
            row -= int(part[2:-1] or 1)
        elif part == "\r":
            column = 0
        elif part == "\x1b[2K":
            lines[row] = ""
        elif part and not part.startswith("\x1b"):
            lines[row] = lines[row][:column].ljust(column) + part + lines[row][column + len(part) :]
            column += len(part)
    return [line for line in lines if line.strip()]


def shown(width: int | None, logs=LOGS, epochs: int = 12) -> list[str]:
    """The lines of three epochs, on a terminal of ``width`` columns or into a file."""
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=width is not None, color_system=None)
    view = ProgressView(epochs, steps=40, console=console)
    view.on_train_begin()
    for epoch in range(3):
        view.on_epoch_begin(epoch)
        view.on_train_batch_end(39, {"loss": 1.0})
        view.on_test_begin()
        view.on_epoch_end(epoch, {k: v / (epoch + 1) for k, v in logs.items()})
    view.on_train_end()
    return left_on_the_screen(stream.getvalue())


def test_table_on_a_terminal():
    lines = shown(80)
    assert lines[0].split() == ["epoch", "loss", "val_loss", "accuracy", "val_accuracy", "lr", "time"]
    assert lines[1].split() == ["1/12", "2.1310", "1.8940", "0.4493", "0.7014", "0.001", "0.0", "s"]
    assert len(lines) == 4, "the header once, then a line each"
    assert {len(line) for line in lines} == {len(lines[0])}, "aligned"
    assert lines[0].index("val_accuracy") + len("val_accuracy") == lines[1].index("0.7014") + len("0.7014")


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width):
    many = {
        f"{v}{n}": 0.5 for n in ("auc", "precision", "recall", "f1_score", "accuracy", "loss") for v in ("", "val_")
    }
    lines = shown(width, many)
    assert max(map(len, lines)) <= width
    assert lines[0].split()[:3] == ["epoch", "loss", "val_loss"]
    assert len(lines) == 4
    if width == 200:
        assert all(name in lines[0] for name in many)


def test_lines_in_a_file_name_their_values():
    lines = shown(None)
    assert len(lines) == 3
    pattern = r"Epoch  1/12 +0\.0 s  loss 2\.1310  val_loss 1\.8940  accuracy 0\.4493  val_accuracy 0\.7014  lr 0\.001"
    assert re.fullmatch(pattern, lines[0])


def test_a_notebook_gets_plain_lines(capsys):
    view = ProgressView(1, steps=40, console=Console(force_jupyter=True))
    view.on_train_begin()
    view.on_epoch_begin(0)
    view.on_epoch_end(0, {"loss": 0.5})
    view.on_train_end()
    assert re.fullmatch(r"Epoch 1/1 +0\.0 s  loss 0\.5000\n", capsys.readouterr().out)


def test_metric_that_is_not_there_in_every_epoch():
    table = EpochTable(10)
    assert table.choose_columns({"loss": 1.0}, 80)
    assert not table.choose_columns({"loss": 1.0}, 80)
    assert table.choose_columns({"loss": 1.0, "val_loss": 1.0}, 80)
    assert not table.choose_columns({"loss": 1.0}, 80)
    assert len(table.row(2, {"loss": 1.0}, 1.0)) == len(table.header())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"),
        (0.44931, "0.4493"),
        (12.3, "12.3000"),
        (1e-5, "1e-05"),
        (123456.0, "1.23e+05"),
        (5e-4, "0.0005"),
    ],
)
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(5.94, "5.9 s"), (125, "2:05 min"), (3720, "1:02 h")])
def test_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs pseudo-terminals")
def test_real_terminal(tmp_path: Path):
    """The real command on a pseudo-terminal of 80 columns, 24 lines: nothing wraps, nothing is left over."""
    import fcntl
    import termios

    (tmp_path / "toy_spec.py").write_text(
        toy.SPECIFICATION.replace("epochs = 2", "epochs = 3\nmy_model.validation_split = 0.2")
    )
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    environment = {**toy.environment(tmp_path / "user"), "TERM": "xterm-256color"}
    del environment["COLUMNS"]
    process = subprocess.Popen(
        toy.mltk_command("train", "toy_spec", "--no-evaluate"),
        cwd=tmp_path,
        env=environment,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    received = b""
    while True:
        try:
            block = os.read(master, 65536)
        except OSError:
            break
        if not block:
            break
        received += block
    os.close(master)
    assert process.wait() == 0, received.decode()
    text = received.decode()
    drawn = re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
    assert max(len(part) for part in drawn if "/" not in part[:16]) <= 80
    final = left_on_the_screen(text)
    rows = [line for line in final if re.match(r"\s+[123]/3 ", line)]
    assert len(rows) == 3
    header = next(line for line in final if "epoch" in line and "val_loss" in line)
    assert len(header) == len(rows[0])
    assert "━" in text, "a bar was shown"
    assert not [line for line in final if "━" in line], "and taken away"
