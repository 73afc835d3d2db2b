"""Generated C code on this machine against TensorFlow Lite Micro: the same integers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from helpers.published_models import PUBLISHED
from helpers.random_models import MODELS
from helpers.tflite_builder import float_model
from helpers.tflm_outputs import assert_same_outputs, random_inputs, tflm_outputs
from mltk.codegen.host import WARNINGS, HostModel
from mltk.errors import UnsupportedModelError

SANITIZERS = ("-O1", "-fsanitize=undefined", "-fno-sanitize-recover=all", "-fsanitize-undefined-trap-on-error")


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("operator", MODELS)
def test_operator_computes_the_integers_of_tflm_without_warnings(needs_tflm: None, operator: str, seed: int) -> None:
    model = MODELS[operator](np.random.default_rng([seed, len(operator), 177]))
    inputs = random_inputs(model, 5)
    with HostModel(model, flags=[*WARNINGS, "-Werror", *SANITIZERS]) as compiled:
        assert_same_outputs(compiled.run(inputs), tflm_outputs(model, inputs))


@pytest.mark.slow
@pytest.mark.parametrize("operator", MODELS)
def test_operator_computes_the_integers_of_tflm_on_many_models(needs_tflm: None, operator: str) -> None:
    for seed in range(30):
        model = MODELS[operator](np.random.default_rng([seed, len(operator), 178]))
        inputs = random_inputs(model, 5)
        with HostModel(model, flags=["-O1"]) as compiled:
            assert_same_outputs(compiled.run(inputs), tflm_outputs(model, inputs))


def test_a_whole_classifier_needs_less_memory_than_tflm_outputs(needs_tflm: None, cnn: bytes) -> None:
    from mltk.micro.memory.arena import measure_arena

    inputs = random_inputs(cnn, 50)
    with HostModel(cnn) as compiled:
        assert_same_outputs(compiled.run(inputs), tflm_outputs(cnn, inputs))
        assert compiled.code.ram_bytes < measure_arena(cnn).total


@pytest.mark.parametrize("path", [p for p in PUBLISHED if "float" not in p.name], ids=lambda p: p.stem)
def test_published_models_keep_their_state_as_tflm_does(needs_tflm: None, path: Path) -> None:
    model = path.read_bytes()
    inputs = random_inputs(model, 30)
    with HostModel(model, flags=[*WARNINGS, "-Werror"]) as compiled:
        assert_same_outputs(compiled.run(inputs, reset_between_samples=False), tflm_outputs(model, inputs))


def test_a_float_model_is_refused_with_the_way_out() -> None:
    with pytest.raises(UnsupportedModelError, match="FLOAT32") as caught:
        HostModel(float_model())
    assert "quantize" in str(caught.value.hint)
