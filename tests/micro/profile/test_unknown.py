"""What cannot be known of a model is said to be unknown, and keeps no limit, whatever the kind of model."""

from __future__ import annotations

import copy
import csv
import io
import json

import numpy as np
import pytest

from helpers.tflite_builder import ModelBuilder, small_cnn
from mltk.micro.profile.budget import Budget, OverBudget
from mltk.micro.profile.profiler import profile_tflite
from mltk.operations.results.summary import summarize_tflite
from mltk.tflite.graph import graph_of
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import TfliteModelParameters
from mltk.tflite.structure import structure_hash

CONV = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1}


def one(name, *, shape=(1, 4), dtype="int8", custom=None, options=None, weights=None, out=None, out_shape=None):
    """A model of one operator."""
    b = ModelBuilder()
    scale = 0.1 if np.dtype(dtype).kind != "f" else None
    x, y = b.tensor(shape, dtype, scale=scale), b.tensor(out_shape or shape, out or dtype, scale=scale)
    inputs = [x]
    if weights is not None:
        inputs += [b.constant(weights, weights.dtype, scale=0.1 if weights.dtype == np.int8 else None), -1]
    b.operator(name, inputs, [y], options, custom_code=custom)
    return b, x, y


def opened(signatures):
    """An int8 dense layer for each input, added up, with these shape signatures of the inputs."""
    b = ModelBuilder()
    inputs, outputs = [], []
    for signature in signatures:
        x = b.tensor([max(1, d) for d in signature], scale=0.1, name=f"in{len(inputs)}")
        y = b.tensor([max(1, d) for d in signature], scale=0.1)
        b.graph.tensors[x].shapeSignature = list(signature)
        b.operator("ADD", [x, x], [y], ("AddOptions", {}))
        inputs.append(x)
        outputs.append(y)
    return TfliteModel(b.build(inputs, outputs))


def built(*args, **options):
    b, x, y = one(*args, **options)
    return TfliteModel(b.build([x], [y]))


def call_once(inside):
    """A model whose CALL_ONCE runs one operator."""

    b, x, y = one("ADD")
    b.graph.operators[0].inputs = [x, x]
    b.operator("CALL_ONCE", [], [], ("CallOnceOptions", {"initSubgraphIndex": 1}))
    main = b.graph
    b.graph = copy.copy(main)
    b.graph.operators = []
    b.operator(inside, [x], [y])
    b.graph.inputs, b.graph.outputs = [], []
    b.model.subgraphs.append(b.graph)
    b.graph = main
    return TfliteModel(b.build([x], [y]))


