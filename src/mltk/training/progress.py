"""The live view of a training: a row a epoch, and below the rows a bar for the epoch that runs.

On a terminal the rows are a table that fits its width; elsewhere, as in a log file, every line names its values.
"""

from __future__ import annotations

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_REFRESH_S = 0.1
_HEADER_EVERY = 40
_WIDTH = 8
_SHORT = {"learning_rate": "lr"}


class ProgressView(keras.callbacks.Callback):
    """Shows how training goes.

    Args:
        epochs: number of epochs in all; -1 when unknown.
        steps: batches of an epoch; None when unknown.
        first_epoch: epochs done before, in a run that this one resumes.
        console: where to write; by default standard output.
    """

    def __init__(self, epochs: int, steps: int | None, first_epoch: int = 0, console: Console | None = None) -> None:
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self.first_epoch = first_epoch
        self.console = console or Console()
        self._table = EpochTable(epochs)
        self._rows = 0
        self._bar: Progress | None = None
        self._task: Any = None
        self._shown = 0.0
        self._began = 0.0

    def on_train_begin(self, logs: Any = None) -> None:
        if not self.console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=max(8, min(24, self.console.width - 54))),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=self.steps, note="")
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()
        if self._bar is not None:
            name = f"Epoch {self._table.epoch(epoch).strip()}"
            self._bar.reset(self._task, total=self.steps, description=name, note="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.perf_counter()
        if self._bar is None or now - self._shown < _REFRESH_S:
            return  # reading metrics waits for the step to end: not at each
        self._shown = now
        loss = (logs or {}).get("loss")
        note = "" if loss is None else f"loss {number(float(loss))}"
        self._bar.update(self._task, completed=batch + 1, note=note, refresh=True)

    def on_test_begin(self, logs: Any = None) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=self.steps, note="validating", refresh=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.steps is None and self._bar is not None:
            self.steps = int(self._bar.tasks[0].completed) or None
        values = {name: float(value) for name, value in (logs or {}).items()}
        seconds = time.perf_counter() - self._began
        if not self.console.is_terminal:
            self._print(self._table.line(epoch, values, seconds))
            return
        width = self.console.width
        if self._table.choose_columns(values, width) or self._rows % _HEADER_EVERY == 0:
            self._print(self._table.header(), style="bold")
        self._print(self._table.row(epoch, values, seconds))
        self._rows += 1

    def _print(self, text: str, **style: Any) -> None:
        if self.console.is_jupyter:  # where the console makes a block of HTML of each line
            print(text)
            return
        self.console.print(text, highlight=False, markup=False, soft_wrap=True, **style)

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class EpochTable:
    """Epochs as text: the columns that fit a width, each as wide as its name and its numbers."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.columns: list[str] = []

    def epoch(self, epoch: int) -> str:
        """``" 3/20"``, from the index 2."""
        if self.epochs <= 0:
            return f"{epoch + 1:>5}"
        return f"{epoch + 1:>{len(str(self.epochs))}}/{self.epochs}"

    def choose_columns(self, values: dict[str, float], width: int) -> bool:
        """Take the columns for ``values``: those that say most, if not all fit. Whether they have changed."""
        known = list(dict.fromkeys([*values, *(c for c in self.columns if c not in values)]))
        left = width - self._first - 9 - 1
        kept = set()
        for name in sorted(known, key=lambda n: _rank(n, known)):
            left -= 2 + _column_width(name)
            if left < 0:
                break
            kept.add(name)
        columns = [name for name in _in_pairs(known) if name in kept]
        changed, self.columns = columns != self.columns, columns
        return changed

    @property
    def _first(self) -> int:
        return max(5, len(self.epoch(0)))

    def header(self) -> str:
        """The columns' names."""
        cells = [f"{_SHORT.get(n, n):>{_column_width(n)}}" for n in self.columns]
        return "  ".join([f"{'epoch':>{self._first}}", *cells, "    time"])

    def row(self, epoch: int, values: dict[str, float], seconds: float) -> str:
        """The values of an epoch below the columns' names."""
        cells = [f"{number(values[n]) if n in values else '':>{_column_width(n)}}" for n in self.columns]
        return "  ".join([f"{self.epoch(epoch):>{self._first}}", *cells, f"{duration(seconds):>8}"])

    def line(self, epoch: int, values: dict[str, float], seconds: float) -> str:
        """The values of an epoch with their names, aligned from line to line."""
        cells = [f"{_SHORT.get(n, n)} {number(values[n]):<{_WIDTH - 2}}" for n in _in_pairs(list(values))]
        return "  ".join([f"Epoch {self.epoch(epoch)}", f"{duration(seconds):>8}", *cells]).rstrip()


def _column_width(name: str) -> int:
    return max(_WIDTH, len(_SHORT.get(name, name)))


def _in_pairs(names: list[str]) -> list[str]:
    """Loss first, each metric beside its validation, the learning rate last."""
    bases = list(dict.fromkeys(n.removeprefix("val_") for n in names))
    bases.sort(key=lambda n: (n == "learning_rate", n != "loss"))
    return [n for base in bases for n in (base, f"val_{base}") if n in names]


def _rank(name: str, names: list[str]) -> tuple[int, int]:
    """Sorts what says most first: the losses, then the first metric, then the learning rate, then the others."""
    base = name.removeprefix("val_")
    order = [n for n in _in_pairs(names) if not n.startswith("val_")]
    position = order.index(base) if base in order else len(order)
    if base == "learning_rate":
        return 2, 0
    return (position if position < 2 else position + 1), int(name == base)


def number(value: float) -> str:
    """Four decimals where they say something, else three digits."""
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.4f}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """``5.9 s``, or ``2:05 min``, or ``1:02 h``."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"
