"""The exact batched kernels against TensorFlow Lite Micro, operator by operator and as whole models."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from helpers.published_models import wake_words
from helpers.random_models import MODELS
from helpers.tflite_builder import ModelBuilder, float_model
from mltk.micro.engines.runtimes import ExactRuntime, TflmRuntime
from mltk.micro.exact import NotExactError, compile_exact
from mltk.micro.exact import fixed_point as fx
from mltk.micro.exact.blas import one_blas_thread
from mltk.micro.exact.requantize import Requantizer
from mltk.tflite.fixed_point import quantize_multiplier
from mltk.tflite.graph import graph_of


def both(model: bytes, rng: np.random.Generator, n: int = 5):
    """Outputs of the exact kernels and of TFLM on ``n`` random samples."""
    graph = graph_of(model)
    inputs = [rng.integers(-128, 128, (n, *t.shape)).astype(np.int8) for t in graph.inputs]
    tflm = TflmRuntime(model)
    expected = [np.stack(v) for v in zip(*[tflm.invoke([x[i] for x in inputs]) for i in range(n)], strict=True)]
    return compile_exact(graph).run(inputs), expected


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("operator", MODELS)
def test_operator_computes_the_integers_of_tflm(needs_tflm, operator, seed):
    rng = np.random.default_rng([seed, len(operator), 77])
    for ours, theirs in zip(*both(MODELS[operator](rng), rng), strict=True):
        assert ours.dtype == theirs.dtype
        assert np.array_equal(ours, theirs)


@pytest.mark.slow
@pytest.mark.parametrize("operator", MODELS)
def test_operator_computes_the_integers_of_tflm_on_many_models(needs_tflm, operator):
    for seed in range(500):
        rng = np.random.default_rng([seed, len(operator)])
        for ours, theirs in zip(*both(MODELS[operator](rng), rng), strict=True):
            assert np.array_equal(ours, theirs), seed


def test_a_whole_classifier(needs_tflm, cnn):
    ours, theirs = both(cnn, np.random.default_rng(3), n=150)
    assert np.array_equal(ours[0], theirs[0])
    assert len(np.unique(theirs[0])) > 20  # the comparison says something


@pytest.mark.skipif(not wake_words(), reason="pymicro-wakeword is not installed")
def test_published_streaming_models(needs_tflm):
    for path in wake_words():
        model = path.read_bytes()
        shape = graph_of(model).inputs[0].shape[1:]
        x = np.random.default_rng(0).integers(-128, 128, (12, *shape)).astype(np.int8)
        assert np.array_equal(ExactRuntime(model).run([x])[0], TflmRuntime(model).run([x])[0])


def test_the_shape_that_keras_builds_for_a_dynamic_batch(needs_tflm):
    # SHAPE → STRIDED_SLICE → PACK → RESHAPE: known before it runs, as the batch is 1.
    b = ModelBuilder()
    q: dict[str, Any] = {"scale": 0.1, "zero_point": 3}
    x, y = b.tensor((1, 2, 3), **q), b.tensor((1, 6), **q)
    shape, first, target = b.tensor((3,), np.int32), b.tensor((), np.int32), b.tensor((2,), np.int32)
    b.operator("SHAPE", [x], [shape], ("ShapeOptions", {"outType": 2}))
    bounds = [b.constant([0]), b.constant([1]), b.constant([1])]
    b.operator("STRIDED_SLICE", [shape, *bounds], [first], ("StridedSliceOptions", {"shrinkAxisMask": 1}))
    b.operator("PACK", [first, b.constant(6)], [target], ("PackOptions", {"valuesCount": 2}), version=2)
    b.operator("RESHAPE", [x, target], [y], ("ReshapeOptions", {}))
    ours, theirs = both(b.build([x], [y]), np.random.default_rng(0))
    assert np.array_equal(ours[0], theirs[0])


def test_sums_too_large_for_float32(needs_tflm):
    # 1,200 × 127 × 128 exceeds 2²⁴: the product is taken in float64.
    rng, b = np.random.default_rng(0), ModelBuilder()
    x = b.tensor((1, 1200), scale=0.02, zero_point=-128)
    w = b.constant(np.full((3, 1200), 127), np.int8, scale=[0.01, 0.02, 0.03])
    y = b.tensor((1, 3), scale=40.0, zero_point=-100)
    bias = b.constant([1 << 20, -5, 12345], np.int32, scale=np.array([0.01, 0.02, 0.03], np.float32) * np.float32(0.02))
    b.operator("FULLY_CONNECTED", [x, w, bias], [y], ("FullyConnectedOptions", {}))
    ours, theirs = both(b.build([x], [y]), rng, n=40)
    assert np.array_equal(ours[0], theirs[0])


@pytest.mark.parametrize("operator", ["LOGISTIC", "TANH"])
@pytest.mark.parametrize("scale", [0.01, 0.9, 7.0, 15.9, 16.1, 26.5, 1000.0])
def test_functions_of_coarse_inputs(needs_tflm, operator, scale):
    b = ModelBuilder()
    x = b.tensor((1, 256), scale=scale, zero_point=-127)
    out = (1 / 256, -128) if operator == "LOGISTIC" else (1 / 128, 0)
    y = b.tensor((1, 256), scale=out[0], zero_point=out[1])
    b.operator(operator, [x], [y], version=2)
    model, values = b.build([x], [y]), np.arange(-128, 128).astype(np.int8)[None, None]
    assert np.array_equal(ExactRuntime(model).run([values])[0], TflmRuntime(model).run([values])[0])


# --- requantization ---------------------------------------------------------------------------------------------


def staircase(multiplier: int, shift: int, low: int, high: int, zero_point: int, bias: int = 0) -> Requantizer:
    one = [np.array([v]) for v in (multiplier, shift, bias)]
    return Requantizer(*one, zero_point=zero_point, low=low, high=high, bound=1 << 24)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize(
    ("multiplier", "shift"), [(1 << 30, -3), (1 << 30, -8), ((1 << 31) - 1, -9), (1518500250, -7), (1100000001, 0)]
)
def test_requantization_is_exact_at_every_accumulator(multiplier, shift, relu):
    zero_point = -128 if relu else 7
    requantizer = staircase(multiplier, shift, -128, 127, zero_point, bias=-11)
    assert requantizer.is_proven
    raw = np.arange(-90_000, 90_000)
    expected = np.clip(fx.multiply_by_quantized_multiplier(raw - 11, multiplier, shift) + zero_point, -128, 127)
    got = requantizer.apply(raw.astype(np.float32)[:, None], np.empty((len(raw), 1), np.int8))
    assert np.array_equal(got[:, 0], expected)


def test_rounding_twice_is_not_rounding_once():
    # What the second rounding changes is why LiteRT and TFLM differ.
    acc, multiplier, shift = np.arange(-2000, 2000), 1518500250, -7
    once = np.floor(acc * (multiplier * 2.0 ** (shift - 31)) + 0.5)
    assert np.any(once != fx.multiply_by_quantized_multiplier(acc, multiplier, shift))


def test_a_multiplier_of_zero_takes_the_integer_path():
    requantizer = staircase(0, 0, -128, 127, 5)
    assert not requantizer.is_proven
    out = requantizer.apply(np.array([[3.0], [-70000.0]], np.float32), np.empty((2, 1), np.int8))
    assert out.ravel().tolist() == [5, 5]


def test_fixed_point_functions_are_close_to_the_real_ones():
    x = np.linspace(-7.9, 7.9, 501)
    raw = np.round(x * 2.0**27).astype(np.int64)
    assert np.allclose(fx.logistic(raw, 4) / 2.0**31, 1 / (1 + np.exp(-x)), atol=1e-6)
    assert np.allclose(fx.tanh(raw, 4) / 2.0**31, np.tanh(x), atol=1e-6)
    assert np.allclose(fx.exp_on_negative_values(-np.abs(raw), 4) / 2.0**31, np.exp(-np.abs(x)), atol=1e-6)


@pytest.mark.parametrize("real", [0.0, 1e-12, 0.25, 0.1234567, 0.9999999999, 1.0, 37.5])
def test_multipliers_are_fractions_of_31_bits(real):
    multiplier, shift = quantize_multiplier(real)
    assert multiplier == 0 or 1 << 30 <= multiplier < 1 << 31
    assert multiplier * 2.0 ** (shift - 31) == pytest.approx(real, rel=1e-9, abs=2.0**-31)


# --- what is left to TFLM ---------------------------------------------------------------------------------------


def test_what_is_not_covered_is_named():
    with pytest.raises(NotExactError, match=r"FULLY_CONNECTED \(operator 0\): FLOAT32 tensor"):
        compile_exact(graph_of(float_model()))
    b = ModelBuilder()
    x, y = b.tensor((1, 4), scale=0.1), b.tensor((1, 4), scale=0.1)
    b.operator("CEIL", [x], [y])
    with pytest.raises(NotExactError, match=r"CEIL .* has no exact batched kernel"):
        compile_exact(graph_of(b.build([x], [y])))


def test_contradictory_options_are_left_to_tflm():
    b = ModelBuilder()
    x, y = b.tensor((1, 4, 4, 1), scale=0.1), b.tensor((1, 9, 9, 1), scale=0.1)
    fields = {"padding": 1, "strideH": 0, "strideW": 1, "filterHeight": 2, "filterWidth": 2}
    b.operator("MAX_POOL_2D", [x], [y], ("Pool2DOptions", fields))
    with pytest.raises(NotExactError, match="stride"):
        compile_exact(graph_of(b.build([x], [y])))


def test_the_number_of_blas_threads_is_given_back():
    from mltk.micro.exact.blas import _openblas

    functions = _openblas()
    if functions is None:
        pytest.skip("NumPy's BLAS is not OpenBLAS")
    before = functions[0]()
    with one_blas_thread():
        assert functions[0]() == 1
    assert functions[0]() == before
