"""Models that TensorFlow Lite Micro refuses or crashes on: LiteRT's reference kernels, and a note with the operator."""

from __future__ import annotations

import os
import sys

import numpy as np
import pytest

from helpers.tflite_builder import ModelBuilder, small_cnn
from mltk.errors import RuntimeFailure, UnsupportedModelError
from mltk.micro.engines import crash
from mltk.micro.engines.crash import TflmCrashError, crash_of, may_crash
from mltk.micro.engines.native_output import captured_stderr
from mltk.micro.engines.process import WorkerProcess
from mltk.micro.engines.run import run_batch
from mltk.micro.memory.arena import measure_arena
from mltk.micro.parity import compare_engines
from mltk.micro.support import check_support
from mltk.operations.shared.compare_layers import quantization_report
from mltk.tflite.graph import graph_of
from mltk.tflite.model import TfliteModel
from mltk.workers.child import ChildEndedError

pytestmark = pytest.mark.usefixtures("needs_tflm")


def chain(*names, scale=0.1, dtype="int8"):
    """Operators of two kinds of inputs: SUB subtracts its input from itself, others have one input."""
    b = ModelBuilder()
    x = first = b.tensor((1, 4), dtype, scale=0.1 if dtype == "int8" else None, zero_point=-128)
    for name in names:
        is_last_sub = name == "SUB"
        quantized = None if dtype != "int8" else 0.0 if is_last_sub else scale
        y = b.tensor((1, 4), dtype, scale=quantized, zero_point=0 if is_last_sub else -128)
        b.operator(name, [x, x] if is_last_sub else [x], [y], ("SubOptions", {}) if is_last_sub else None)
        x = y
    return b.build([first], [x])


def hybrid():
    """A float dense layer with int8 weights, which TFLM refuses when it prepares the model."""
    b = ModelBuilder()
    x, y = b.tensor((1, 4), "float32"), b.tensor((1, 4), "float32")
    w = b.constant(np.ones((4, 4), np.int8), np.int8, scale=0.1)
    b.operator("FULLY_CONNECTED", [x, w, -1], [y], ("FullyConnectedOptions", {}))
    return b.build([x], [y])


REFUSED = {
    "loading": (lambda: chain("RELU_N1_TO_1", dtype="float32"), "RELU_N1_TO_1", UnsupportedModelError),
    "preparing": (hybrid, "FULLY_CONNECTED", UnsupportedModelError),
    "running": (lambda: chain("RELU", "SQRT"), "SQRT", UnsupportedModelError),
    "crashing": (lambda: chain("SUB"), "SUB", TflmCrashError),
    "crashing later": (lambda: chain("RELU", "RELU", "SUB", "RELU"), "SUB", TflmCrashError),
}


def samples(model):
    dtype = graph_of(model).inputs[0].dtype
    return np.arange(40).reshape(10, 4).astype(dtype)


@pytest.fixture(autouse=True)
def nothing_is_remembered(monkeypatch):
    monkeypatch.setattr(crash, "_survived", {})


@pytest.mark.parametrize("trusted", [True, False])
@pytest.mark.parametrize("kind", REFUSED)
def test_what_tflm_cannot_run_falls_back_and_names_the_operator(kind, trusted, capfd):
    make, operator, error = REFUSED[kind]
    model, seen = make(), []
    result = run_batch(model, samples(model), trusted=trusted, progress=seen.append)
    assert result.engine == "litert-reference"
    assert operator in result.notes[0]
    assert ("crashed" in result.notes[0]) == kind.startswith("crashing")
    assert "\n" not in result.notes[0]
    assert sum(seen) >= 10
    with pytest.raises(error, match=operator):
        run_batch(model, samples(model), trusted=trusted, engine="tflm")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", REFUSED)
def test_parity_memory_and_support_name_the_operator(kind, capfd):
    make, operator, _ = REFUSED[kind]
    model = make()
    report = compare_engines(model, samples(model))
    assert report.reference == "litert-reference"
    assert operator in report.failures["tflm"]
    with pytest.raises(RuntimeFailure, match=operator):
        measure_arena(model)
    support = check_support(model)
    assert not support.ok
    assert operator in support.failure
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("names", [("RELU", "SQRT"), ("RELU", "SUB")])
def test_the_quantization_report_of_a_model_that_tflm_cannot_run(names, capfd):
    model, twin = chain(*names), chain(*names, dtype="float32")
    report = quantization_report(TfliteModel(model), TfliteModel(twin), [samples(model)], source="made by hand")
    assert report.layers
    assert capfd.readouterr().err == ""


def test_a_model_that_every_engine_crashes_on_is_an_error_and_ends_no_process(monkeypatch):
    """Both engines crash in the child, where the model is tried first."""
    request = WorkerProcess.request

    def die(self, header, arrays=(), **_):
        if header["task"] == "run":
            os.kill(self.pid, 11)
        return request(self, header, arrays)

    monkeypatch.setattr(WorkerProcess, "request", die)
    model = chain("SUB")
    with pytest.raises(RuntimeFailure, match=r"No engine here runs this model.*SUB") as e:
        run_batch(model, samples(model))
    assert "LiteRT crashed" in str(e.value.hint)


def test_usual_models_need_no_trial():
    assert not may_crash(graph_of(small_cnn()))
    assert may_crash(graph_of(chain("SUB")))
    assert may_crash(graph_of(chain("SQRT")))


def test_a_child_that_somebody_stopped_or_that_hung_is_no_crash_of_the_model():
    graph = graph_of(small_cnn())
    for ended in (ChildEndedError("stopped", signal=9), ChildEndedError("hung", timed_out=True)):
        with pytest.raises(ChildEndedError) as e:
            crash_of(graph, ended)
        assert e.value is ended


def test_a_crash_that_does_not_happen_again_names_no_operator():
    error = crash_of(graph_of(small_cnn()), ChildEndedError("crashed", signal=11))
    assert "crashed on this model (signal 11, SIGSEGV)" in error.message


def test_only_what_the_progress_prints_is_shown(capfd):
    with captured_stderr() as captured:
        show = captured.showing(lambda n: print(f"{n} samples", file=sys.stderr))
        os.write(2, b"native line\n")
        show(3)
        os.write(2, b"another\n")
    assert captured.printed() == "native line\nanother\n"
    assert capfd.readouterr().err == "3 samples\n"
