"""The native converter in a child process: the same result, and a crash or a hang is an error like any other."""

# mypy: disable-error-code="attr-defined"
# The type checker does not know TensorFlow's exceptions.
from __future__ import annotations

import os
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

from mltk.operations.shared import converter_child
from mltk.operations.shared.converter_child import ConverterCrash, native_converter_in_child
from mltk.operations.shared.converter_worker import pack, unpack
from mltk.tflite.model import TfliteModel

pytestmark = [pytest.mark.tf, pytest.mark.filterwarnings("ignore:Statistics for quantized inputs")]
L = keras.layers


def converter(*layers, shape=(4,), n_samples=20, dtype=np.float32):
    keras.utils.set_random_seed(1)
    keras_model = keras.Sequential([keras.Input(batch_shape=(1, *shape)), *layers])
    made = tf.lite.TFLiteConverter.from_keras_model(keras_model)
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    sample = np.empty((1, *shape), dtype)

    def samples():
        rng = np.random.default_rng(0)
        for _ in range(n_samples):
            sample[:] = rng.normal(size=sample.shape)  # one array, filled again and again, as some readers do
            yield [sample]

    made.representative_dataset = samples
    return made


def test_result_is_that_of_this_process(capfd):
    made = converter(L.Dense(3, activation="relu"), L.Dense(2))
    here = made.convert()
    with native_converter_in_child() as child:
        there = made.convert()
        assert child is not None
    assert bytes(there) == bytes(here)
    assert bytes(made.convert()) == bytes(here)  # the block has put everything back


def test_crash_is_an_error_that_has_the_float_model(capfd):
    made = converter(L.GRU(3), shape=(5, 2))
    said = r"crashed while calibrating the model \(segmentation fault\)"
    with pytest.raises(ConverterCrash, match=said) as e, native_converter_in_child():
        made.convert()
    assert "WHILE" in {layer.opcode_str.upper() for layer in TfliteModel(e.value.float_model).layers}
    assert "Segmentation" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("number", "said"), [(signal.SIGABRT, r"\(abort\)"), (signal.SIGKILL, r"\(killed, perhaps .* memory")]
)
def test_any_end_of_the_child(number, said, monkeypatch):
    made = converter(L.Dense(2))
    with pytest.raises(ConverterCrash, match=f"crashed while .* {said}"), native_converter_in_child() as child:
        convert_in(child, number, made)


def convert_in(child, number, made):
    os.kill(child._child.pid, number)
    made.convert()


def test_hang_is_an_error():
    made = converter(L.Dense(2))
    said = r"did not answer within 0\.01 s while .* and was stopped"
    with pytest.raises(ConverterCrash, match=said), native_converter_in_child(timeout_s=0.01):
        made.convert()


def test_refusals_and_other_errors_are_those_of_tensorflow():
    made = converter(L.MaxPooling3D(), shape=(4, 4, 4, 1))
    with pytest.raises(Exception, match="MaxPool3D") as e, native_converter_in_child():
        made.convert()
    assert type(e.value).__name__ == "ConverterError"
    assert e.value.errors[0].operator.name == "tf.MaxPool3D"
    made = converter(L.Dense(2), dtype=np.float64)
    with pytest.raises(ValueError, match="type FLOAT64 but expected type FLOAT32"), native_converter_in_child():
        made.convert()


def test_another_tensorflow_runs_in_this_process(monkeypatch):
    monkeypatch.setattr(converter_child, "_FUNCTIONS", ("wrapped_by_nobody",))
    with native_converter_in_child() as child:
        assert child is None
        assert converter(L.Dense(2)).convert()


@pytest.mark.parametrize("value", [None, True, 3, 0.5, "text", b"\0bytes", b"", [1, [b"x", "y"]], []])
def test_arguments_survive_the_way(value):
    arrays: list[np.ndarray] = []
    assert unpack(pack(value, arrays), arrays) == value


def test_arrays_and_what_can_not_be_sent():
    arrays: list[np.ndarray] = []
    np.testing.assert_array_equal(unpack(pack((tf.ones((2, 3)),), arrays), arrays)[0], np.ones((2, 3)))
    with pytest.raises(TypeError, match="A function cannot be sent"):
        pack(lambda: None, [])
