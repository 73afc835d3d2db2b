"""What a specification for MLTK 0.20 expects of Keras 2, and Keras 3 has changed.

- ``optimizer.lr`` is ``optimizer.learning_rate``. Own callbacks read and set it.
- ``tf.keras.backend.set_value(variable, value)`` fails in Keras 3 with a variable of Keras 3.
- ``keras_model.save(path, save_format="tf")`` ignores the format, which follows from the name of the file.
- A functional model without a name is named ``model``, ``model_1``, and so on. Specifications search an inner model by
  this name. Only the function that builds the model of a 0.20 specification sees these names.
- ``layer.output_shape`` and other attributes: see ``keras2_attributes.py``.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras

from mltk.training.keras2_attributes import add_keras2_attributes

_CORE = re.compile(r"^\s*(?:import\s+mltk\.core|from\s+mltk\s+import\s+core|from\s+mltk\.core)\b", re.MULTILINE)


def is_for_0_20(script: str | None) -> bool:
    """Whether a specification imports ``mltk.core``.

    Args:
        script: Path of the specification; None if it has no file.
    """
    if script is None:
        return False
    try:
        return _CORE.search(Path(script).read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False


@contextlib.contextmanager
def keras2_names(script: str | None) -> Iterator[None]:
    """Within the block, name functional models as Keras 2 did, if the specification is for MLTK 0.20.

    Args:
        script: Path of the specification.
    """
    if not is_for_0_20(script):
        yield
        return
    accept_keras2_calls()
    functional: Any = keras.src.models.functional.Functional
    original = functional.__init__
    count = 0

    @functools.wraps(original)
    def named(self: Any, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        nonlocal count
        if name is None and type(self) is functional:
            name, count = "model" if count == 0 else f"model_{count}", count + 1
        original(self, inputs, outputs, name=name, **kwargs)

    functional.__init__ = named
    try:
        yield
    finally:
        functional.__init__ = original


def accept_keras2_calls() -> None:
    """Make the calls in the list above work, until the process ends."""
    add_keras2_attributes()
    backend = importlib.import_module("keras._tf_keras.keras.backend")
    backend.set_value = _set_value  # type: ignore[attr-defined]  # a module of Keras
    optimizer: Any = keras.optimizers.Optimizer
    if not hasattr(optimizer, "lr"):
        optimizer.lr = property(_learning_rate, _set_learning_rate)
    model: Any = keras.Model
    if not hasattr(model.save, "accepts_save_format"):
        model.save = _without_save_format(model.save)


def _set_value(x: Any, value: Any) -> None:
    x.assign(value)


def _learning_rate(optimizer: Any) -> Any:
    return optimizer.learning_rate


def _set_learning_rate(optimizer: Any, value: Any) -> None:
    optimizer.learning_rate = value


def _without_save_format(save: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(save)
    def wrapped(self: Any, filepath: Any, *args: Any, save_format: str | None = None, **kwargs: Any) -> Any:
        return save(self, filepath, *args, **kwargs)

    wrapped.accepts_save_format = True  # type: ignore[attr-defined]  # a mark on the function, for the next call
    return wrapped
