"""Keras callbacks: those of every training run, and those that a specification may add."""

from __future__ import annotations

import logging
import math
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mltk.errors import TrainingError
from mltk.specification.weights import checkpoint_path
from mltk.training.callback_state import CallbackState
from mltk.training.checkpoints import Checkpoint


class SteppedLearnRateScheduler(keras.callbacks.Callback):
    """Changes the learning rate after given numbers of batches.

    Args:
        learning_rate: List of ``(batches, rate)``: each rate is used for this number of batches. The last rate is
            used until the end of training.

    Raises:
        ValueError: The list is empty.
    """

    def __init__(self, learning_rate: list[tuple[int, float]]) -> None:
        super().__init__()
        if not learning_rate:
            raise ValueError("learning_rate must have at least one (batches, rate)")
        self.learning_rate = [(int(n), float(rate)) for n, rate in learning_rate]
        self.batches_seen = 0

    def on_train_begin(self, logs: Any = None) -> None:
        self.batches_seen = 0

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        end = 0
        rate = self.learning_rate[-1][1]
        for count, value in self.learning_rate:
            end += count
            if self.batches_seen < end:
                rate = value
                break
        if float(self.model.optimizer.learning_rate) != rate:
            self.model.optimizer.learning_rate = rate
        self.batches_seen += 1

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class StochasticWeightAveraging(keras.callbacks.Callback):
    """Replaces the weights at the end of training with their mean over the last epochs.

    Izmailov et al., "Averaging weights leads to wider optima and better generalization", UAI 2018 (arXiv:1803.05407).
    Keep the learning rate above zero during these epochs: averaging helps only if the weights still move. The
    statistics of batch normalization are averaged too. The metrics of each epoch are those of the model that is not
    averaged. A resumed run continues the average. ::

        my_model.train_callbacks = [StochasticWeightAveraging(from_epoch=my_model.epochs // 2)]

    Args:
        from_epoch: First epoch to average, counted from 0.

    Raises:
        ValueError: ``from_epoch`` is negative.
    """

    def __init__(self, from_epoch: int) -> None:
        super().__init__()
        if from_epoch < 0:
            raise ValueError(f"from_epoch is {from_epoch}; it must be 0 or more")
        self.from_epoch = int(from_epoch)
        self.averaged = 0
        self.mean: list[npt.NDArray[np.float64]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.averaged, self.mean = 0, []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch < self.from_epoch:
            return
        weights = [np.asarray(w, np.float64) for w in self.model.get_weights()]
        self.averaged += 1
        self.mean = [m + (w - m) / self.averaged for m, w in zip(self.mean or weights, weights, strict=True)]

    def on_train_end(self, logs: Any = None) -> None:
        if self.averaged:
            now = self.model.get_weights()
            self.model.set_weights([m.astype(w.dtype) for m, w in zip(self.mean, now, strict=True)])


class HistoryRecorder(keras.callbacks.Callback):
    """Records the metrics of each epoch, also across resumed runs, and stops training at a loss that is not finite.

    Raises:
        TrainingError: The loss after an epoch is NaN or infinite.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[float]] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = {k: float(v) for k, v in (logs or {}).items()}
        logs.setdefault("learning_rate", _learning_rate(self.model))
        loss = logs.get("loss")
        if loss is not None and not math.isfinite(loss):
            raise TrainingError(
                f"The loss is {loss} after epoch {epoch + 1}.",
                hint="Lower the learning rate. Look for NaN or large values in the samples (divide pixels by 255). "
                "Check that the loss fits the last layer (softmax with categorical_crossentropy, "
                "sigmoid with binary_crossentropy). The checkpoints of earlier epochs are kept.",
            )
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)


def _learning_rate(model: keras.Model) -> float:
    try:
        return float(model.optimizer.learning_rate)
    except (AttributeError, TypeError, ValueError):
        return float("nan")


class Checkpointer(keras.callbacks.Callback):
    """Writes a :class:`~mltk.training.checkpoints.Checkpoint` after every epoch, and restores one.

    It must be the last callback. At the end of an epoch, the other callbacks have then updated their state. At the
    beginning of training, they have reset it, so that this callback can restore it.

    The state is copied at the end of the epoch. A thread writes the copy while the next epoch runs.

    Args:
        folder: Folder for the checkpoints; None writes no checkpoints.
        others: Callbacks whose state is in the checkpoint.
        recorder: Callback whose history is in the checkpoint.
        seed: Seed of this run.
        resumed: Checkpoint to resume from.
    """

    def __init__(
        self,
        folder: str | None,
        others: list[keras.callbacks.Callback],
        recorder: HistoryRecorder,
        *,
        seed: int,
        resumed: Checkpoint | None = None,
    ) -> None:
        super().__init__()
        self.folder = folder
        self.others = others
        self.recorder = recorder
        self.seed = seed
        self.resumed = resumed
        self._beginning: list[CallbackState] = []
        self._thread: ThreadPoolExecutor | None = None
        self._writing: Future[None] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        self._beginning = [CallbackState.of(c) for c in self.others]
        if self.resumed is not None:
            self.resumed.restore_callbacks(self.others)
            self.recorder.history = {k: list(v) for k, v in self.resumed.history.items()}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.wait()
        if self.folder is None or self._thread is None:
            return
        memory = [CallbackState.of(c).since(b) for c, b in zip(self.others, self._beginning, strict=True)]
        state = Checkpoint.of(self.model, memory, epoch=epoch + 1, seed=self.seed, history=self.recorder.history)
        self._writing = self._thread.submit(state.save, checkpoint_path(self.folder, epoch + 1))

    def wait(self) -> None:
        """Wait until the checkpoint is written.

        Raises:
            OutputError: The checkpoint cannot be written.
        """
        writing, self._writing = self._writing, None
        if writing is not None:
            writing.result()

    def on_train_end(self, logs: Any = None) -> None:
        self.wait()

    def close(self) -> None:
        """Wait for the thread that writes, and end it. Call this also after a failed training."""
        if self._thread is not None:
            self._thread.shutdown(wait=True)
            self._thread = None
        if self._writing is not None and self._writing.exception() is not None:
            logging.getLogger("mltk").warning("The last checkpoint was not written: %s", self._writing.exception())
        self._writing = None
