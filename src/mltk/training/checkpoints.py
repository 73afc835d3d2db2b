"""Checkpoints: everything that a training run needs to continue as if it had not been stopped.

Each epoch has one ``.npz`` file, which is written to a temporary file and then renamed. The file contains

- the variables of the model: weights, moving averages, the state of dropout's random generators,
- the variables of the optimizer: momenta, step, learning rate,
- the state of each callback: patience, best value, best weights,
- the history.

Nothing in the file is pickled.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mltk.errors import TrainingError
from mltk.files import replacing
from mltk.specification.weights import checkpoint_path, list_checkpoints
from mltk.training.callback_state import CallbackState

_STATE = "state.json"
_VARIABLES = ("model", "optimizer")
# Exceptions that zipfile, json and NumPy raise for damaged files.
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
    MemoryError,
    SyntaxError,
    zlib.error,
    zipfile.BadZipFile,
)


@dataclass
class Checkpoint:
    """The state of a training run after ``epoch`` epochs."""

    epoch: int
    seed: int
    stop_training: bool
    history: dict[str, list[float]]
    callbacks: list[CallbackState]
    variables: dict[str, list[npt.NDArray[Any]]]
    """``"model"`` and ``"optimizer"`` → values of the variables, in the order of Keras."""

    @classmethod
    def of(
        cls,
        model: keras.Model,
        callbacks: list[CallbackState],
        *,
        epoch: int,
        seed: int,
        history: dict[str, list[float]],
    ) -> Checkpoint:
        """Copy the state of a training run.

        Args:
            model: Model that is being trained.
            callbacks: State of each callback.
            epoch: Number of finished epochs.
            seed: Seed of this run.
            history: Metric → value after each epoch.

        Returns:
            A checkpoint that later training steps do not change.
        """
        return cls(
            epoch=epoch,
            seed=seed,
            stop_training=bool(model.stop_training),
            history={k: list(v) for k, v in history.items()},
            callbacks=callbacks,
            variables={
                # A copy: on the CPU, numpy() returns a view of memory that the next step changes.
                "model": [np.array(v.numpy()) for v in model.variables],
                "optimizer": [np.array(v.numpy()) for v in model.optimizer.variables],
            },
        )

    def save(self, path: str) -> None:
        """Write the checkpoint. A failure leaves no partial file and keeps the older checkpoints.

        Args:
            path: File to write.

        Raises:
            OutputError: The file cannot be written, for instance because the disk is full.
        """
        state = {
            "epoch": self.epoch,
            "seed": self.seed,
            "stop_training": self.stop_training,
            "history": self.history,
            "callbacks": [{"kind": c.kind, "scalars": c.scalars} for c in self.callbacks],
        }
        arrays = {f"{kind}/{i}": a for kind in _VARIABLES for i, a in enumerate(self.variables[kind])}
        for j, callback in enumerate(self.callbacks):
            arrays |= {f"callback/{j}/{n}/{i}": a for n, list_ in callback.arrays.items() for i, a in enumerate(list_)}
        with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr(_STATE, json.dumps({**state, "arrays": sorted(arrays)}))
            for name, array in arrays.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, array, allow_pickle=False)

    @classmethod
    def load(cls, path: str) -> Checkpoint:
        """Read a checkpoint.

        Args:
            path: File that :meth:`save` has written.

        Returns:
            The checkpoint.

        Raises:
            TrainingError: The file is damaged.
        """
        try:
            return cls._read(path)
        except _BROKEN as e:
            earlier = [n for n in list_checkpoints(os.path.dirname(path)) if checkpoint_path("", n) < _name(path)]
            raise TrainingError(
                f"Checkpoint {path} is damaged: {e}.",
                hint=f"Resume from an earlier one with --resume-epoch {earlier[-1]}."
                if earlier
                else "Train again from the start.",
            ) from None

    @classmethod
    def _read(cls, path: str) -> Checkpoint:
        arrays: dict[str, npt.NDArray[Any]] = {}
        with zipfile.ZipFile(path) as archive:
            state = json.loads(archive.read(_STATE))
            for name in archive.namelist():
                if name.endswith(".npy"):
                    with archive.open(name) as stream:
                        arrays[name[:-4]] = np.lib.format.read_array(stream, allow_pickle=False)
        if state.pop("arrays") != sorted(arrays):
            raise ValueError("some arrays are missing")
        variables = {kind: _numbered(arrays, f"{kind}/") for kind in _VARIABLES}
        callbacks = []
        for j, saved in enumerate(state.pop("callbacks")):
            prefix = f"callback/{j}/"
            names = {n.removeprefix(prefix).rpartition("/")[0] for n in arrays if n.startswith(prefix)}
            lists = {n: _numbered(arrays, f"{prefix}{n}/") for n in names}
            callbacks.append(CallbackState(saved["kind"], saved["scalars"], lists))
        return cls(**state, callbacks=callbacks, variables=variables)

    def restore_variables(self, model: keras.Model) -> None:
        """Set the variables of the model and of its optimizer to the values in this checkpoint.

        Args:
            model: Compiled model.

        Raises:
            TrainingError: The checkpoint belongs to a different model or optimizer.
        """
        model.optimizer.build(model.trainable_variables)
        for kind, owner in (("model", model), ("optimizer", model.optimizer)):
            values, variables = self.variables[kind], owner.variables
            same = len(values) == len(variables) and all(
                tuple(v.shape) == a.shape for v, a in zip(variables, values, strict=False)
            )
            if not same:
                raise TrainingError(
                    f"The checkpoint of epoch {self.epoch} belongs to a different {kind}: "
                    f"the checkpoint has {len(values)} variables, the {kind} now has {len(variables)}"
                    f"{'' if len(values) != len(variables) else ' of other shapes'}.",
                    hint="The specification has changed since then. Start again with --clean.",
                )
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def restore_callbacks(self, callbacks: list[keras.callbacks.Callback]) -> None:
        """Restore the state of each callback that the checkpoint knows. Other callbacks keep their state."""
        remaining = list(self.callbacks)
        for callback in callbacks:
            for state in remaining:
                if state.kind == type(callback).__name__:
                    state.restore(callback)
                    remaining.remove(state)
                    break


def _name(path: str) -> str:
    return os.path.basename(path)


def _numbered(arrays: dict[str, npt.NDArray[Any]], prefix: str) -> list[npt.NDArray[Any]]:
    """The arrays ``prefix0``, ``prefix1``, …, in this order."""
    found: list[npt.NDArray[Any]] = []
    while f"{prefix}{len(found)}" in arrays:
        found.append(arrays[f"{prefix}{len(found)}"])
    return found
