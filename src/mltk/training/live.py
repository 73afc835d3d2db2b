"""A callback that tells what a running training has reached."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

from mltk.training.live_state import LiveState

_EVERY_S = 0.25


class LiveRecorder(keras.callbacks.Callback):
    """Writes the progress of training to a `LiveState`.

    Args:
        state: Where to write.
        epochs: Total number of epochs.
        steps: Number of batches of an epoch; None if unknown.
        history: Metric → its values in the epochs that earlier runs have finished.
    """

    def __init__(
        self, state: LiveState, epochs: int, steps: int | None, history: Mapping[str, Sequence[float]] | None = None
    ) -> None:
        super().__init__()
        self.state = state
        self._began = self._told = 0.0
        state.set(epochs=epochs, steps=steps)
        earlier = history or {}
        n = max(map(len, earlier.values()), default=0)
        for i in range(n):  # a metric with fewer values was not measured after every epoch
            metrics = {name: values[i] for name, values in earlier.items() if len(values) == n}
            state.add_epoch(i + 1, metrics, -1.0)

    def on_train_begin(self, logs: Any = None) -> None:
        self.state.set(stage="training")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = time.perf_counter()
        self.state.set(epoch=epoch + 1, step=0)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        now = time.perf_counter()
        if now - self._told < _EVERY_S:
            return  # reading the loss waits for the end of the step
        self._told = now
        loss = (logs or {}).get("loss")
        value = None if loss is None else float(loss)
        self.state.set(step=batch + 1, loss=value if value is not None and math.isfinite(value) else None)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        metrics = {name: float(value) for name, value in (logs or {}).items()}
        self.state.add_epoch(epoch + 1, metrics, time.perf_counter() - self._began)
