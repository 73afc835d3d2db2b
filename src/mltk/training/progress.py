"""The live view of a training: one line an epoch, and below it a bar for the epoch that runs."""

from __future__ import annotations

import time
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_REFRESH_S = 0.1


class ProgressView(keras.callbacks.Callback):
    """Shows how training goes; on something other than a terminal, only a line after each epoch.

    Args:
        epochs: number of epochs in all; -1 when unknown.
        steps: batches of an epoch; None when unknown.
        first_epoch: epochs done before, in a run that this one resumes.
    """

    def __init__(self, epochs: int, steps: int | None, first_epoch: int = 0, console: Console | None = None) -> None:
        super().__init__()
        self.epochs = epochs
        self.steps = steps
        self.first_epoch = first_epoch
        self.console = console or Console()
        self._bar: Progress | None = None
        self._task: Any = None
        self._shown = 0.0
        self._began = 0.0

    @property
    def _of(self) -> str:
        return f"/{self.epochs}" if self.epochs > 0 else ""

    def on_train_begin(self, logs: Any = None) -> None:
        if not self.console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metrics]}"),
            TimeRemainingColumn(compact=True),
            console=self.console,
            transient=True,
            auto_refresh=False,
        )
        self._task = self._bar.add_task("", total=self.steps, metrics="")
        self._bar.start()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()
        if self._bar is not None:
            self._bar.reset(self._task, total=self.steps, description=f"Epoch {epoch + 1}{self._of}", metrics="")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.perf_counter()
        if self._bar is None or now - self._shown < _REFRESH_S:
            return  # reading metrics waits for the step to end: not at each
        self._shown = now
        loss = (logs or {}).get("loss")
        text = "" if loss is None else f"loss {float(loss):.4g}"
        self._bar.update(self._task, completed=batch + 1, metrics=text, refresh=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self.steps is None and self._bar is not None:
            self.steps = int(self._bar.tasks[0].completed) or None
        seconds = time.perf_counter() - self._began
        values = {k: float(v) for k, v in (logs or {}).items() if k != "learning_rate"}
        width = len(str(max(self.epochs, 1)))
        parts = [f"{name} {value:.4g}" for name, value in values.items()]
        if "learning_rate" in (logs or {}):
            parts.append(f"lr {float(logs['learning_rate']):.2g}")  # type: ignore[index]
        line = f"Epoch {epoch + 1:>{width}}{self._of}  {seconds:5.1f} s  " + "  ".join(parts)
        self.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def on_train_end(self, logs: Any = None) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
