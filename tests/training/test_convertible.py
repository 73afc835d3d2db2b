"""Models in the form that converts: the same float32 outputs, and int8 operators that run on a device."""

from __future__ import annotations

import contextlib
import re
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as L

from mltk.errors import QuantizationError
from mltk.micro.engines.run import run_batch
from mltk.operations.shared.convert import convert
from mltk.tflite.model import TfliteModel
from mltk.training.convertible import all_layers, convertible
from mltk.training.functional_form import with_batch_of_one

pytestmark = pytest.mark.tf
STEPS, CHANNELS = 3, 3


def sequential(*layers, shape=(STEPS, CHANNELS)):
    return keras.Sequential([keras.Input(shape), *layers, L.Dense(3)])


def with_states():
    i = keras.Input((STEPS, CHANNELS))
    outputs, *states = L.LSTM(4, return_state=True, return_sequences=True)(i)
    return keras.Model(i, L.Dense(3)(L.LSTM(4)(outputs, initial_state=states)))


def with_initial_state():
    i = keras.Input((STEPS, CHANNELS))
    return keras.Model(i, L.Dense(3)(L.GRU(4)(i, initial_state=L.Dense(4)(i[:, 0]))))


def model_in_model():
    i = keras.Input((STEPS, CHANNELS))
    return keras.Model(i, L.Dense(2)(sequential(L.GRU(4))(i)))


class Subclass(keras.Model):
    def __init__(self):
        super().__init__()
        self.recurrent, self.scores = L.LSTM(4), L.Dense(3)

    def call(self, x):
        return self.scores(self.recurrent(x))


def subclass():
    model = Subclass()
    model(np.zeros((1, STEPS, CHANNELS)))
    return model


class Halved(L.GRU):
    """A layer derived from one of Keras's, whose steps are its own."""

    def call(self, sequences, initial_state=None, mask=None, training=False):
        return super().call(sequences, initial_state, mask, training) * 0.5


KINDS = {
    "GRU": lambda: sequential(L.GRU(4)),
    "GRU with the reset before": lambda: sequential(L.GRU(4, reset_after=False)),
    "GRU without bias": lambda: sequential(L.GRU(4, use_bias=False)),
    "GRU backwards": lambda: sequential(L.GRU(4, go_backwards=True, return_sequences=True), L.Flatten()),
    "GRU with other activations": lambda: sequential(L.GRU(4, "relu", "hard_sigmoid")),
    "GRU with dropout": lambda: sequential(L.GRU(4, dropout=0.3, recurrent_dropout=0.3)),
    "GRU derived": lambda: sequential(Halved(4)),
    "LSTM": lambda: sequential(L.LSTM(4)),
    "LSTM without bias": lambda: sequential(L.LSTM(4, use_bias=False, return_sequences=True), L.Flatten()),
    "SimpleRNN": lambda: sequential(L.SimpleRNN(4)),
    "one step": lambda: sequential(L.LSTM(4), shape=(1, CHANNELS)),
    "stacked": lambda: sequential(L.LSTM(4, return_sequences=True), L.GRU(4, return_sequences=True), L.SimpleRNN(4)),
    "bidirectional": lambda: sequential(
        L.Bidirectional(L.LSTM(3)), L.Reshape((3, 2)), L.Bidirectional(L.GRU(4), "sum")
    ),
    "bidirectional sequences": lambda: sequential(
        L.Bidirectional(L.LSTM(3, return_sequences=True)), L.Bidirectional(L.GRU(4), merge_mode="sum")
    ),
    "cells": lambda: sequential(L.RNN([L.GRUCell(4), L.LSTMCell(3)])),
    "ConvLSTM": lambda: sequential(L.ConvLSTM1D(2, 3), L.Flatten(), shape=(3, 6, 1)),
    "time-distributed": lambda: sequential(L.Reshape((2, 3, 2)), L.TimeDistributed(L.GRU(3)), L.Flatten(), shape=(12,)),
    "after convolution": lambda: sequential(L.Conv1D(4, 2), L.BatchNormalization(), L.GRU(4), L.Dropout(0.5)),
    "states": with_states,
    "initial state": with_initial_state,
    "model in model": model_in_model,
    "subclass": subclass,
    "UpSampling2D": lambda: sequential(L.UpSampling2D((2, 3)), L.Conv2D(2, 3), L.Flatten(), shape=(4, 3, 1)),
    "UpSampling1D": lambda: sequential(L.UpSampling1D(3), L.Flatten()),
    "RepeatVector": lambda: sequential(L.Flatten(), L.RepeatVector(3), L.Flatten()),
}


