"""What a running training has reached, for a page that shows it while it grows."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

import keras

_EVERY_S = 0.25


class LiveState:
    """The progress of a training run. The training writes it, and the threads of a server read it.

    Args:
        epochs: Total number of epochs; 0 or less if unknown.
    """

    def __init__(self, epochs: int = 0) -> None:
        self._lock = threading.Lock()
        self._state: dict[str, Any] = {
            "stage": "preparing",
            "epochs": epochs,
            "epoch": 0,
            "step": 0,
            "steps": None,
            "loss": None,
            "history": {"epoch": []},
            "seconds": [],
        }

    def set(self, **values: Any) -> None:
        """Change some values: ``stage``, ``epochs``, ``epoch``, ``step``, ``steps``, ``loss``."""
        with self._lock:
            self._state.update(values)

    def add_epoch(self, epoch: int, metrics: dict[str, float], seconds: float) -> None:
        """Add the metrics of a finished epoch.

        Args:
            epoch: Number of the epoch, counted from 1.
            metrics: Metric → value. A metric that an epoch lacks, or that is not finite, is None there.
            seconds: Duration of the epoch; negative if an earlier run finished it.
        """
        with self._lock:
            history = self._state["history"]
            before = len(history["epoch"])
            for name in {*history, *metrics} - {"epoch"}:
                value = metrics.get(name)
                finite = value is not None and math.isfinite(value)
                history.setdefault(name, [None] * before).append(float(value) if finite and value is not None else None)
            history["epoch"].append(epoch)
            if seconds >= 0:
                self._state["seconds"].append(seconds)

    def read(self) -> dict[str, Any]:
        """Return a copy, as plain data for JSON; ``left_s`` is the estimated rest of the training in seconds."""
        with self._lock:
            state = dict(self._state)
            state["history"] = {name: list(values) for name, values in self._state["history"].items()}
            seconds = list(state.pop("seconds"))
        state["left_s"] = None
        if seconds and state["epochs"] > 0:
            recent = sorted(seconds[-5:])
            left = state["epochs"] - state["epoch"] + 1 - (state["step"] / state["steps"] if state["steps"] else 0)
            state["left_s"] = max(0.0, left * recent[len(recent) // 2])
        return state


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
