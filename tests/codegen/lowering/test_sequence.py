"""UNIDIRECTIONAL_SEQUENCE_LSTM as C code: the integers of TensorFlow Lite Micro, and its states."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.random_models_16 import lstm
from helpers.tflite_builder import lstm as float_lstm
from helpers.tflm_outputs import assert_same_outputs, random_inputs, tflm_outputs
from mltk.codegen.emulate.run import emulate
from mltk.codegen.host import HostModel
from mltk.codegen.lowering.lower import lower
from mltk.errors import UnsupportedModelError
from mltk.tflite.graph import graph_of


def test_states_are_kept_from_one_inference_to_the_next_as_tflm_does(needs_tflm: None) -> None:
    model = lstm(np.random.default_rng(2))
    inputs = random_inputs(model, 20)
    with HostModel(model) as compiled:
        stream = compiled.run(inputs, reset_between_samples=False)
        assert_same_outputs(stream, tflm_outputs(model, inputs))
        alone = compiled.run(inputs, reset_between_samples=True)
    for i in range(3):
        assert_same_outputs([alone[0][i : i + 1]], tflm_outputs(model, [x[i : i + 1] for x in inputs]))
    assert not np.array_equal(alone[0], stream[0])


def test_an_emulated_core_computes_the_same(needs_tflm: None) -> None:
    model = lstm(np.random.default_rng(3))
    inputs = random_inputs(model, 3)
    found = emulate(model, inputs, "cortex-m4", reset_between_samples=False)
    assert_same_outputs(found.outputs, tflm_outputs(model, inputs))


def test_a_float_lstm_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedModelError, match=r"UNIDIRECTIONAL_SEQUENCE_LSTM \(operator 0\): FLOAT32 tensor"):
        lower(graph_of(float_lstm()))
