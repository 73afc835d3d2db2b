"""The live view of a training run: one row per epoch, and a progress bar for the current epoch.

On a terminal, the rows are a table that fits the width. Elsewhere, for instance in a log file, every line names its
values.
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
    """Shows the progress of training.

    Args:
        epochs: Total number of epochs; -1 if unknown.
        steps: Number of batches of an epoch; None if unknown.
        first_epoch: Number of epochs that earlier runs have finished.
        console: Console to write to; by default standard output.
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
            return  # reading the metrics waits for the end of the step, so not at every step
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
        if self.console.is_jupyter:  # the console would write a block of HTML for each line
            print(text)
            return
        self.console.print(text, highlight=False, markup=False, soft_wrap=True, **style)

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Remove the progress bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


class EpochTable:
    """Formats epochs as text, in columns that fit a given width.

    Args:
        epochs: Total number of epochs; 0 or less if unknown.
    """

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs
        self.columns: list[str] = []

    def epoch(self, epoch: int) -> str:
        """The number of an epoch: ``" 3/20"`` for index 2."""
        if self.epochs <= 0:
            return f"{epoch + 1:>5}"
        return f"{epoch + 1:>{len(str(self.epochs))}}/{self.epochs}"

    def choose_columns(self, values: dict[str, float], width: int) -> bool:
        """Choose the columns for ``values``, the most important first until the width is full.

        Args:
            values: Metric → value.
            width: Width of the terminal in characters.

        Returns:
            Whether the columns have changed.
        """
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
        """The header line: the names of the columns."""
        cells = [f"{_SHORT.get(n, n):>{_column_width(n)}}" for n in self.columns]
        return "  ".join([f"{'epoch':>{self._first}}", *cells, "    time"])

    def row(self, epoch: int, values: dict[str, float], seconds: float) -> str:
        """The line of an epoch in the table."""
        cells = [f"{number(values[n]) if n in values else '':>{_column_width(n)}}" for n in self.columns]
        return "  ".join([f"{self.epoch(epoch):>{self._first}}", *cells, f"{duration(seconds):>8}"])

    def line(self, epoch: int, values: dict[str, float], seconds: float) -> str:
        """The line of an epoch in a log file: each value with its name, aligned with the other lines."""
        cells = [f"{_SHORT.get(n, n)} {number(values[n]):<{_WIDTH - 2}}" for n in _in_pairs(list(values))]
        return "  ".join([f"Epoch {self.epoch(epoch)}", f"{duration(seconds):>8}", *cells]).rstrip()


def _column_width(name: str) -> int:
    return max(_WIDTH, len(_SHORT.get(name, name)))


def _in_pairs(names: list[str]) -> list[str]:
    """Names in their order: the loss first, each metric beside its validation metric, the learning rate last."""
    bases = list(dict.fromkeys(n.removeprefix("val_") for n in names))
    bases.sort(key=lambda n: (n == "learning_rate", n != "loss"))
    return [n for base in bases for n in (base, f"val_{base}") if n in names]


def _rank(name: str, names: list[str]) -> tuple[int, int]:
    """Sort key by importance: the losses, the first metric, the learning rate, then the other metrics."""
    base = name.removeprefix("val_")
    order = [n for n in _in_pairs(names) if not n.startswith("val_")]
    position = order.index(base) if base in order else len(order)
    if base == "learning_rate":
        return 2, 0
    return (position if position < 2 else position + 1), int(name == base)


def number(value: float) -> str:
    """A value with four decimals, or with three digits if it is very small or large."""
    if value == 0 or 0.01 <= abs(value) < 1000:
        return f"{value:.4f}"
    return f"{value:.3g}"


def duration(seconds: float) -> str:
    """A duration: ``5.9 s``, ``2:05 min`` or ``1:02 h``."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02} min" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02} h"