class Specification:
    """What `convert` needs of a specification."""

    name = "model"
    x = None

    def trigger_event(self, *args, **kwargs):
        pass


def specification() -> Any:
    """The little of a specification that converting needs."""
    return Specification()


@pytest.mark.parametrize("kind", KINDS)
def test_outputs_in_float32_stay_and_int8_runs_on_the_device(kind):
    keras.utils.set_random_seed(3)
    keras_model = KINDS[kind]()
    shape = tuple(n or 1 for n in all_shapes(keras_model))
    x = np.random.default_rng(0).uniform(-1, 1, size=(24, *shape)).astype(np.float32)
    expected = keras_model.predict(x, verbose=0)
    settings = {
        "optimizations": ["DEFAULT"],
        "supported_ops": ["TFLITE_BUILTINS_INT8"],
        "representative_dataset": lambda: ([x[i : i + 1]] for i in range(len(x))),
    }
    with convertible(keras_model):
        fixed = with_batch_of_one(keras_model)
        same = np.concatenate([fixed(x[i : i + 1]).numpy() for i in range(4)])
        flatbuffer = convert(specification(), fixed, settings).flatbuffer_data
    np.testing.assert_allclose(same, expected[:4], atol=1e-6)
    np.testing.assert_array_equal(keras_model.predict(x, verbose=0), expected)  # the layers are as they were
    result = run_batch(flatbuffer, x)
    assert result.engine in ("tflm", "exact-batched")
    assert np.abs(result.outputs[0] - expected).mean() < 0.03 * np.ptp(expected)
    used = {layer.opcode_str.upper() for layer in TfliteModel(flatbuffer).layers}
    assert not used & {"WHILE", "TILE"}


def all_shapes(keras_model):
    return keras_model.inputs[0].shape[1:] if not isinstance(keras_model, Subclass) else (STEPS, CHANNELS)


def test_steps_need_fewer_operators_than_keras_has():
    def count(keras_model, form):
        with form:
            return len(convert(specification(), with_batch_of_one(keras_model), {}, quantized=False).layers)

    converted, unrolled = sequential(L.GRU(4), shape=(5, 3)), sequential(L.GRU(4, unroll=True), shape=(5, 3))
    assert count(converted, convertible(converted)) < 0.9 * count(unrolled, contextlib.nullcontext())


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision_is_converted_in_float32_and_said(policy):
    with keras_policy(policy):
        keras_model = sequential(L.Conv1D(4, 2, activation="relu"), L.GRU(4))
    kept = [layer.compute_dtype for layer in all_layers(keras_model)]
    with convertible(keras_model) as notes:
        assert {layer.compute_dtype for layer in all_layers(keras_model)} == {"float32"}
        fixed = with_batch_of_one(keras_model)
        assert fixed(np.zeros((1, STEPS, CHANNELS), np.float32)).dtype == tf.float32
        convert(specification(), fixed, {}, quantized=False)
    assert [layer.compute_dtype for layer in all_layers(keras_model)] == kept
    assert notes[0] == f"The model computes in {policy.removeprefix('mixed_')} in Keras; it is converted in float32."


@contextlib.contextmanager
def keras_policy(name):
    before = keras.mixed_precision.global_policy()
    keras.mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_global_policy(before)


def test_recurrent_layers_are_named():
    with convertible(
        sequential(L.Bidirectional(L.GRU(4), name="both"), L.Reshape((8, 1)), L.LSTM(2, name="last"))
    ) as n:
        assert re.fullmatch(
            r"Recurrent layers are converted one time step after another: "
            r"'backward_gru\w*', 'forward_gru\w*', 'last'\.",
            n[0],
        )


def test_stateful_layers_are_refused():
    keras_model = keras.Sequential([keras.Input(batch_shape=(1, 4, 2)), L.GRU(3, stateful=True, name="memory")])
    with (
        pytest.raises(QuantizationError, match=r"Layer 'memory' \(GRU\) has stateful=True") as e,
        convertible(keras_model),
    ):
        pass
    assert "return_state=True" in e.value.hint


def test_layers_are_restored_after_an_error():
    keras_model = sequential(L.GRU(4, recurrent_dropout=0.5), L.Reshape((4, 1)), L.UpSampling1D())
    with pytest.raises(ValueError, match="stop"), convertible(keras_model):
        raise ValueError("stop")
    gru, upsampling = keras_model.layers[0], keras_model.layers[2]
    assert (gru.unroll, gru.cell.recurrent_dropout) == (False, 0.5)
    assert gru.use_cudnn == "auto"
    assert "inner_loop" not in gru.__dict__
    assert "call" not in upsampling.__dict__
