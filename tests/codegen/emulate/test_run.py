"""Generated C code on emulated cores against TensorFlow Lite Micro."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from helpers.published_models import wake_words
from helpers.random_models import MODELS
from helpers.tflm_outputs import assert_same_outputs, random_inputs, tflm_outputs
from mltk.codegen.emulate.cores import CORES, find_core
from mltk.codegen.emulate.run import emulate
from mltk.errors import MltkError, RuntimeFailure

needs_arm_gcc = pytest.mark.skipif(
    shutil.which("arm-none-eabi-gcc") is None, reason="arm-none-eabi-gcc is not installed"
)


@pytest.mark.parametrize("core", CORES)
def test_a_classifier_on_every_core(needs_tflm: None, cnn: bytes, core: str) -> None:
    inputs = random_inputs(cnn, 3)
    result = emulate(cnn, inputs, core)
    assert_same_outputs(result.outputs, tflm_outputs(cnn, inputs))
    total = result.total
    assert total.instructions > 1000
    if core == "riscv32":
        assert not result.has_cycles
        assert total.cycles == total.cycles_high == 0
    else:
        assert result.has_cycles
        assert total.cycles_low <= total.cycles <= total.cycles_high
        assert total.cycles_high > total.instructions
    assert bool(total.kinds["dsp"]) == find_core(core).has_dsp
    assert 0 < result.stack_bytes < 2000
    # Nothing but what comes before the first step is missing.
    in_steps = sum(step.counts.instructions for step in result.steps)
    assert 0 < total.instructions - in_steps < 40


@pytest.mark.parametrize(
    ("core", "compiler"),
    [
        pytest.param("cortex-m4", "gcc", marks=needs_arm_gcc),
        ("cortex-m4", "zig"),
        pytest.param("cortex-m33", "gcc", marks=needs_arm_gcc),
    ],
)
def test_cores_with_dsp_instructions_use_them(cnn: bytes, core: str, compiler: str) -> None:
    result = emulate(cnn, random_inputs(cnn, 1), core, compiler=compiler)
    assert result.total.kinds["dsp"] > 100
    assert ("zig cc" if compiler == "zig" else "arm-none-eabi-gcc") in result.compiler
    assert "-O2" in result.compiler


def test_a_compiler_that_pip_installs_is_enough(needs_tflm: None, cnn: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    inputs = random_inputs(cnn, 1)
    result = emulate(cnn, inputs, "cortex-m4")
    assert result.compiler.startswith("zig cc")
    assert_same_outputs(result.outputs, tflm_outputs(cnn, inputs))


@pytest.mark.parametrize("operator", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_dsp_kernels_compute_the_integers_of_tflm(needs_tflm: None, operator: str) -> None:
    for seed in range(2):
        model = MODELS[operator](np.random.default_rng([seed, 5]))
        inputs = random_inputs(model, 2)
        assert_same_outputs(emulate(model, inputs, "cortex-m4").outputs, tflm_outputs(model, inputs))


def test_a_streaming_model_keeps_its_state(needs_tflm: None) -> None:
    model = wake_words()[0].read_bytes()
    inputs = random_inputs(model, 5)
    result = emulate(model, inputs, "cortex-m33", reset_between_samples=False)
    assert_same_outputs(result.outputs, tflm_outputs(model, inputs))


def test_the_counts_do_not_depend_on_the_samples_before(cnn: bytes) -> None:
    inputs = random_inputs(cnn, 3)
    assert emulate(cnn, inputs).total == emulate(cnn, [x[-1:] for x in inputs]).total


def test_sizes_are_those_of_the_linked_program(cnn: bytes) -> None:
    fast, small = (emulate(cnn, random_inputs(cnn, 1), optimize=level) for level in ("-O3", "-Os"))
    assert 0 < small.code_bytes["kernels"] < fast.code_bytes["kernels"] < 40_000
    assert small.code_bytes["model"] > 0
    assert fast.ram_bytes == small.ram_bytes
    assert fast.flash_bytes == sum(fast.code_bytes.values()) + fast.constant_bytes
    assert 0 < small.constant_bytes < len(cnn) * 2


def test_an_unknown_core_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(MltkError, match="cortex-m5") as caught:
        emulate(b"", [], "cortex-m5")
    assert "cortex-m" in str(caught.value.hint)


def test_a_core_with_helium_is_refused_with_the_reason() -> None:
    with pytest.raises(MltkError, match="cortex-m55") as caught:
        emulate(b"", [], "cortex-m55")
    assert "Helium" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("core", "compiler", "hint"),
    [("cortex-m4", "gc", "'gcc'"), ("cortex-m4", "clang-17", "gcc, zig"), ("riscv32", "gcc", "zig")],
)
def test_a_compiler_that_does_not_fit_is_refused(cnn: bytes, core: str, compiler: str, hint: str) -> None:
    with pytest.raises(MltkError) as caught:
        emulate(cnn, random_inputs(cnn, 1), core, compiler=compiler)
    assert hint in str(caught.value.hint)


def test_a_flag_that_the_compiler_refuses_is_shown(cnn: bytes) -> None:
    with pytest.raises(RuntimeFailure, match="no-such-flag"):
        emulate(cnn, random_inputs(cnn, 1), flags=["-fno-such-flag"])
