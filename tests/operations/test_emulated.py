"""``mltk profile --emulate`` and ``mltk parity --emulate``: the C code on an emulated core."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import mltk
from helpers.tflite_builder import float_model
from mltk.cli.main import main
from mltk.codegen.emulate.run import emulate
from mltk.errors import MissingDependencyError, MltkError, RuntimeFailure, UnsupportedModelError
from mltk.micro.profile.budget import Budget, OverBudget
from mltk.operations.parity import check_parity
from mltk.operations.profile import profile_model
from mltk.operations.shared import emulated


@pytest.fixture
def tflite(tmp_path: Path, cnn: bytes) -> str:
    path = tmp_path / "classifier.tflite"
    path.write_bytes(cnn)
    return str(path)


@pytest.fixture(scope="module")
def profiled(tmp_path_factory: pytest.TempPathFactory, cnn: bytes) -> mltk.ProfilingModelResults:
    path = tmp_path_factory.mktemp("emulated") / "classifier.tflite"
    path.write_bytes(cnn)
    return profile_model(str(path), emulate="cortex-m4", clock_hz=50e6)


def run_command(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    return int(ended.value.code or 0)


def test_a_profile_has_counted_figures_beside_the_estimates(needs_tflm, profiled):
    counted = profiled.counted
    assert profiled.target.name == "cortex-m4"
    assert counted.n_differing == 0
    assert counted.n_values == 3 * 4
    assert "TensorFlow Lite Micro" in counted.reference
    assert counted.time == counted.cycles / 50e6
    assert counted.instructions > sum(layer["counted_instructions"] for layer in profiled.layers) > 1000
    assert sum(layer["counted_cycles"] for layer in profiled.layers) == pytest.approx(counted.cycles, rel=0.01)
    assert all(layer.cycles for layer in profiled.layers)  # estimates
    text = profiled.to_text(width=120)
    assert f"{counted.instructions:,} instructions" in text
    assert "zero wait states" in text
    assert "counted" in text.split("operator")[1].splitlines()[0]


def test_reports_have_the_counted_figures(profiled, tmp_path):
    assert profiled.save(str(tmp_path / "report.json"))
    report = json.loads((tmp_path / "report.json").read_text())
    summary, counted = report["summary"], report["details"]["counted"]
    assert summary["counted_core"] == "cortex-m4"
    assert summary["counted_cycles_low"] < summary["counted_cycles"] < summary["counted_cycles_high"]
    assert summary["counted_flash_size"] == sum(counted["code_bytes"].values()) + counted["constant_bytes"]
    assert counted["wait_states"] == 0
    assert "-O2" in counted["compiler"]
    assert report["layers"][0]["counted_instructions"] > 0
    assert report["layer_labels"]["counted_cycles"] == "Counted Cycles"
    summary_csv, layers_csv = profiled.to_csv()
    assert "counted_cycles_high" in summary_csv
    assert "counted_instructions" in layers_csv.splitlines()[0]


def test_without_emulation_reports_are_as_before(tflite):
    content = json.dumps(profile_model(tflite).to_dict(full_summary=True))
    assert "counted" not in content


def test_limits_are_on_what_was_counted(profiled):
    counted = profiled.counted
    fits = Budget(counted.total_ram_bytes, counted.flash_bytes, counted.time * 2)
    (note,) = fits.check(profiled)
    assert "zero wait states" in note
    with pytest.raises(OverBudget) as caught:
        Budget(counted.total_ram_bytes - 1, counted.flash_bytes - 1, counted.time * 0.99).check(profiled)
    assert all(f"{name}: " in caught.value.hint for name in ("RAM", "flash", "latency"))
    near = Budget(max_latency_s=counted.time * 1.001).check(profiled)
    assert "error bar" in near[0]


def test_a_limit_on_time_needs_published_timings_and_a_clock(tflite):
    instructions_only = profile_model(tflite, emulate="riscv32")
    assert "counted_cycles" not in instructions_only.get_summary()
    with pytest.raises(OverBudget) as caught:
        Budget(max_latency_s=10).check(instructions_only)
    assert "no published timings" in caught.value.hint
    with pytest.raises(OverBudget) as caught:
        Budget(max_latency_s=10).check(profile_model(tflite, emulate="cortex-m3"))
    assert "--clock" in caught.value.hint


def test_parity_compares_the_emulated_code_with_the_interpreter(needs_tflm, tflite, capsys):
    assert run_command("parity", tflite, "--emulate", "cortex-m0plus", "--count", 5, "--output", tflite + ".json") == 0
    assert "emulated cortex-m0plus" in capsys.readouterr().out
    report = json.loads(Path(tflite + ".json").read_text())
    (row,) = (c for c in report["engines"]["comparisons"] if c["engine"] == "emulated cortex-m0plus")
    assert (row["reference"], row["share"]) == ("tflm", 0)
    assert report["counted"]["n_samples"] == 5


def wrong_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change one value that the emulated core computes."""

    def changed(*args, **options):
        result = emulate(*args, **options)
        result.outputs[0].reshape(-1)[0] ^= 1
        return result

    monkeypatch.setattr(emulated, "emulate", changed)