UNKNOWN = {
    "while": lambda: built("WHILE"),
    "if": lambda: built("IF"),
    "call": lambda: built("CALL"),
    "call_once that computes": lambda: call_once("RELU"),
    "3D convolution": lambda: built("CONV_3D"),
    "transposed 3D convolution": lambda: built("CONV_3D_TRANSPOSE"),
    "LSTM of another kind": lambda: built("BIDIRECTIONAL_SEQUENCE_LSTM"),
    "StableHLO": lambda: built("STABLEHLO_CONVOLUTION"),
    "custom": lambda: built("CUSTOM", custom="MyOp"),
    "compiled by Vela": lambda: built("CUSTOM", custom="ethos-u"),
    "a dense layer without weights": lambda: built("FULLY_CONNECTED"),
    "an open dimension": lambda: opened([(1, -1)]),
    "an open dimension behind the batch": lambda: opened([(-1, -1, 4)]),
    "the only dimension": lambda: opened([(-1,)]),
    "the first dimension of one input": lambda: opened([(-1, 4), (1, 4)]),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_an_unknown_cost_is_in_every_output_and_keeps_no_limit(kind):
    model = UNKNOWN[kind]()
    results = profile_tflite(model, "cortex-m4")
    text = results.to_text()
    assert "at least" in text
    assert "time  unknown" in text
    assert "Unknown: layer" in text
    assert "inferences/s" not in text
    data = json.loads(results.to_json())
    assert data["details"]["is_incomplete"]
    assert data["details"]["unknown_layers"][0]["reason"]
    assert data["summary"]["n_unknown_layers"] >= 1
    assert not {"time", "inf_per_sec", "mac_per_s", "op_per_s"} & set(data["summary"])
    totals, layers = (list(csv.DictReader(io.StringIO(text))) for text in results.to_csv())
    assert int(totals[0]["n_unknown_layers"]) >= 1
    assert any(row["unknown_cost"] for row in layers)
    for limits in ({"max_latency_s": 100.0}, {"max_ram": 1 << 30}):
        with pytest.raises(OverBudget, match="not known"):
            Budget(**limits).check(results)
    Budget(max_flash=1 << 30).check(results)
    summary = summarize_tflite(model)
    assert "Multiply-accumulates: at least" in summary
    assert "Operations: at least" in summary
    assert "Unknown: layer" in summary
    assert summary.to_dict()["is_incomplete"]
    assert summary.to_dict()["unknown_layers"]


@pytest.mark.parametrize("signatures", [[(-1, 4)], [(-1, 4), (-1, 2, 3)], [(1, 4)]])
def test_an_open_batch_is_a_batch_of_one(signatures):
    results = profile_tflite(opened(signatures), "cortex-m4")
    assert not results.is_incomplete
    Budget(max_latency_s=1.0, max_ram=1 << 30).check(results)


def test_setting_variables_once_is_no_cost_of_an_inference():
    results = profile_tflite(call_once("ASSIGN_VARIABLE"), "cortex-m4")
    assert not results.is_incomplete


def dense(dtype, weights, out=None):
    options = ("FullyConnectedOptions", {})
    return built("FULLY_CONNECTED", dtype=dtype, weights=np.ones((4, 4), weights), out=out, options=options)


def float16_weights():
    b = ModelBuilder()
    x, y = b.tensor((1, 4), "float32"), b.tensor((1, 4), "float32")
    stored, w = b.constant(np.ones((4, 4), np.float16), "float16"), b.tensor((4, 4), "float32")
    b.operator("DEQUANTIZE", [stored], [w], ("DequantizeOptions", {}))
    b.operator("FULLY_CONNECTED", [x, w, -1], [y], ("FullyConnectedOptions", {}))
    return TfliteModel(b.build([x], [y]))


def int4_weights():
    b = ModelBuilder()
    x, y = b.tensor((1, 4), scale=0.1), b.tensor((1, 4), scale=0.1)
    w = b.tensor((4, 4), "int4", scale=0.1)
    b.graph.tensors[w].buffer = len(b.model.buffers)
    b.model.buffers.append(b.model.buffers[0].__class__())
    b.model.buffers[-1].data = np.zeros(8, np.uint8)
    b.operator("FULLY_CONNECTED", [x, w, -1], [y], ("FullyConnectedOptions", {}))
    return TfliteModel(b.build([x], [y]))


def convolution(groups):
    weights = np.ones((8, 3, 3, 8 // groups), np.int8)
    options = ("Conv2DOptions", CONV)
    return built("CONV_2D", shape=(1, 6, 6, 8), weights=weights, options=options)


UNMEASURED = {
    "float32": (lambda: dense("float32", "float32"), "float32"),
    "dynamic range": (lambda: dense("float32", "int8"), "float activations, int8 weights"),
    "16x8": (lambda: dense("int16", "int8"), "int16 activations, int8 weights"),
    "float16 weights": (float16_weights, "float16 weights"),
    "uint8": (lambda: dense("uint8", "uint8"), "uint8"),
    "int4 weights": (int4_weights, "int4 weights"),
    "groups": (lambda: convolution(2), "groups"),
}


@pytest.mark.parametrize("target", ["cortex-m4", "cortex-m55", "xg24-mvp"])
@pytest.mark.parametrize("kind", UNMEASURED)
def test_the_time_of_a_kernel_that_was_never_measured_keeps_no_limit(kind, target):
    make, named = UNMEASURED[kind]
    results = profile_tflite(make(), target)
    assert named in results.unmeasured_kinds.values()
    assert any("No kernel of this kind was measured" in note and named in note for note in results.notes)
    assert "~" in results.to_text()
    data = json.loads(results.to_json())
    assert named in [layer["kind"] for layer in data["details"]["unmeasured_layers"]]
    assert named in results.to_csv()[1]
    with pytest.raises(OverBudget, match="not known") as e:
        Budget(max_latency_s=100.0).check(results)
    assert named in str(e.value.hint)
    Budget(max_ram=1 << 30).check(results)


def test_macs_of_a_grouped_convolution_count_the_channels_of_a_group():
    assert [profile_tflite(convolution(g)).macs for g in (1, 2, 8)] == [6 * 6 * 8 * 9 * n for n in (8, 4, 1)]


def test_a_usual_int8_model_keeps_its_limits():
    results = profile_tflite(TfliteModel(small_cnn()), "cortex-m4")
    assert not results.unmeasured_kinds
    assert Budget(max_latency_s=1.0, max_ram=1 << 20).check(results) == []


def test_a_time_without_an_error_bar_says_so_and_a_model_without_a_target_has_none():
    from dataclasses import replace

    from mltk.micro.profile.targets import load_target

    target = replace(load_target("cortex-m4"), model_error=None)
    notes = Budget(max_latency_s=1.0).check(profile_tflite(TfliteModel(small_cnn()), target))
    assert "without an error bar" in notes[0]
    with pytest.raises(OverBudget, match="not known"):
        Budget(max_latency_s=1.0).check(profile_tflite(TfliteModel(small_cnn())))


# ---- a stored size of the tensor arena


def stored(n_bytes, owner=None):
    model = TfliteModel(small_cnn())
    parameters = TfliteModelParameters()
    parameters.put("runtime_memory_size", n_bytes, dtype=None)
    if owner is not None:
        parameters["runtime_memory_model"] = owner
    parameters.add_to_tflite_model(model)
    return model


@pytest.mark.parametrize(("n_bytes", "owner"), [(10, None), (1 << 20, None), (4321, "0" * 32)])
def test_a_stored_arena_of_another_model_is_ignored_and_said(n_bytes, owner):
    results = profile_tflite(stored(n_bytes, owner), "cortex-m4")
    assert results.ram_is_estimate
    assert results.runtime_memory_bytes != n_bytes
    assert any(f"stores {n_bytes:,} bytes" in note and "another model" in note for note in results.notes)


def test_a_stored_arena_of_this_model_is_shown():
    own = structure_hash(TfliteModel(small_cnn()).graph)
    results = profile_tflite(stored(4321, own), "cortex-m4")
    assert (results.runtime_memory_bytes, results.ram_source) == (4321, "stored in the .tflite")


@pytest.mark.usefixtures("needs_tflm")
@pytest.mark.parametrize("n_bytes", [10, 4321])
def test_a_measured_arena_goes_over_a_stored_one(n_bytes):
    results = profile_tflite(stored(n_bytes), "cortex-m4", measure_ram=True)
    assert not results.ram_is_estimate
    assert results.runtime_memory_bytes not in (10, 4321)


def test_the_structure_survives_parameters_and_changes_with_the_operators():
    model = TfliteModel(small_cnn())
    before = structure_hash(model.graph)
    model.description = "another"
    model.add_metadata("NOTE", b"anything")
    assert structure_hash(graph_of(model.flatbuffer_data)) == before
    shorter = model.graph.with_outputs([model.graph.main.operators[0].outputs[0]])
    assert structure_hash(shorter) != before
