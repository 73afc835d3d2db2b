"""The state of a running training is plain data."""

from __future__ import annotations

import math

import pytest

from mltk.training.live_state import LiveState


def test_values_that_json_lacks_are_left_out() -> None:
    state = LiveState(3)
    state.add_epoch(1, {"loss": math.nan}, 1.0)
    state.add_epoch(2, {"loss": 2.0, "val_loss": math.inf}, 1.0)
    state.add_epoch(3, {"val_loss": 1.5}, 1.0)
    history = state.read()["history"]
    assert history == {"epoch": [1, 2, 3], "loss": [None, 2.0, None], "val_loss": [None, None, 1.5]}


def test_the_rest_of_the_time_is_estimated_from_the_last_epochs() -> None:
    state = LiveState(10)
    assert state.read()["left_s"] is None
    for epoch in range(1, 5):
        state.add_epoch(epoch, {}, 2.0)
    state.set(epoch=5, step=5, steps=10)
    assert state.read()["left_s"] == pytest.approx(11.0)
