"""Damaged models past the reader: errors only, whether our kernels, a child or the comparison gets them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.tflite_builder import ModelBuilder
from mltk.errors import EvaluationError, RuntimeFailure, UnsupportedModelError
from mltk.micro.engines import pool
from mltk.micro.engines import process as processes
from mltk.micro.engines import run as engine_module
from mltk.micro.engines.process import ChildRuntime, WorkerProcess, Workers
from mltk.micro.engines.run import run_batch
from mltk.micro.engines.runtimes import LiteRtRuntime, Runtime, make_runtime
from mltk.micro.exact import NotExactError, compile_exact
from mltk.micro.exact.requantize import Requantizer
from mltk.micro.memory.arena import measure_arena
from mltk.micro.parity import compare_engines, random_samples
from mltk.operations.shared.compare_layers import quantization_report
from mltk.tflite import TfliteModel
from mltk.tflite.graph import Graph, Operator, Subgraph, Tensor, graph_of
from mltk.workers.child import ChildEndedError


def one_operator(name, x_shape, y_shape, options=None, constants=(), n_inputs=1) -> bytes:
    """A model of one int8 operator."""
    b = ModelBuilder()
    inputs = [b.tensor(x_shape, scale=0.1) for _ in range(n_inputs)]
    others = [
        b.constant(c, np.asarray(c).dtype, scale=0.1 if np.asarray(c).dtype == np.int8 else None) for c in constants
    ]
    y = b.tensor(y_shape, scale=0.1)
    b.operator(name, [*inputs, *others], [y], options)
    return b.build(inputs, [y])


# --- exact kernels: a damaged shape or option takes neither gigabytes nor minutes -----------------------------------

POOL = {"padding": 0, "strideH": 1, "strideW": 1, "filterHeight": 1 << 12, "filterWidth": 1 << 12}
CONV = {"padding": 0, "strideH": 1, "strideW": 1}
HUGE = {
    "a window of millions of places": one_operator("MAX_POOL_2D", (1, 2, 2, 1), (1, 2, 2, 1), ("Pool2DOptions", POOL)),
    "patches of gigabytes": one_operator(
        "CONV_2D", (1, 2048, 2048, 1), (1, 2048, 2048, 1), ("Conv2DOptions", CONV), [np.ones((1, 30, 30, 1), np.int8)]
    ),
    "rows of weights of gigabytes": one_operator(
        "DEPTHWISE_CONV_2D",
        (1, 1, 1 << 20, 1),
        (1, 1, 1 << 20, 1),
        ("DepthwiseConv2DOptions", {**CONV, "depthMultiplier": 1}),
        [np.ones((1, 40, 40, 1), np.int8)],
    ),
    "padding that its output doesn't have": one_operator(
        "PAD", (1, 4), (1, 4), ("PadOptions", {}), [np.array([[0, 0], [0, 1 << 30]], np.int32)]
    ),
    "more side by side than the output holds": one_operator(
        "CONCATENATION", (1, 1 << 22), (1, 4), ("ConcatenationOptions", {"axis": 1}), n_inputs=4
    ),
    "a product of shapes that the output doesn't have": one_operator(
        "ADD", (1 << 15, 1), (1, 4), ("AddOptions", {}), [np.ones((1, 1 << 15), np.int8)]
    ),
    "a dense layer with more outputs than declared": one_operator(
        "FULLY_CONNECTED", (1 << 20, 1), (1, 4), ("FullyConnectedOptions", {}), [np.ones((1 << 12, 1), np.int8)]
    ),
    "a tensor of hundreds of megabytes": one_operator("RELU", (1, 1 << 28), (1, 1 << 28)),
}


@pytest.mark.parametrize("what", HUGE)
def test_what_would_take_gigabytes_has_no_exact_kernel(what, monkeypatch):
    largest = 0
    empty = np.empty

    def watched(shape, *args, **options):
        nonlocal largest
        largest = max(largest, int(np.prod(shape, dtype=np.float64)))
        return empty(shape, *args, **options)

    monkeypatch.setattr(np, "empty", watched)
    with pytest.raises(NotExactError):
        compile_exact(graph_of(HUGE[what]))
    assert largest < 1 << 24


def test_many_large_tensors_at_once_have_no_exact_kernel():
    b = ModelBuilder()
    x = b.tensor((1, 1 << 23), scale=0.1)
    kept = [b.tensor((1, 1 << 23), scale=0.1) for _ in range(40)]
    for y in kept:
        b.operator("RELU", [x], [y])
    with pytest.raises(NotExactError, match="MiB"):
        compile_exact(graph_of(b.build([x], kept)))


def test_many_channels_are_proven_a_part_at_a_time():
    n = 5000
    rng = np.random.default_rng(0)
    multiplier, shift, bias = rng.integers(1 << 30, 1 << 31, n), rng.integers(-12, -4, n), rng.integers(-99, 99, n)
    requantizer = Requantizer(multiplier, shift, bias, zero_point=3, low=-128, high=127, bound=1 << 20)
    assert requantizer.is_proven
    multiplier[-1] = 0  # the last part counts too
    assert not Requantizer(multiplier, shift, bias, zero_point=3, low=-128, high=127, bound=1 << 20).is_proven


def test_a_failure_of_an_exact_kernel_is_a_refusal():
    # SLICE gives another size than its output declares: nobody sees it before the softmax does.
    b = ModelBuilder()
    x, y, z = b.tensor((1, 8), scale=0.1), b.tensor((1, 8), scale=0.1), b.tensor((1, 8), scale=0.1)
    b.operator("SLICE", [x, b.constant([0, 0]), b.constant([1, 2])], [y], ("SliceOptions", {}))
    w = b.constant(np.ones((8, 8)), np.int8, scale=0.1)
    b.operator("FULLY_CONNECTED", [y, w], [z], ("FullyConnectedOptions", {}))
    with pytest.raises(UnsupportedModelError, match="can't compute"):
        run_batch(b.build([x], [z]), np.zeros((3, 8), np.int8), engine="exact-batched")


def test_a_kernel_that_gives_another_shape_than_tflm_is_not_believed(needs_tflm, monkeypatch, cnn, images):
    monkeypatch.setattr(engine_module, "_SHORT_S", 0.0)
    monkeypatch.setattr(make_runtime("exact-batched", cnn).__class__, "run", lambda *_: [images[:, 0, 0]])
    with pytest.warns(RuntimeWarning, match="disagreed"):
        assert run_batch(cnn, images).engine == "tflm"


# --- the graph ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zero", "value", "expected"), [(-128, 128, True), (128, 128, True), (-(1 << 33) + 3, 3, True), (0, 3, False)]
)
def test_variables_that_start_at_a_zero_point_of_any_size(zero, value, expected):
    tensors = tuple(
        Tensor(i, "", (), "UINT8", np.ones(1, np.float32), np.array([zero]), 0, False, 0, np.array(value, np.uint8))
        for i in range(2)
    )
    assign = Operator(0, "ASSIGN_VARIABLE", False, 1, (0, 1), (), None)
    graph = Graph(tuple(Subgraph(i, "", tensors, (assign,), (), ()) for i in range(2)), None)
    assert graph.starts_at_zero_points is expected


@pytest.mark.parametrize("inputs", [(), (0,), (0, -1)])
def test_a_variable_that_is_assigned_nothing_starts_anywhere(inputs):
    assign = Operator(0, "ASSIGN_VARIABLE", False, 1, inputs, (), None)
    graph = Graph(tuple(Subgraph(i, "", (), (assign,), (), ()) for i in range(2)), None)
    assert not graph.starts_at_zero_points


# --- samples and comparison -----------------------------------------------------------------------------------------


def test_samples_that_would_fill_the_memory_are_refused():
    model = one_operator("RELU", (1, 1 << 26), (1, 4))
    with pytest.raises(EvaluationError, match="100 samples of the model's inputs take 6,710,886,400 bytes"):
        random_samples(model, 100, np.random.default_rng(0))
    with pytest.raises(EvaluationError):
        random_samples(one_operator("RELU", (0, *3 * [(1 << 31) - 1]), (1, 4)), 1, np.random.default_rng(0))


def test_an_engine_whose_outputs_have_another_shape_is_not_compared(monkeypatch, cnn, images):
    def fake(model, inputs, *, engine, **_):
        shape = (4, 0, 1) if engine == "tflm" else (4, 1)
        return engine_module.BatchResult([np.zeros(shape, np.int8)], engine, engine)

    monkeypatch.setattr("mltk.micro.parity.run_batch", fake)
    report = compare_engines(cnn, images[:4], engines=("tflm", "litert-reference"))
    assert "[(1,)]" in report.failures["litert-reference"]
    assert not report.comparisons


def test_outputs_too_large_to_compare_are_an_error(monkeypatch, cnn, images):
    wide = np.broadcast_to(np.int8(0), (4, 1 << 25))
    monkeypatch.setattr(
        "mltk.micro.parity.run_batch", lambda *_, engine, **__: engine_module.BatchResult([wide], engine, engine)
    )
    with pytest.raises(EvaluationError, match="fewer samples"):
        compare_engines(cnn, images[:4])


def test_an_input_of_no_size_is_not_that_of_the_float_model():
    model, whole = (TfliteModel(one_operator("RELU", shape, shape)) for shape in ((1, 0, 7), (1, 1, 7)))
    with pytest.raises(EvaluationError, match="inputs have shapes"):
        quantization_report(model, whole, [np.zeros((2, 0, 7), np.int8)])


def test_outputs_that_native_code_gives_another_number_of_are_an_error(monkeypatch, cnn, images):
    monkeypatch.setattr(LiteRtRuntime, "invoke", lambda *_: [])
    with pytest.raises(RuntimeFailure, match="0 outputs instead of"):
        run_batch(cnn, images[:2], engine="litert-reference")


def test_samples_whose_outputs_change_their_shape_are_an_error(monkeypatch, cnn, images):
    shapes = iter([(1, 4), (1, 5)])
    monkeypatch.setattr(LiteRtRuntime, "invoke", lambda *_: [np.zeros(next(shapes), np.int8)])
    runtime: Runtime = LiteRtRuntime(cnn)
    with pytest.raises(RuntimeFailure, match="shape"):
        runtime.run([images[:2]])


# --- the arena ------------------------------------------------------------------------------------------------------


def test_a_model_that_hangs_is_not_tried_in_twenty_arenas(needs_tflm, monkeypatch, cnn):
    request, n_runs = WorkerProcess.request, 0

    def hang(self, header, arrays=(), **_):
        nonlocal n_runs
        if header["print"]:  # the first, whose report is wanted
            return request(self, header, arrays)
        n_runs += 1
        raise ChildEndedError("The native runtime did not answer.", timed_out=True)

    monkeypatch.setattr(WorkerProcess, "request", hang)
    with pytest.raises(RuntimeFailure, match="did not answer"):
        measure_arena(cnn)
    assert n_runs == 1


# --- children that are kept -----------------------------------------------------------------------------------------


def test_a_child_is_used_for_one_model_after_another(cnn, images):
    with Workers() as children:
        options: dict[str, Any] = {"trusted": False, "children": children, "engine": "litert-reference"}
        first = run_batch(cnn, images, **options)
        (worker,) = children._idle
        again = run_batch(cnn, images, **options)
        assert children._idle == [worker]
        assert worker.n_models == 2
        assert np.array_equal(first.outputs[0], again.outputs[0])
    assert not worker.is_alive


def test_a_refusal_keeps_the_child_and_has_the_words_of_its_own_model(needs_tflm):
    refused = [one_operator(name, (1, 4), (1, 4)) for name in ("SEGMENT_SUM", "HASHTABLE_FIND")]
    with Workers() as children, children.lend(20) as worker:
        for model, name in zip(refused, ("SEGMENT_SUM", "HASHTABLE_FIND"), strict=True):
            with pytest.raises(UnsupportedModelError, match=name):
                worker.load(model, "tflm")
            assert worker.is_reusable
        with pytest.raises(RuntimeFailure):  # a request that fails is another matter
            worker.request({"task": "nonsense"})
        assert not worker.is_reusable
    assert not children._idle


@pytest.fixture
def crashing(monkeypatch):
    """Requests to run of children that had a model before, or of all, end the child."""
    request = WorkerProcess.request

    def use(*, second_hand_only: bool) -> None:
        def crash(self, header, arrays=(), **_):
            if header["task"] == "run" and (self.n_models > 1 or not second_hand_only):
                os.kill(self.pid, 11)
            return request(self, header, arrays)

        monkeypatch.setattr(WorkerProcess, "request", crash)

    return use


def test_a_crash_in_a_child_that_had_another_model_is_tried_again_in_a_new_one(crashing, cnn, images):
    seen: list[int] = []
    with Workers() as children:
        options: dict[str, Any] = {"trusted": False, "children": children, "engine": "litert-reference"}
        run_batch(cnn, images, **options)
        crashing(second_hand_only=True)
        assert run_batch(cnn, images, progress=seen.append, **options).outputs[0].shape == (40, 4)
        assert sum(seen) == 40
        crashing(second_hand_only=False)
        with pytest.raises(ChildEndedError, match="crashed while running this model") as caught:
            run_batch(cnn, images, **options)
        assert caught.value.signal == 11


def test_children_that_share_a_run_are_kept_unless_one_fails(monkeypatch, cnn, images):
    monkeypatch.setattr(pool, "SPAWN_S", 0.0)
    with Workers() as children:
        options: dict[str, Any] = {"trusted": False, "children": children, "engine": "litert-reference", "processes": 2}
        assert run_batch(cnn, images, **options).n_processes == 2
        assert len(children._idle) == 2
        monkeypatch.setattr(pool, "ChildRuntime", FailsLater)
        with pytest.raises(RuntimeFailure, match="later"):
            run_batch(cnn, images, **options)
        assert len(children._idle) == 1  # that of the test's own runtime, which failed in name only


class FailsLater(ChildRuntime):
    """Computes the first sample only."""

    def run(self, inputs, progress=None):
        if len(inputs[0]) > 1 or progress is None:
            raise RuntimeFailure("It failed later.")
        return super().run(inputs, progress)


def test_outputs_of_a_file_that_is_not_trusted_are_limited(monkeypatch, cnn, images):
    options: dict[str, Any] = {"engine": "litert-reference", "trusted": False}
    monkeypatch.setattr(pool, "UNTRUSTED_ANSWER_BYTES", 100)
    with pytest.raises(RuntimeFailure, match="outputs of 40 samples take 160 bytes"):
        run_batch(cnn, images, **options)
    monkeypatch.setattr(processes, "UNTRUSTED_ANSWER_BYTES", 3)
    with pytest.raises(RuntimeFailure, match="outputs are too large"):
        run_batch(cnn, images, **options)
    assert len(run_batch(cnn, images, engine="litert-reference").outputs[0]) == 40


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_child_can_not_fill_the_disk(cnn):
    with WorkerProcess(memory_limit_bytes=2 << 30) as worker:
        worker.load(cnn, "litert-reference")
        lines = Path(f"/proc/{worker.pid}/limits").read_text(encoding="utf-8").splitlines()
    found = {line[:26].strip(): line[26:].split()[0] for line in lines}
    assert found["Max core file size"] == "0"
    assert found["Max address space"] == str(2 << 30)
    assert int(found["Max file size"]) < 1 << 30
