"""Random networks as C code, many in one library: the integers of TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.compiled_models import CompiledModels
from helpers.random_models import MODELS
from helpers.random_networks import random_network
from helpers.tflm_outputs import assert_same_outputs, random_inputs, tflm_outputs
from mltk.codegen.emulate.run import emulate


@pytest.mark.parametrize("flag", ["-O2", "-DMLTK_PORTABLE"], ids=["with vectors", "without"])
def test_random_networks_compute_the_integers_of_tflm(needs_tflm: None, flag: str) -> None:
    models = [random_network(seed) for seed in range(1000, 1025)]
    compiled = CompiledModels(models, ["-O1", flag])
    for i, model in enumerate(models):
        inputs = random_inputs(model, 5)
        assert_same_outputs(compiled.run(i, inputs), tflm_outputs(model, inputs))


def test_operators_compute_the_integers_of_tflm_without_vectors(needs_tflm: None) -> None:
    models = [make(np.random.default_rng([seed, 5])) for make in MODELS.values() for seed in range(2)]
    compiled = CompiledModels(models, ["-O1", "-DMLTK_PORTABLE"])
    for i, model in enumerate(models):
        inputs = random_inputs(model, 5)
        assert_same_outputs(compiled.run(i, inputs), tflm_outputs(model, inputs))


@pytest.mark.parametrize("optimize", ["-O0", "-Os"])
def test_dsp_kernels_do_not_depend_on_the_level_of_optimization(needs_tflm: None, optimize: str) -> None:
    model = random_network(1001)
    inputs = random_inputs(model, 2)
    assert_same_outputs(emulate(model, inputs, "cortex-m4", optimize=optimize).outputs, tflm_outputs(model, inputs))
