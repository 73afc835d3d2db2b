"""What a running training has reached, for a page that shows it while it grows."""

from __future__ import annotations

import math
import threading
from typing import Any


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