def test_a_difference_is_an_error_of_a_profile_and_a_row_of_parity(needs_tflm, tflite, monkeypatch):
    wrong_outputs(monkeypatch)
    with pytest.raises(RuntimeFailure, match=r"1 of \d+ output values on the emulated Arm Cortex-M4 differ"):
        profile_model(tflite, emulate="cortex-m4")
    results = check_parity(tflite, emulate="cortex-m4", n_samples=2)
    assert not results.engines.all_equal
    assert results.counted.n_differing == 1


def test_the_command_shows_counted_figures_and_judges_them(tflite, capsys):
    words = "profile", tflite, "--emulate", "Cortex_M33", "--max-flash", "1k"
    assert run_command(*words) == 1
    out, err = capsys.readouterr()
    assert "emulated Arm Cortex-M33" in out
    assert "flash" in err


def test_a_compiler_without_a_core_is_refused(tflite, capsys):
    for command in ("profile", "parity"):
        assert run_command(command, tflite, "--compiler", "zig") == 2
        assert "--compiler needs --emulate" in capsys.readouterr().err


def test_small_code_is_smaller_and_computes_the_same(needs_tflm, tflite, capsys):
    words = "profile", tflite, "--emulate", "cortex-m4", "--optimize", "size", "--output", tflite + ".json"
    assert run_command(*words) == 0
    assert "-Os" in capsys.readouterr().out
    fast, small = (
        profile_model(tflite, emulate="cortex-m4").counted,
        profile_model(tflite, emulate="cortex-m4", optimize="size").counted,
    )
    assert sum(small.code_bytes.values()) < sum(fast.code_bytes.values())
    assert check_parity(tflite, emulate="cortex-m4", n_samples=3, optimize="size").counted.n_differing == 0
    for command in ("profile", "parity"):
        assert run_command(command, tflite, "--optimize", "size") == 2
        assert "--optimize needs --emulate" in capsys.readouterr().err
    with pytest.raises(MltkError, match="can't be asked for 'fast'"):
        profile_model(tflite, emulate="cortex-m4", optimize="fast")


def test_an_unknown_core_is_refused_before_anything_runs():
    with pytest.raises(MltkError, match="cortex-m9") as caught:
        profile_model("no_such_model.tflite", emulate="cortex-m9")
    assert "cortex-m" in caught.value.hint


def test_a_missing_compiler_names_the_extra(tflite, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "ziglang" else real(name, *a))
    with pytest.raises(MissingDependencyError, match="C compiler for Arm Cortex-M4") as caught:
        profile_model(tflite, emulate="cortex-m4")
    assert "openmltk[device]" in caught.value.hint


@pytest.mark.parametrize("package", ["unicorn", "capstone"])
def test_a_missing_emulator_names_the_extra(tflite, monkeypatch, package):
    monkeypatch.setitem(__import__("sys").modules, package, None)
    with pytest.raises(MissingDependencyError, match=package) as caught:
        profile_model(tflite, emulate="cortex-m4")
    assert "openmltk[device]" in caught.value.hint


def test_a_model_without_c_code_is_refused_with_its_operator(tmp_path):
    (tmp_path / "float.tflite").write_bytes(float_model())
    with pytest.raises(UnsupportedModelError, match=r"\(operator 0\)"):
        profile_model(str(tmp_path / "float.tflite"), emulate="cortex-m4")


def test_samples_that_are_given_are_the_ones_that_run(needs_tflm, cnn):
    from mltk.tflite.model import TfliteModel

    model = TfliteModel(cnn)
    samples = [np.full((2, *model.graph.inputs[0].shape[1:]), 7, np.int8)]
    one = emulated.emulate_model(model, samples, "cortex-m4", source="constant")
    assert one.figures.samples == "constant"
    assert np.array_equal(one.result.outputs[0][0], one.result.outputs[0][1])
