"""What is found to be the state of a Keras callback."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from mltk.training.callback_state import CallbackState

pytestmark = pytest.mark.tf


class Own(keras.callbacks.Callback):
    """A user's callback with attributes of every kind."""

    def __init__(self, **values: Any) -> None:
        super().__init__()
        self.__dict__.update(values)


def test_numbers_and_arrays_are_state_and_nothing_else_is() -> None:
    callback = Own(
        count=3,
        best=np.float32(0.5),
        seen=[1, None, 2.5],
        per_class={"a": [1, 2]},
        weights=[np.zeros(2), np.ones(3)],
        name="mine",
        function=len,
        mixed=[1, "text"],
        by_index={1: 2},
    )
    state = CallbackState.of(callback)
    assert state.kind == "Own"
    assert state.scalars == {"count": 3, "best": 0.5, "seen": [1, None, 2.5], "per_class": {"a": [1, 2]}}
    assert type(state.scalars["best"]) is float
    np.testing.assert_equal(state.arrays, {"weights": [np.zeros(2), np.ones(3)]})


def test_arrays_are_copied() -> None:
    callback = Own(weights=[np.zeros(2)])
    state = CallbackState.of(callback)
    callback.weights[0][:] = 7
    np.testing.assert_array_equal(state.arrays["weights"][0], [0, 0])


def test_what_has_not_changed_is_a_setting() -> None:
    callback = Own(patience=5, wait=0)
    beginning = CallbackState.of(callback)
    callback.wait = 2
    state = CallbackState.of(callback).since(beginning)
    assert state.scalars == {"wait": 2}
    resumed = Own(patience=9, wait=0)
    state.restore(resumed)
    assert (resumed.patience, resumed.wait) == (9, 2)


def test_variables_are_assigned_not_replaced() -> None:
    variable = keras.Variable(1.0)
    callback = Own(rate=variable)
    beginning = CallbackState.of(callback)
    variable.assign(0.5)
    state = CallbackState.of(callback).since(beginning)
    variable.assign(3.0)
    state.restore(callback)
    assert callback.rate is variable
    assert float(variable) == 0.5
