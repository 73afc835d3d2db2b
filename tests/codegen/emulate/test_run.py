"""Generated C code on emulated cores against TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.published_models import wake_words
from helpers.random_models import MODELS
from helpers.tflm_outputs import assert_same_outputs, random_inputs, tflm_outputs
from mltk.codegen.emulate.cores import CORES
from mltk.codegen.emulate.run import emulate
from mltk.errors import MltkError


@pytest.mark.parametrize("core", CORES)
def test_a_classifier_on_every_core(needs_tflm: None, cnn: bytes, core: str) -> None:
    inputs = random_inputs(cnn, 3)
    result = emulate(cnn, inputs, core)
    assert_same_outputs(result.outputs, tflm_outputs(cnn, inputs))
    assert result.total.instructions > 1000
    assert result.total.cycles >= result.total.instructions * 0.9
    assert 0 < result.stack_bytes < 2000
    # The marks between the steps are the only difference of the two builds.
    in_steps = sum(step.counts.instructions for step in result.steps)
    assert in_steps == pytest.approx(result.total.instructions, rel=0.05)


@pytest.mark.parametrize("operator", ["CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"])
def test_dsp_kernels_compute_the_integers_of_tflm(needs_tflm: None, operator: str) -> None:
    for seed in range(3):
        model = MODELS[operator](np.random.default_rng([seed, 5]))
        inputs = random_inputs(model, 2)
        assert_same_outputs(emulate(model, inputs, "cortex-m4").outputs, tflm_outputs(model, inputs))


def test_a_streaming_model_keeps_its_state(needs_tflm: None) -> None:
    model = wake_words()[0].read_bytes()
    inputs = random_inputs(model, 5)
    result = emulate(model, inputs, "cortex-m33", reset_between_samples=False)
    assert_same_outputs(result.outputs, tflm_outputs(model, inputs))


def test_the_same_instructions_are_counted_twice(needs_tflm: None, cnn: bytes) -> None:
    inputs = random_inputs(cnn, 1)
    first, second = (emulate(cnn, inputs, "cortex-m4").total for _ in range(2))
    assert first == second


def test_an_unknown_core_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(MltkError, match="cortex-m5") as caught:
        emulate(b"", [], "cortex-m5")
    assert "cortex-m" in str(caught.value.hint)
