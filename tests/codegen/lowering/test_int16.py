"""Operators with int16 activations as C code: the integers of TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.compiled_models import CompiledModels, assert_as_tflm
from helpers.random_models_16 import MODELS_16
from helpers.tflite_builder import ModelBuilder
from helpers.tflm_outputs import assert_same_outputs, random_inputs, tflm_outputs
from mltk.codegen.emulate.run import emulate
from mltk.codegen.host import WARNINGS
from mltk.codegen.lowering.lower import lower
from mltk.errors import UnsupportedModelError
from mltk.tflite.graph import graph_of

SANITIZERS = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-fsanitize-undefined-trap-on-error")


@pytest.mark.parametrize("operator", MODELS_16)
def test_operator_computes_the_integers_of_tflm_without_warnings(needs_tflm: None, operator: str) -> None:
    models = [MODELS_16[operator](np.random.default_rng([seed, len(operator), 16])) for seed in range(8)]
    n_values = assert_as_tflm(models, [*WARNINGS, "-Werror", *SANITIZERS], 5)
    assert n_values > 40  # the comparison says something


@pytest.mark.slow
@pytest.mark.parametrize("operator", MODELS_16)
def test_operator_computes_the_integers_of_tflm_on_many_models(needs_tflm: None, operator: str) -> None:
    models = [MODELS_16[operator](np.random.default_rng([seed, len(operator), 17])) for seed in range(200)]
    assert_as_tflm(models, ["-O1"], 20)


@pytest.mark.parametrize("operator", ["LOGISTIC", "TANH"])
def test_sigmoids_are_those_of_tflm_for_all_values(needs_tflm: None, operator: str) -> None:
    models, n = [], 1 << 16
    for scale in (2.0**-12, 1e-4, 3e-3, 2.0**-15):
        b = ModelBuilder()
        x, y = b.tensor((1, n), np.int16, scale=scale), b.tensor((1, n), np.int16, scale=1 / 32768)
        b.operator(operator, [x], [y], version=3)
        models.append(b.build([x], [y]))
    compiled = CompiledModels(models, ["-O1"])
    every = [np.arange(-32768, 32768).astype(np.int16).reshape(1, 1, n)]
    for i, model in enumerate(models):
        assert_same_outputs(compiled.run(i, every), tflm_outputs(model, every))


@pytest.mark.parametrize("core", ["cortex-m0plus", "cortex-m4"])
def test_an_emulated_core_computes_the_same(needs_tflm: None, core: str) -> None:
    for operator in ("CONV_2D", "SOFTMAX", "MEAN"):
        model = MODELS_16[operator](np.random.default_rng([3, 16]))
        inputs = random_inputs(model, 2)
        assert_same_outputs(emulate(model, inputs, core).outputs, tflm_outputs(model, inputs))


def test_an_operator_without_a_kernel_for_int16_is_named() -> None:
    b = ModelBuilder()
    x, y = (b.tensor((1, 4), np.int16, scale=0.001) for _ in range(2))
    b.operator("HARD_SWISH", [x], [y], ("HardSwishOptions", {}))
    with pytest.raises(UnsupportedModelError, match=r"HARD_SWISH \(operator 0\): INT16 tensor"):
        lower(graph_of(b.build([x], [y])))


def test_int16_values_with_a_zero_point_are_refused() -> None:
    b = ModelBuilder()
    x, y = b.tensor((1, 4), np.int16, scale=0.001, zero_point=7), b.tensor((1, 4), np.int16, scale=1 / 32768)
    b.operator("TANH", [x], [y])
    with pytest.raises(
        UnsupportedModelError, match=r"TANH \(operator 0\): int16 values that are not quantized symmetr"
    ):
        lower(graph_of(b.build([x], [y])))
