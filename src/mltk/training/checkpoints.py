"""A checkpoint: all that a training needs to go on as if it had not been stopped.

One ``.npz`` file an epoch, written aside and renamed, holds the variables of the model (weights, moving
averages, the state of dropout's random generators), those of the optimizer (momenta, step, learning rate), the
state of each callback (patience, best value, best weights) and the history. Nothing in it is pickled.
"""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from mltk.errors import TrainingError
from mltk.files import replacing
from mltk.specification.weights import checkpoint_path, list_checkpoints

# Settings that Keras changes in use (it flips min_delta's sign when it first sees the metric), and what is set anew.
_NOT_STATE = {"params", "_model", "model", "min_delta", "_settled", "named_by_metric"}
_STATE = "state.json"
_VARIABLES = ("model", "optimizer")
# What zipfile, json and NumPy raise on bytes that are not what they expect.
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
class CallbackState:
    """What a Keras callback remembers from epoch to epoch."""

    kind: str
    scalars: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, list[np.ndarray]] = field(default_factory=dict)

    @classmethod
    def of(cls, callback: keras.callbacks.Callback) -> CallbackState:
        """Capture every attribute that holds numbers; names, paths, functions and models are the callback's own."""
        state = cls(type(callback).__name__)
        for name, value in vars(callback).items():
            if name in _NOT_STATE:
                continue
            if _is_array_list(value):
                state.arrays[name] = [np.array(a) for a in value]
            else:
                plain = _plain(value)
                if plain is not _NOT_PLAIN:
                    state.scalars[name] = plain
        return state

    def since(self, beginning: CallbackState) -> CallbackState:
        """What is not as it was at the ``beginning`` of training.

        Only that is memory. The rest are the callback's settings, which a resumed run takes from the
        specification as it is then: the user may have raised the patience.
        """
        scalars = {k: v for k, v in self.scalars.items() if k not in beginning.scalars or v != beginning.scalars[k]}
        return CallbackState(self.kind, scalars, self.arrays)

    def restore(self, callback: keras.callbacks.Callback) -> None:
        """Give the callback its memory back."""
        for name, value in {**self.scalars, **self.arrays}.items():
            held: Any = getattr(callback, name, None)
            if hasattr(held, "assign"):
                held.assign(value)
            else:
                setattr(callback, name, value)


_NOT_PLAIN = object()


def _is_array_list(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(v, np.ndarray) for v in value)


def _plain(value: Any) -> Any:
    """``value`` as JSON can hold it, or ``_NOT_PLAIN``."""
    if isinstance(value, (np.generic,)) or (hasattr(value, "numpy") and getattr(value, "shape", None) == ()):
        value = np.asarray(value).item()
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        items = [_plain(v) for v in value]
        return _NOT_PLAIN if any(i is _NOT_PLAIN for i in items) else items
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        made = {k: _plain(v) for k, v in value.items()}
        return _NOT_PLAIN if any(i is _NOT_PLAIN for i in made.values()) else made
    return _NOT_PLAIN


@dataclass
class Checkpoint:
    """The state of a training after ``epoch`` epochs."""

    epoch: int
    seed: int
    stop_training: bool
    history: dict[str, list[float]]
    callbacks: list[CallbackState]
    variables: dict[str, list[np.ndarray]]
    """``"model"`` and ``"optimizer"`` → the values of their variables, in Keras's order."""

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
        """Capture the state of a training."""
        return cls(
            epoch=epoch,
            seed=seed,
            stop_training=bool(model.stop_training),
            history={k: list(v) for k, v in history.items()},
            callbacks=callbacks,
            variables={
                # A copy: on the CPU, numpy() is a view of the memory that the next step writes to.
                "model": [np.array(v.numpy()) for v in model.variables],
                "optimizer": [np.array(v.numpy()) for v in model.optimizer.variables],
            },
        )

    def save(self, path: str) -> None:
        """Write the checkpoint, whole or not at all.

        Raises:
            OutputError: it can't be written, for instance since the disk is full; older checkpoints stay.
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

        Raises:
            TrainingError: it is damaged.
        """
        try:
            return cls._read(path)
        except _BROKEN as e:
            earlier = [n for n in list_checkpoints(os.path.dirname(path)) if checkpoint_path("", n) < _name(path)]
            raise TrainingError(
                f"Checkpoint {path} is damaged: {e}.",
                hint=f"Resume from an earlier one with --resume-epoch {earlier[-1]}." if earlier else "Train anew.",
            ) from None

    @classmethod
    def _read(cls, path: str) -> Checkpoint:
        arrays: dict[str, np.ndarray] = {}
        with zipfile.ZipFile(path) as archive:
            state = json.loads(archive.read(_STATE))
            for name in archive.namelist():
                if name.endswith(".npy"):
                    with archive.open(name) as stream:
                        arrays[name[:-4]] = np.lib.format.read_array(stream, allow_pickle=False)
        if state.pop("arrays") != sorted(arrays):
            raise ValueError("some of its arrays are not there")
        variables = {kind: _numbered(arrays, f"{kind}/") for kind in _VARIABLES}
        callbacks = []
        for j, saved in enumerate(state.pop("callbacks")):
            prefix = f"callback/{j}/"
            names = {n.removeprefix(prefix).rpartition("/")[0] for n in arrays if n.startswith(prefix)}
            lists = {n: _numbered(arrays, f"{prefix}{n}/") for n in names}
            callbacks.append(CallbackState(saved["kind"], saved["scalars"], lists))
        return cls(**state, callbacks=callbacks, variables=variables)

    def restore_variables(self, model: keras.Model) -> None:
        """Give the model's and its optimizer's variables the values in this checkpoint.

        Raises:
            TrainingError: the model is not the one that the checkpoint is of.
        """
        model.optimizer.build(model.trainable_variables)
        for kind, owner in (("model", model), ("optimizer", model.optimizer)):
            values, variables = self.variables[kind], owner.variables
            same = len(values) == len(variables) and all(
                tuple(v.shape) == a.shape for v, a in zip(variables, values, strict=False)
            )
            if not same:
                raise TrainingError(
                    f"The checkpoint of epoch {self.epoch} is of another {kind}: "
                    f"{len(values)} variables there, {len(variables)} now"
                    f"{'' if len(values) != len(variables) else ', of other shapes'}.",
                    hint="The specification has changed since. Start anew with --clean.",
                )
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def restore_callbacks(self, callbacks: list[keras.callbacks.Callback]) -> None:
        """Give the callbacks their memory; those that the specification has since added or removed are left out."""
        remaining = list(self.callbacks)
        for callback in callbacks:
            for state in remaining:
                if state.kind == type(callback).__name__:
                    state.restore(callback)
                    remaining.remove(state)
                    break


def _name(path: str) -> str:
    return os.path.basename(path)


def _numbered(arrays: dict[str, np.ndarray], prefix: str) -> list[np.ndarray]:
    found: list[np.ndarray] = []
    while f"{prefix}{len(found)}" in arrays:
        found.append(arrays[f"{prefix}{len(found)}"])
    return found
