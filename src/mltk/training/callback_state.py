"""The state of a Keras callback: what it remembers from epoch to epoch.

Keras callbacks keep their state in attributes and have no method that returns it. So the state is found by a rule that
fits Keras's callbacks and a user's own ones. An attribute belongs to the state if

- its value is a number, None, a list or dictionary of numbers, or a list of arrays, and
- for numbers: its value has changed since training began.

Names, paths, functions and models come from the specification when a run resumes. An attribute that has not changed
is a setting: a resumed run uses the value in the specification, which the user may have changed (a higher patience).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

# Keras changes some settings as well: it flips the sign of min_delta when it first sees the metric. BestWeights
# determines _settled and named_by_metric again.
_NOT_STATE = {"params", "_model", "model", "min_delta", "_settled", "named_by_metric"}
_NOT_NUMBERS = object()


@dataclass
class CallbackState:
    """What a Keras callback remembers from epoch to epoch."""

    kind: str
    """Name of the callback's class."""
    scalars: dict[str, Any] = field(default_factory=dict)
    """Attribute → number, None, or lists and dictionaries of numbers, as JSON can store them."""
    arrays: dict[str, list[npt.NDArray[Any]]] = field(default_factory=dict)
    """Attribute → list of arrays, for instance the best weights."""

    @classmethod
    def of(cls, callback: keras.callbacks.Callback) -> CallbackState:
        """Copy every attribute that holds numbers or arrays."""
        state = cls(type(callback).__name__)
        for name, value in vars(callback).items():
            if name in _NOT_STATE:
                continue
            if _is_array_list(value):
                state.arrays[name] = [np.array(a) for a in value]
                continue
            numbers = _as_numbers(value)
            if numbers is not _NOT_NUMBERS:
                state.scalars[name] = numbers
        return state

    def since(self, beginning: CallbackState) -> CallbackState:
        """The part of this state that has changed since the ``beginning`` of training."""
        changed = {k: v for k, v in self.scalars.items() if k not in beginning.scalars or v != beginning.scalars[k]}
        return CallbackState(self.kind, changed, self.arrays)

    def restore(self, callback: keras.callbacks.Callback) -> None:
        """Set the attributes of ``callback`` to this state."""
        for name, value in {**self.scalars, **self.arrays}.items():
            held: Any = getattr(callback, name, None)
            if hasattr(held, "assign"):  # a TensorFlow or Keras variable
                held.assign(value)
            else:
                setattr(callback, name, value)


def _is_array_list(value: object) -> bool:
    return isinstance(value, (list, tuple)) and bool(value) and all(isinstance(v, np.ndarray) for v in value)


def _as_numbers(value: Any) -> Any:
    """``value`` in Python's own numbers, lists and dictionaries, or ``_NOT_NUMBERS``."""
    if isinstance(value, np.generic) or (hasattr(value, "numpy") and getattr(value, "shape", None) == ()):
        value = np.asarray(value).item()
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        items = [_as_numbers(v) for v in value]
        return _NOT_NUMBERS if any(i is _NOT_NUMBERS for i in items) else items
    if isinstance(value, dict) and all(isinstance(k, str) for k in value):
        entries = {k: _as_numbers(v) for k, v in value.items()}
        return _NOT_NUMBERS if any(v is _NOT_NUMBERS for v in entries.values()) else entries
    return _NOT_NUMBERS
