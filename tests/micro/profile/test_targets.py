"""The data files, and estimates made with them."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

from mltk.errors import MltkError
from mltk.micro.profile.estimate import estimate_layer
from mltk.micro.profile.features import LayerShape, layer_features
from mltk.micro.profile.targets import DEFAULT_TARGET, list_targets, load_target, target_names

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"
CORES = ("m0plus", "m4", "m7", "m33", "m55", "m85")


def known_counts() -> set[str]:
    """Every count that some layer has."""
    shapes = [
        LayerShape("conv_2d", (1, 8, 8, d), (1, 8, 8, 4), (3, 3), same_padding=True, weights=9, macs=9) for d in (1, 2)
    ]
    shapes += [LayerShape("depthwise_conv_2d", (1, 8, 8, d), (1, 8, 8, d), (3, 3), weights=9) for d in (8, 64)]
    shapes.append(LayerShape("depthwise_conv_2d", (1, 8, 8, 1), (1, 8, 8, 8), (3, 3), weights=9))
    shapes.append(LayerShape("max_pool_2d", (1, 8, 8, 2), (1, 4, 4, 2), (2, 2), (2, 2)))
    return {name for shape in shapes for name in layer_features(shape)}


def test_there_is_a_target_for_every_core_and_accelerator():
    names = target_names()
    assert DEFAULT_TARGET in names
    assert {f"cortex-{core}" for core in CORES} <= set(names)
    assert {f"cortex-{core}-reference" for core in CORES if core != "m0plus"} <= set(names)
    assert {"xg24-mvp", "ethos-u55-128", "ethos-u65-256", "ethos-u85-256"} <= set(names)


@pytest.mark.parametrize("target", list_targets(), ids=lambda target: target.name)
def test_data_files_hold_what_can_be_used(target):
    assert target.clock_hz > 1e6
    assert target.title
    assert target.source
    assert target.error_basis
    known = known_counts()
    for table in (target.cpu_cycles, target.accelerator_cycles):
        for operator, coefficients in table.items():
            assert coefficients, operator
            assert set(coefficients) <= known, operator
            assert all(value >= 0 for value in coefficients.values())
    assert "*" in target.cpu_cycles
    assert target.model_error is None or 0.05 < target.model_error < 1


def test_no_name_or_alias_is_taken_twice():
    names = [name for target in list_targets() for name in (target.name, *target.aliases)]
    assert len(names) == len(set(names))
    for target in list_targets():
        assert all(load_target(alias) == target for alias in target.aliases)


def test_unknown_targets_are_named_with_the_nearest():
    with pytest.raises(MltkError, match=r"no target 'cortex-m44'.*cortex-m4") as e:
        load_target("cortex-m44")
    assert "xg24-mvp" in e.value.hint


def test_faster_cores_need_less_time():
    shape = LayerShape("conv_2d", (1, 25, 5, 64), (1, 25, 5, 64), weights=4096, macs=512000)
    seconds = {
        name: estimate_layer(load_target(name), shape).cycles / load_target(name).clock_hz
        for name in ("cortex-m0plus", "cortex-m4-reference", "cortex-m4", "cortex-m33", "cortex-m7", "cortex-m85")
    }
    assert list(seconds.values()) == sorted(seconds.values(), reverse=True)


def test_accelerator_is_left_out_for_what_it_does_not_take():
    target = load_target("mvp")
    shape = LayerShape("conv_2d", (1, 25, 5, 64), (1, 25, 5, 64), weights=4096, macs=512000)
    fast, slow = estimate_layer(target, shape), estimate_layer(target, shape, accelerate=False)
    assert fast.accelerator_cycles > 0
    assert slow.accelerator_cycles == 0
    assert slow.cycles > 5 * fast.cycles


def test_measured_layers_of_the_xg24_are_met():
    """A 1×1 convolution of the published keyword_spotting model: 412,100 cycles of the MVP, 5,500 of the CPU."""
    shape = LayerShape("conv_2d", (1, 25, 5, 64), (1, 25, 5, 64), same_padding=True, weights=4096, macs=512000)
    found = estimate_layer(load_target("xg24-mvp"), shape)
    assert found.accelerator_cycles == pytest.approx(412100, rel=0.03)
    assert found.cpu_cycles == pytest.approx(5500, rel=0.1)
    assert found.measured


def test_operators_without_measurements_say_so():
    shape = LayerShape("fancy_new_operator", (1, 100), (1, 100))
    assert not estimate_layer(load_target("cortex-m4"), shape).measured
    assert estimate_layer(load_target("cortex-m4"), shape).cycles > 0


@pytest.mark.slow
def test_what_is_promised_holds_and_the_data_files_are_those_of_the_fit(monkeypatch, capsys):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setattr(sys, "argv", ["cycle_estimates.py"])
    module = runpy.run_path(str(BENCHMARKS / "cycle_estimates.py"))
    assert module["main"]() == 0
    assert "at most 15%" in capsys.readouterr().out


def test_the_measurements_behind_the_fit_are_complete():
    content = json.loads((BENCHMARKS / "data" / "xg24_mvp_layers.json").read_text())
    assert len(content["models"]) == 15
    assert sum(len(model["layers"]) for model in content["models"].values()) == 502
