"""The state of a running training is plain data, and complete at every moment."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

from mltk.training.live import LiveRecorder
from mltk.training.live_state import LiveState

pytestmark = pytest.mark.tf


def test_a_training_is_seen_epoch_after_epoch() -> None:
    state = LiveState()
    assert state.read()["stage"] == "preparing"
    seen = []

    class Look(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            seen.append(json.loads(json.dumps(state.read())))

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    x = np.ones((8, 2), np.float32)
    earlier = {"loss": [9.0], "learning_rate": [0.1], "val_loss": []}
    recorder = LiveRecorder(state, epochs=4, steps=2, history=earlier)
    model.fit(x, x[:, :1], batch_size=4, epochs=4, initial_epoch=1, verbose=0, callbacks=[recorder, Look()])
    assert [s["epoch"] for s in seen] == [2, 3, 4]
    assert [s["history"]["epoch"] for s in seen] == [[1, 2], [1, 2, 3], [1, 2, 3, 4]]
    assert seen[-1]["history"]["loss"][0] == 9.0
    assert seen[-1]["history"]["learning_rate"][1:] == [None, None, None]
    assert seen[0]["left_s"] > seen[-1]["left_s"]
    assert seen[0]["stage"] == "training"
