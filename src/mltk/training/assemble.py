"""Creates the callbacks of a training run, in the order in which Keras must call them."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from mltk.errors import MissingDependencyError, OutputError, SettingError, TrainingError, did_you_mean
from mltk.specification.events import MltkModelEvent
from mltk.specification.weights import higher_is_better
from mltk.training.callbacks import Checkpointer, HistoryRecorder
from mltk.training.checkpoints import Checkpoint
from mltk.training.live import LiveRecorder
from mltk.training.live_state import LiveState
from mltk.training.progress import ProgressView
from mltk.training.protocols import CallbackSettings

logger = logging.getLogger("mltk")
_MODES = ("auto", "min", "max")


@dataclass
class Callbacks:
    """The callbacks of one training run."""

    all: list[keras.callbacks.Callback]
    recorder: HistoryRecorder
    checkpointer: Checkpointer
    progress: ProgressView | None

    def close(self) -> None:
        """End the threads and the progress bar. Call this also after a failed training."""
        if self.progress is not None:
            self.progress.close()
        self.checkpointer.close()


def assemble_callbacks(
    model: CallbackSettings,
    inputs: dict[str, Any],
    *,
    seed: int,
    epochs: int,
    first_epoch: int,
    checkpoint: Checkpoint | None,
    verbose: bool | None,
    live: LiveState | None = None,
) -> Callbacks:
    """Create the built-in callbacks of the specification, and add the user's callbacks after them.

    Args:
        model: Specification.
        inputs: Arguments of ``fit`` from :func:`~mltk.training.inputs.fit_inputs`.
        seed: Seed of this run.
        epochs: Total number of epochs.
        first_epoch: Number of epochs that earlier runs have finished.
        checkpoint: Checkpoint to resume from, or None.
        verbose: False shows no progress.
        live: Where the progress is written for a page that shows it.

    Returns:
        The callbacks. The caller must close them.

    Raises:
        SettingError: Keras refuses the arguments of a callback, or ``train_callbacks`` has something else in it.
        MissingDependencyError: TensorBoard is set but not installed.
    """
    stateful = _built_in(model)
    own = list(model.train_callbacks or [])
    for callback in own:
        if not isinstance(callback, keras.callbacks.Callback):
            raise SettingError(f"train_callbacks: {callback!r} is not a Keras callback.")
    stateful += own
    model.trigger_event(MltkModelEvent.POPULATE_TRAIN_CALLBACKS, keras_callbacks=stateful)
    recorder = HistoryRecorder()
    first: list[keras.callbacks.Callback] = [MonitorCheck(model)]
    steps = inputs["steps_per_epoch"]
    if steps is None and hasattr(inputs["x"], "num_batches"):
        steps = inputs["x"].num_batches
    progress = None if verbose is False else ProgressView(epochs, steps, first_epoch)
    shown: list[keras.callbacks.Callback] = [] if progress is None else [progress]
    if live is not None:
        shown.append(LiveRecorder(live, epochs, steps, checkpoint.history if checkpoint is not None else None))
    folder = model.checkpoints_dir if model.checkpoints_enabled else None
    if folder:
        os.makedirs(folder, exist_ok=True)
    checkpointer = Checkpointer(folder, stateful, recorder, seed=seed, resumed=checkpoint)
    return Callbacks([*first, *stateful, recorder, *shown, checkpointer], recorder, checkpointer, progress)


def _built_in(model: CallbackSettings) -> list[keras.callbacks.Callback]:
    found: list[keras.callbacks.Callback] = []
    options = model.callback_options("tensorboard")
    if options:
        if importlib.util.find_spec("tensorboard") is None:
            raise MissingDependencyError("TensorBoard", "tensorboard")
        options.setdefault("log_dir", os.path.join(model.create_log_dir("train"), "tensorboard"))
        found.append(_make("tensorboard", keras.callbacks.TensorBoard, options))
    options = model.callback_options("checkpoint")
    if options:
        found.append(_best_weights(model, options))
    options = model.callback_options("lr_schedule")
    if options:
        if isinstance(options.get("schedule"), keras.optimizers.schedules.LearningRateSchedule):
            options["schedule"] = _rate_of_epoch(options["schedule"])
        found.append(_make("lr_schedule", keras.callbacks.LearningRateScheduler, options))
    options = model.callback_options("reduce_lr_on_plateau")
    if options:
        if "epsilon" in options:  # the name before Keras 2.1
            options["min_delta"] = options.pop("epsilon")
        found.append(_make("reduce_lr_on_plateau", keras.callbacks.ReduceLROnPlateau, options))
    options = model.callback_options("early_stopping")
    if options:
        found.append(_make("early_stopping", keras.callbacks.EarlyStopping, options))
    return found


def _rate_of_epoch(schedule: keras.optimizers.schedules.LearningRateSchedule) -> Callable[[int], float]:
    """Return a function that reads a schedule at an epoch; the callback accepts numbers only, not tensors."""
    return lambda epoch: float(schedule(epoch))


def _make(name: str, kind: type, options: dict[str, Any]) -> keras.callbacks.Callback:
    if options.get("mode", "auto") not in _MODES:  # Keras only warns and uses "auto"
        raise SettingError(f"{name}: mode {options['mode']!r} is not one of {', '.join(_MODES)}.")
    try:
        return kind(**options)
    except (TypeError, ValueError) as e:
        raise SettingError(
            f"{name}: {e}", hint=f"Its keys are the arguments of keras.callbacks.{kind.__name__}."
        ) from None


def _best_weights(model: CallbackSettings, options: dict[str, Any]) -> BestWeights:
    options.pop("keep", None)  # for the operation; Keras does not know it
    options.pop("options", None)  # TensorFlow's CheckpointOptions; Keras 3 has no such argument
    extension = ".weights.h5" if options.get("save_weights_only", True) else ".keras"
    path = options.pop("filepath", None)
    if path is None:
        os.makedirs(model.weights_dir, exist_ok=True)
        path = os.path.join(model.weights_dir, f"weights-{{epoch:03d}}{extension}")
    elif not path.endswith(extension):
        path = os.path.splitext(path.removesuffix(".weights.h5"))[0] + extension
    callback = _make("checkpoint", BestWeights, {**options, "filepath": path})
    assert isinstance(callback, BestWeights)
    callback.named_by_metric = model.weights_dir in path
    return callback


class BestWeights(keras.callbacks.ModelCheckpoint):
    """Keras's ModelCheckpoint, but it always finds a metric and knows whether higher is better.

    If the monitored metric is not reported, for instance ``val_accuracy`` without validation data, Keras keeps the
    weights of every epoch. This class then monitors the nearest metric that is reported.
    """

    monitor: str
    mode: str
    filepath: str
    named_by_metric = False
    _settled = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if not self._settled:
            self._settle(logs)
        if self.monitor in logs or not self.save_best_only:  # with validation_freq, some epochs do not have it
            super().on_epoch_end(epoch, logs)

    def _save_model(self, epoch: int, batch: int | None, logs: dict[str, Any] | None) -> None:
        """Save like Keras, but to a temporary file first, so that a killed run leaves no damaged weights."""
        path = self._get_file_path(epoch, batch, logs)
        if not self._should_save_model(epoch, batch, logs, path):
            return
        folder, name = os.path.split(path)
        aside = os.path.join(folder, f".{name}")
        try:
            os.makedirs(folder or ".", exist_ok=True)
            if self.save_weights_only:
                self.model.save_weights(aside, overwrite=True)
            else:
                self.model.save(aside, overwrite=True)
            os.replace(aside, path)
        except OSError as e:
            raise OutputError(f"Can't write {path}: {e.strerror or e}.") from e
        finally:
            with contextlib.suppress(OSError):
                os.unlink(aside)

    def _settle(self, logs: dict[str, Any]) -> None:
        wanted = self.monitor
        if wanted not in logs:
            options = [wanted.removeprefix("val_"), "val_accuracy", "accuracy", "val_loss", "loss"]
            self.monitor = next((o for o in options if o in logs), wanted)
            if self.monitor != wanted:
                self.mode = "auto"  # the mode was that of the other metric
                logger.info("%s is not reported; using %s to select the best weights.", wanted, self.monitor)
        if self.mode == "auto":
            self.mode = "max" if higher_is_better(self.monitor) else "min"
        if self.named_by_metric and self.monitor in logs:
            head, _, extension = self.filepath.rpartition("weights-{epoch:03d}")
            self.filepath = f"{head}weights-{{epoch:03d}}-{{{self.monitor}:.4f}}{extension}"
        self._settled = self.monitor in logs


class MonitorCheck(keras.callbacks.Callback):
    """Raises an error if a callback monitors a metric that does not exist.

    Keras only warns once, and then never stops early or never lowers the learning rate. The check happens after the
    first epoch with validation.

    Args:
        model: Specification.
    """

    def __init__(self, model: CallbackSettings) -> None:
        super().__init__()
        self.monitors = {
            name: (getattr(model, name) or {}).get("monitor", "val_loss")
            for name in ("early_stopping", "reduce_lr_on_plateau")
            if getattr(model, name)
        }
        self.validation_freq = model.validation_freq

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if not self.monitors or (epoch + 1) % self.validation_freq:
            return
        known = list(logs or {})
        for setting, monitor in self.monitors.items():
            if monitor not in known:
                raise TrainingError(
                    f"{setting} monitors {monitor!r}, which is not among the metrics: {', '.join(known)}.",
                    hint=did_you_mean(monitor, known)
                    or (
                        "The model has no validation data."
                        if monitor.startswith("val_")
                        else f"Set {setting}['monitor']."
                    ),
                )
        self.monitors = {}
