"""MLTK 0.20's TensorFlow Lite Micro names."""

# mypy: disable-error-code="assignment, union-attr"
# What MLTK 0.20's function returns depends on its arguments.
from __future__ import annotations

import importlib

import numpy as np
import pytest

from mltk.core.tflite_micro import (
    TfliteMicro,
    TfliteMicroLayerError,
    TfliteMicroMemoryPlan,
    TfliteMicroMemoryPlanBuffer,
    TfliteMicroMemoryPlanner,
    TfliteMicroProfiledLayerResult,
)
from mltk.errors import MltkError
from mltk.micro.engines.run import run_batch
from mltk.tflite import TfliteModel


@pytest.fixture
def document(cnn) -> TfliteModel:
    return TfliteModel(cnn)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("tflite_micro", "TfliteMicro"),
        ("tflite_micro_accelerator", "TfliteMicroAccelerator"),
        ("tflite_micro_memory_plan", "TfliteMicroMemoryPlan"),
        ("tflite_micro_model", "TfliteMicroModel"),
        ("tflite_micro_model_details", "TfliteMicroModelDetails"),
    ],
)
def test_import_paths_of_0_20(module, name):
    assert hasattr(importlib.import_module(f"mltk.core.tflite_micro.{module}"), name)


def test_load_run_unload(needs_tflm, document, cnn, images):
    model = TfliteMicro.load_tflite_model(document, enable_profiler=True)
    assert (model.input_size, model.output_size) == (1, 1)
    assert model.input().shape == (1, 8, 8, 3)
    model.input(0, images[0])
    model.invoke()
    assert np.array_equal(model.output(), run_batch(cnn, images[:1]).outputs[0])
    with pytest.raises(MltkError, match="Input 0 is int8"):
        model.input(0, images[0].astype(np.float32))
    TfliteMicro.unload_model(model)


def test_details_have_the_arena_and_the_plan(needs_tflm, document):
    details = TfliteMicro.load_tflite_model(document).details
    assert details.runtime_memory_size % 16 == 0
    assert details.runtime_memory_size > details.memory_plan.buffer_memory_usage_bytes
    assert details.name == ""
    assert "Total runtime memory" in str(details)


def test_profiling_results_count_what_is_computed(needs_tflm, document):
    results = TfliteMicro.load_tflite_model(document, enable_profiler=True).get_profiling_results()
    assert [r.name for r in results][:2] == ["Op0-CONV_2D", "Op1-DEPTHWISE_CONV_2D"]
    assert results[0].macs == 8 * 8 * 16 * 27
    assert results[0].cpu_cycles == 0
    assert TfliteMicroProfiledLayerResult({"name": "x"})["nothing"] == 0


def test_record_model_gives_every_layers_data(needs_tflm, document, images):
    layers = TfliteMicro.record_model(document, input_data=images[:1])
    assert np.array_equal(layers[0].get_input_data(), images[:1])
    assert layers[0].get_output_data().any()
    assert np.array_equal(layers[0].get_output_data(), layers[1].get_input_data())
    assert not document.layers[0].get_output_data().any()  # a copy holds the data
    seen = []
    TfliteMicro.record_model(document, layer_callback=lambda layer: seen.append(layer.index) or layer.index < 1)
    assert seen == [0, 1]
    layers, details = TfliteMicro.record_model(document, return_model_details=True, update_input_model=True)
    assert details.runtime_memory_size
    assert document.layers[0].get_output_data().any()


def test_recorded_data_has_plan_and_layers(needs_tflm, document):
    model = TfliteMicro.load_tflite_model(document, enable_tensor_recorder=True)
    calls = []
    model.set_layer_callback(lambda index, outputs: calls.append((index, len(outputs[0]))) or True)
    model.invoke()
    data = model.get_recorded_data()
    assert set(data["memory_plan"][0]) == {"size", "offset", "start", "end", "subgraph_id", "tensor_id"}
    assert data["layers"][0]["outputs"][0].shape == (1, 8, 8, 16)
    assert calls[0] == (0, 8 * 8 * 16)


def test_memory_planner_places_what_is_added():
    planner = TfliteMicroMemoryPlanner()
    for size, start, end in ((100, 0, 1), (200, 1, 2), (40, 2, 3)):
        planner.add_buffer(TfliteMicroMemoryPlanBuffer(size, start, end))
    plan = planner.get_plan()
    assert plan.buffer_memory_usage_bytes == 208 + 100
    assert plan.max_time == 3
    assert plan.n_valid_buffers == 3
    assert [len(g) for g in plan.buffer_groups] == [1, 2, 2, 1]
    assert plan.clone().to_string() == plan.to_string()


def test_memory_plan_of_a_model(document):
    plan = TfliteMicroMemoryPlanner(document).get_plan()
    again = TfliteMicroMemoryPlan.create((b.to_dict() for b in plan), total_persistent_runtime_size=1000)
    assert again.total_memory_usage_bytes == plan.buffer_memory_usage_bytes + 1000
    assert plan[0].equals(again[0])
    assert plan[0].max_tensor.name == "t0"
    assert "Buffers: 6" in plan.get_summary(include_layer_stats=True)


def test_accelerators_are_those_registered():
    assert TfliteMicro.get_supported_accelerators() == []
    assert not TfliteMicro.accelerator_is_supported("mvp")
    assert TfliteMicro.normalize_accelerator_name(None) is None
    with pytest.raises(MltkError, match="There is no accelerator 'mvp' on this machine"):
        TfliteMicro.get_accelerator("mvp")


def test_log_level():
    before = TfliteMicro.set_log_level("WARNING")
    assert TfliteMicro.get_log_level() == "warn"
    assert TfliteMicro.set_log_level(before) == "warn"
    with pytest.raises(MltkError, match="'inof' is not a log level"):
        TfliteMicro.set_log_level("inof")


def test_layer_errors_name_the_layer():
    error = TfliteMicroLayerError.create("Node CONV_2D (number 3) failed to prepare with status 1")
    assert (error.index, error.name) == (3, "CONV_2D")
