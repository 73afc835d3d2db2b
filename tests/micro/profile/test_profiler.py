"""Profiles of models made by hand and of published ones."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.tflite_builder import ModelBuilder, float_model
from mltk.errors import MissingDependencyError, RuntimeFailure
from mltk.micro.memory.arena import measure_arena
from mltk.micro.memory.planner import plan_memory
from mltk.micro.profile import vela
from mltk.micro.profile.budget import Budget, OverBudget
from mltk.micro.profile.memory import layer_flash, layer_ram
from mltk.micro.profile.profiler import ROUGH_ERROR, profile_tflite
from mltk.micro.profile.targets import load_target
from mltk.tflite.graph import graph_of
from mltk.tflite.model import TfliteModel
from mltk.tflite.model_parameters import TfliteModelParameters


@pytest.mark.parametrize("target", ["cortex-m0plus", "cortex-m4", "cortex-m85-reference", "xg24-mvp"])
def test_published_models_can_be_profiled(published, target):
    results = profile_tflite(published, target)
    assert results.n_layers == len(published.layers)
    assert 0 < results.time < 1
    assert results.runtime_memory_bytes > 0
    assert all(layer.time > 0 for layer in results.layers)
    assert results.n_unsupported_layers == 0


def test_time_is_cycles_by_the_clock(cnn_model):
    slow = profile_tflite(cnn_model, "cortex-m4", clock_hz=60e6)
    usual = profile_tflite(cnn_model, "cortex-m4")
    assert slow.time == pytest.approx(2 * usual.time)
    assert slow.cycles == usual.cycles
    assert usual.time == pytest.approx(usual.cycles / 120e6, rel=0.01)
    assert slow.cpu_clock_rate == 60_000_000


def test_energy_comes_from_the_power_that_is_given(cnn_model):
    assert profile_tflite(cnn_model, "cortex-m4").energy == 0
    results = profile_tflite(cnn_model, "cortex-m4", active_power_w=0.03)
    assert results.energy == pytest.approx(0.03 * results.time)
    assert results.get_summary()["j_per_mac"] == pytest.approx(results.energy / results.macs)


def test_without_a_target_there_are_counts_and_memory_only(cnn_model):
    results = profile_tflite(cnn_model)
    assert results.macs > 0
    assert results.time == 0
    assert "time" not in results.get_summary()


def test_flash_and_ram_of_layers_add_up(cnn):
    graph = graph_of(cnn)
    plan = plan_memory(graph)
    assert sum(layer_flash(graph)) == sum(t.data.nbytes for t in graph.main.tensors if t.data is not None)
    assert max(layer_ram(graph, plan)) == plan.lower_bound


def test_a_constant_that_two_layers_share_counts_once():
    b = ModelBuilder()
    x, y, z = (b.tensor((1, 4), scale=0.1) for _ in range(3))
    c = b.constant([1, 2, 3, 4], np.int8, scale=0.1)
    b.operator("ADD", [x, c], [y], ("AddOptions", {}))
    b.operator("ADD", [y, c], [z], ("AddOptions", {}))
    assert layer_flash(graph_of(b.build([x], [z]))) == [4, 0]


def test_ram_follows_the_steps_through_called_subgraphs(published):
    graph = graph_of(published.flatbuffer_data)
    plan = plan_memory(graph)
    ram = layer_ram(graph, plan)
    assert len(ram) == len(graph.main.operators)
    last = [op.index for op in graph.main.operators][-1]
    assert ram[last] == plan.bytes_per_step[plan.n_steps - 1]


@pytest.mark.usefixtures("needs_tflm")
def test_arena_is_estimated_measured_or_as_stored(cnn_model):
    exact = measure_arena(cnn_model.flatbuffer_data).total
    estimated = profile_tflite(cnn_model, "cortex-m4")
    assert estimated.ram_is_estimate
    assert estimated.runtime_memory_bytes == pytest.approx(exact, rel=0.25)
    measured = profile_tflite(cnn_model, "cortex-m4", measure_ram=True)
    assert not measured.ram_is_estimate
    assert measured.runtime_memory_bytes == exact
    parameters = TfliteModelParameters()
    parameters.put("runtime_memory_size", 4321, dtype=None)
    parameters.add_to_tflite_model(cnn_model)
    stored = profile_tflite(cnn_model, "cortex-m4")
    assert (stored.runtime_memory_bytes, stored.ram_source) == (4321, "stored in the .tflite")


def test_what_no_measurement_stands_behind_widens_the_error_bar():
    results = profile_tflite(TfliteModel(float_model()), "xg24-mvp")
    assert results.accelerator_cycles == 0
    assert results.time_error == pytest.approx(ROUGH_ERROR)
    assert "~" in results.to_string()
    assert any("No measurement" in note for note in results.notes)


def test_operators_that_tflm_lacks_are_unsupported():
    b = ModelBuilder()
    x, y = b.tensor((1, 4), np.float32), b.tensor((1, 4), np.float32)
    b.operator("ATAN2", [x, x], [y])
    results = profile_tflite(TfliteModel(b.build([x], [y])), "cortex-m4")
    assert "ATAN2" in results.layers[0].error_msg
    assert "TensorFlow Lite Micro has no" in results.to_string()


@pytest.mark.parametrize(("name", "custom"), [("WHILE", None), ("IF", None), ("CONV_3D", None), ("CUSTOM", "ethos-u")])
def test_a_cost_that_is_unknown_is_said_and_fails_limits(name, custom):
    b = ModelBuilder()
    x, y = b.tensor((1, 4), scale=0.1), b.tensor((1, 4), scale=0.1)
    b.operator(name, [x], [y], custom_code=custom)
    results = profile_tflite(TfliteModel(b.build([x], [y])), "cortex-m4")
    assert any("Unknown" in note for note in results.notes)
    for limits in ({"max_latency_s": 100.0}, {"max_ram": 1 << 30}):
        with pytest.raises(OverBudget, match="not known"):
            Budget(**limits).check(results)


# ---- Ethos-U


def test_vela_that_is_not_installed_is_named_with_its_extra(cnn_model, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="Vela") as e:
        profile_tflite(cnn_model, "ethos-u55")
    assert "openmltk[npu]" in e.value.hint


@pytest.fixture
def needs_vela() -> None:
    pytest.importorskip("ethosu")


@pytest.mark.usefixtures("needs_vela")
@pytest.mark.parametrize("target", ["ethos-u55-128", "ethos-u85-256"])
def test_vela_compiles_for_real(cnn_model, target):
    results = profile_tflite(cnn_model, target)
    assert results.accelerator == "ethos-u"
    assert results.layers[0].accelerator_cycles > 0
    assert results.time < profile_tflite(cnn_model, "cortex-m55").time
    assert results.time_error is None
    assert "SRAM" in results.ram_source
    assert any("All operators run on the NPU" in note for note in results.notes)


@pytest.mark.usefixtures("needs_vela")
def test_what_vela_leaves_to_the_cpu_is_named():
    b = ModelBuilder()
    x, y, z = b.tensor((1, 64), np.float32), b.tensor((1, 64), scale=0.1), b.tensor((1, 64), scale=0.1)
    b.operator("QUANTIZE", [x], [y], ("QuantizeOptions", {}))
    b.operator("ADD", [y, y], [z], ("AddOptions", {}))
    results = profile_tflite(TfliteModel(b.build([x], [z])), "ethos-u55-128")
    assert results.layers[0].error_msg == "stays on the CPU"
    assert results.layers[0].cpu_cycles > 0
    assert any("These stay on the CPU: 1 × quantize" in note for note in results.notes)


@pytest.mark.usefixtures("needs_vela")
def test_vela_that_fails_says_what_it_said(cnn):
    settings = {**load_target("ethos-u55-128").vela, "system_config": "No_Such_System"}
    with pytest.raises(RuntimeFailure, match="Vela can't compile") as e:
        vela.compile_with_vela(cnn, settings)
    assert "No_Such_System" in e.value.hint


@pytest.mark.usefixtures("needs_vela")
def test_vela_that_hangs_is_ended(cnn):
    with pytest.raises(RuntimeFailure, match=r"within 0\.01 s"):
        vela.compile_with_vela(cnn, load_target("ethos-u55-128").vela, timeout_s=0.01)


@pytest.mark.usefixtures("needs_vela")
@pytest.mark.parametrize(
    ("code", "ended"),
    [
        ("import os; os.kill(os.getpid(), 8)", "signal 8 (SIGFPE)"),
        ("import os; os.abort()", "SIGABRT"),
        ("import sys; sys.exit('last words')", "exit code 1"),
        ("pass", "without a report"),
    ],
)
def test_the_error_says_how_vela_ended(monkeypatch, code, ended):
    b = ModelBuilder()
    x, y = b.tensor((1, 4), scale=0.1), b.tensor((1, 4), scale=0.1)
    w = b.tensor((2, 4), "int4", scale=0.1)
    b.operator("FULLY_CONNECTED", [x, w, -1], [y], ("FullyConnectedOptions", {}))
    monkeypatch.setattr(vela, "_RUN", code)
    with pytest.raises(RuntimeFailure) as e:
        vela.compile_with_vela(b.build([x], [y]), {})
    assert ended in e.value.message
    assert "int4" in str(e.value.hint)
    assert ("last words" in str(e.value.hint)) == ("last words" in code)
