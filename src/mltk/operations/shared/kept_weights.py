"""Which weights a trained model has: those of the last epoch, or of the best one."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mltk.errors import MltkError, SettingError
from mltk.specification.train_settings import check_keep
from mltk.specification.weights import checkpoint_path, list_checkpoints

if TYPE_CHECKING:
    from mltk.operations.results.training import TrainingResults
    from mltk.operations.shared.model_types import KerasModel, TrainableModel

logger = logging.getLogger("mltk")


def keeps_best(model: TrainableModel) -> bool:
    """Return whether the trained model gets the best weights, and check that this is possible.

    Args:
        model: The specification.

    Raises:
        SettingError: ``checkpoint["keep"]`` has another value than ``"last"`` and ``"best"``, or no weights are saved
            from which the best ones could be loaded.
    """
    options = model.checkpoint or {}
    problem = check_keep(options)
    if problem:
        raise SettingError(f"checkpoint: {problem}", hint="my_model.checkpoint['keep'] = 'best'")
    if options.get("keep") != "best":
        return False
    if not model.checkpoints_enabled and (options.get("filepath") or options.get("save_freq", "epoch") != "epoch"):
        raise SettingError(
            "checkpoint: keep is 'best', but the weights of each epoch are not saved.",
            hint="Set my_model.checkpoints_enabled = True, or leave out checkpoint['filepath'] and "
            "checkpoint['save_freq'].",
        )
    return True


def choose_weights(model: TrainableModel, results: TrainingResults, callbacks: Sequence[Any]) -> None:
    """Load the best weights into the trained model if the specification says so, and record which weights it has.

    Args:
        model: The specification.
        results: Results of the finished training; they receive the epoch.
        callbacks: Callbacks of the run. Some change the weights at the end.
    """
    name, value, best = results.best()
    n = len(results.epochs)
    results.weights_epoch, results.weights = _after_training(n, callbacks)
    if keeps_best(model) and best is not None and best != results.weights_epoch:
        if _load_epoch(model, results.keras_model, best, value):
            results.weights_epoch, results.weights = best, f"of epoch {best}, the best by {name}"
        else:
            logger.warning(
                "%s: the weights of epoch %d, the best by %s, were not found. The model keeps the weights %s.",
                model.name,
                best,
                name,
                results.weights,
            )
    elif best is not None and best == results.weights_epoch:
        results.weights += f", the best by {name}"
    if best is not None and best != results.weights_epoch:
        results.weights += f"; epoch {best} has the best {name} ({value:.4g})"


def _after_training(n: int, callbacks: Sequence[Any]) -> tuple[int | None, str]:
    """Return the epoch whose weights the model has when training ends, and a text about them."""
    epoch: int | None = n
    text = f"of epoch {n}, the last"
    for callback in callbacks:
        if getattr(callback, "restore_best_weights", False) and getattr(callback, "best_weights", None) is not None:
            epoch = int(callback.best_epoch) + 1
            text = f"of epoch {epoch}, which early_stopping restored"
        elif type(callback).__name__ == "StochasticWeightAveraging" and callback.averaged:
            epoch, text = None, f"averaged over {callback.averaged} epochs"
    return epoch, text


def _load_epoch(model: TrainableModel, keras_model: KerasModel, epoch: int, value: float) -> bool:
    """Load the weights of an epoch from its checkpoint, or from the file that the callback ``checkpoint`` wrote."""
    if model.checkpoints_enabled and epoch in list_checkpoints(model.checkpoints_dir):
        from mltk.training.checkpoints import Checkpoint

        try:
            Checkpoint.load(checkpoint_path(model.checkpoints_dir, epoch)).restore_variables(keras_model)
        except MltkError as e:
            logger.warning("%s", e)
        else:
            return True
    pattern = re.compile(rf"weights-{epoch:03d}-{re.escape(f'{value:.4f}')}(\.weights\.h5|\.keras)")
    for file in os.listdir(model.weights_dir) if os.path.isdir(model.weights_dir) else []:
        if pattern.fullmatch(file):
            keras_model.load_weights(os.path.join(model.weights_dir, file))
            return True
    return False
