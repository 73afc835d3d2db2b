"""Results under the names of MLTK 0.20, and as text, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import pickle

import pytest

import mltk
from mltk.errors import MltkError, OutputError
from mltk.micro.profile.budget import Budget, OverBudget
from mltk.micro.profile.layer_result import ProfilingLayerResult
from mltk.micro.profile.profiler import profile_tflite
from mltk.micro.profile.results import ProfilingModelResults
from mltk.micro.profile.units import (
    format_bytes,
    format_time,
    format_units,
    parse_clock,
    parse_power,
    parse_size,
    parse_time,
)

V020_SUMMARY = [
    "name", "accelerator", "input_shape", "input_dtype", "output_shape", "output_dtype", "tflite_size",
    "runtime_memory_size", "ops", "macs", "n_layers", "n_unsupported_layers", "accelerator_cycles", "cpu_cycles",
    "cpu_utilization", "cpu_clock_rate", "time", "energy", "j_per_op", "j_per_mac", "op_per_s", "mac_per_s",
    "inf_per_sec",
]  # fmt: skip
V020_LAYER = [
    "index", "opcode", "ops", "macs", "accelerator_cycles", "cpu_cycles", "energy", "time", "input_shape",
    "output_shape", "options",
]  # fmt: skip


@pytest.fixture
def by_hand(cnn_model) -> ProfilingModelResults:
    def result(i, layer):
        figures = {"ops": 10 * i, "macs": 5 * i, "cpu_cycles": 100 * i + 1, "accelerator_cycles": 3 * i}
        return mltk.ProfilingLayerResult(layer, **figures, time=1e-4 * i, energy=1e-6 * i)

    layers = [result(i, layer) for i, layer in enumerate(cnn_model.layers)]
    return mltk.ProfilingModelResults(cnn_model, "mvp", "brd2601a", 78_000_000, 1234, layers)


def test_totals_are_sums(by_hand):
    assert (by_hand.ops, by_hand.macs, by_hand.accelerator_cycles) == (100, 50, 30)
    assert by_hand.stat_total("time") == pytest.approx(1e-3)
    assert by_hand.cpu_utilization == pytest.approx(1005 / 78_000)
    assert by_hand.n_layers == 5
    assert by_hand.is_simulated
    assert by_hand.platform == "brd2601a"


def test_keys_and_titles_of_020_are_kept_in_their_order(by_hand):
    summary = by_hand.get_summary()
    assert list(summary) == V020_SUMMARY
    assert summary["inf_per_sec"] == pytest.approx(1000)
    assert by_hand.get_summary(include_labels=True)["tflite_size"][0] == "Flash, Model File Size (bytes)"
    content = by_hand.to_dict()
    assert list(content["layer_labels"]) == V020_LAYER
    assert content["layer_labels"]["accelerator_cycles"] == "Acc Cycles"
    assert by_hand.get_summary(format_units=True)["cpu_clock_rate"] == "78.0M"


def test_what_is_not_known_is_left_out_or_empty(cnn_model):
    nothing = ProfilingModelResults(cnn_model)
    assert "time" not in nothing.get_summary()
    assert nothing.get_summary()["accelerator"] == "None"
    assert nothing.cpu_utilization == 0
    assert "small_cnn" in nothing.to_string()


def test_layers_are_dictionaries_and_properties(by_hand):
    layer = by_hand.layers[1]
    assert layer["ops"] == layer.ops == 10
    assert layer["anything"] == 0
    assert layer.opcode_str == "depthwise_conv_2d"
    assert layer.name == "op1-depthwise_conv_2d"
    assert layer.is_accelerated
    assert not layer.is_unsupported
    layer["error_msg"] = "too wide"
    assert by_hand.n_unsupported_layers == 1
    assert "too wide" in by_hand.to_string(full_summary=True)
    assert by_hand.to_dict()["layer_labels"]["error_msg"] == "Error Msg"


def test_extra_figures_come_with_the_full_summary(cnn_model):
    layer = ProfilingLayerResult(cnn_model.layers[0], foo=3)
    assert layer.get_summary(full_summary=True)["foo"] == 3
    assert "foo" not in layer.get_summary()
    assert "ops" not in layer.get_summary(excluded_columns=["ops"])


def test_csv_and_json_hold_the_same(results):
    content = json.loads(results.to_json())
    summary, layers = results.to_csv()
    rows = list(csv.DictReader(io.StringIO(layers)))
    assert [row["opcode"] for row in rows] == [layer["opcode"] for layer in content["layers"]]
    assert float(rows[0]["time"]) == content["layers"][0]["time"]
    assert next(csv.DictReader(io.StringIO(summary)))["macs"] == str(results.macs)
    assert not results.to_csv(include_header=False)[1].startswith("index")
    assert content["details"]["target"] == "xg24-mvp"
    assert content["details"]["time_error"] == results.time_error


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("target", ["cortex-m4", "xg24-mvp"])
def test_report_fits_the_terminal(published, target, width):
    text = profile_tflite(published, target).to_string(width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "time" in text.splitlines()[text.splitlines().index(next(x for x in text.splitlines() if "operator" in x))]


def test_reports_are_written(results, tmp_path):
    results.generate_report(str(tmp_path / "new"), format_units=True)
    names = sorted(p.name for p in (tmp_path / "new").iterdir())
    assert names == ["profiling_report-mvp-simulated.json", "profiling_report-mvp-simulated.txt"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be made"):
        results.generate_report(str(tmp_path / "file" / "folder"), format_units=True)


def test_results_can_be_sent_to_another_process(results):
    again = pickle.loads(pickle.dumps(results))
    assert again.to_dict() == results.to_dict()


def test_limits_that_are_exceeded_are_named_with_their_worst_layers(results):
    with pytest.raises(OverBudget) as e:
        Budget(max_ram=100, max_flash=100, max_latency_s=1e-6).check(results)
    assert "xg24-mvp" in e.value.message
    for word in ("RAM", "flash", "latency", "layer 0, conv_2d"):
        assert word in e.value.hint
    assert Budget(1 << 20, 1 << 20, 10.0).check(results) == []
    assert Budget().check(results) == []


def test_limits_within_the_error_bar_are_worth_a_word(results):
    notes = Budget(max_latency_s=results.time * 1.01).check(results)
    assert notes
    assert "error bar" in notes[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (640, "640.0"), (1500, "1.5k"), (2.66e6, "2.7M"), (0.0307, "30.7m"), (1e-6, "1.0u"), (999.96, "1.0k")],
)
def test_units_as_020_writes_them(value, text):
    assert format_units(value) == text


def test_times_and_sizes_read_well():
    assert [format_time(x) for x in (0, 3.6e-9, 33.7e-6, 0.0278, 1.5, 2000)] == [
        "0", "3.6 ns", "33.7 µs", "27.8 ms", "1.5 s", "2,000 s",
    ]  # fmt: skip
    assert [format_bytes(x) for x in (80, 8496, 16000, 800_000, 20_000_000)] == [
        "80", "8,496", "15.6 KiB", "781 KiB", "19.1 MiB",
    ]  # fmt: skip


def test_limits_are_read_as_people_write_them():
    assert [parse_size(x) for x in ("2048", "64k", "64 KiB", "1.5M", "1kB")] == [2048, 65536, 65536, 1572864, 1024]
    assert [parse_time(x) for x in ("50ms", "0.2 s", "800us")] == pytest.approx([0.05, 0.2, 8e-4])
    assert [parse_clock(x) for x in ("80M", "80MHz", "1.2g")] == pytest.approx([80e6, 80e6, 1.2e9])
    assert parse_power("12mW") == pytest.approx(0.012)


@pytest.mark.parametrize(
    ("parse", "text"),
    [(parse_size, "-1"), (parse_size, "k"), (parse_size, "1.2.3"), (parse_time, "50"), (parse_clock, "0")],
)
def test_what_is_no_limit_is_refused(parse, text):
    with pytest.raises(MltkError):
        parse(text)
