"""The time of an epoch, for the benchmarks that compare two ways to train."""

from __future__ import annotations

import time
from statistics import median
from typing import Any

import keras
import numpy as np


class EpochTimes(keras.callbacks.Callback):
    """Records wall-clock and CPU seconds at the beginning of each epoch. The CPU seconds are those of all threads.

    The time of an epoch is from its beginning to the beginning of the next, so that what happens at its end counts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.wall: list[float] = []
        self.cpu: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.wall.append(time.perf_counter())
        self.cpu.append(time.process_time())

    def medians(self) -> tuple[float, float]:
        """Return the median wall-clock and CPU seconds of an epoch, without the first and the last epoch."""
        return median(np.diff(self.wall)[1:]), median(np.diff(self.cpu)[1:])

    def last(self) -> tuple[float, float]:
        """Return wall-clock and CPU seconds of the last epoch until now. Call it when ``fit`` returns."""
        return time.perf_counter() - self.wall[-1], time.process_time() - self.cpu[-1]
