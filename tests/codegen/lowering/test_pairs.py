"""PRELU, BATCH_MATMUL, GATHER, SVDF and others as C code: the integers of TensorFlow Lite Micro."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.compiled_models import assert_as_tflm
from helpers.random_pairs import PAIRS
from helpers.tflite_builder import ModelBuilder
from helpers.tflm_outputs import assert_same_outputs, random_inputs, tflm_outputs
from mltk.codegen.emulate.run import emulate
from mltk.codegen.host import WARNINGS, HostModel
from mltk.codegen.lowering.lower import lower
from mltk.errors import UnsupportedModelError
from mltk.tflite.graph import graph_of

SANITIZERS = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-fsanitize-undefined-trap-on-error")


@pytest.mark.parametrize("operator", PAIRS)
def test_operator_computes_the_integers_of_tflm_without_warnings(needs_tflm: None, operator: str) -> None:
    models = [PAIRS[operator](np.random.default_rng([seed, len(operator), 18])) for seed in range(8)]
    n_values = assert_as_tflm(models, [*WARNINGS, "-Werror", *SANITIZERS], 5)
    assert n_values > 60  # the comparison says something


@pytest.mark.slow
@pytest.mark.parametrize("operator", PAIRS)
def test_operator_computes_the_integers_of_tflm_on_many_models(needs_tflm: None, operator: str) -> None:
    models = [PAIRS[operator](np.random.default_rng([seed, len(operator), 19])) for seed in range(200)]
    assert_as_tflm(models, ["-O1"], 20)


def test_an_emulated_core_computes_the_same_and_needs_no_more_of_the_c_library(needs_tflm: None) -> None:
    for operator in ("SVDF", "GATHER", "BATCH_MATMUL"):
        for seed in range(3):
            model = PAIRS[operator](np.random.default_rng([seed, 18]))
            inputs = random_inputs(model, 3)
            found = emulate(model, inputs, "cortex-m4", reset_between_samples=False)
            assert_same_outputs(found.outputs, tflm_outputs(model, inputs))


def gather(positions: int | None, n: int = 4) -> bytes:
    b = ModelBuilder()
    x, y = b.tensor((n, 2), scale=0.1), b.tensor((1, 2), scale=0.1)
    given = b.tensor((1,), np.int32) if positions is None else b.constant([positions])
    b.operator("GATHER", [x, given], [y], ("GatherOptions", {}))
    return b.build([x, given] if positions is None else [x], [y])


def test_computed_positions_outside_the_tensor_read_nothing_outside() -> None:
    values = np.arange(8, dtype=np.int8).reshape(1, 4, 2)
    with HostModel(gather(None), flags=SANITIZERS) as compiled:
        for given, expected in ((2, [4, 5]), (-3, [0, 1]), (99, [6, 7])):
            assert compiled.run([values, np.full((1, 1), given, np.int32)])[0].ravel().tolist() == expected


def test_a_constant_position_outside_the_tensor_is_refused() -> None:
    with pytest.raises(UnsupportedModelError, match=r"GATHER \(operator 0\): a position outside the tensor"):
        lower(graph_of(gather(4)))
