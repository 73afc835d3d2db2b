"""Engines side by side, layer outputs, and what TFLM supports."""

from __future__ import annotations

import json

import numpy as np
import pytest

from helpers.published_models import wake_words
from helpers.tflite_builder import ModelBuilder, depthwise_cnn, float_model
from mltk.errors import EvaluationError, RuntimeFailure
from mltk.micro import parity as parity_module
from mltk.micro import support as support_module
from mltk.micro.engines.operators import operator_table
from mltk.micro.engines.run import BatchResult, run_batch
from mltk.micro.layer_outputs import expose_layers, run_layers
from mltk.micro.parity import compare_engines, random_samples
from mltk.micro.support import check_support
from mltk.tflite.graph import graph_of


def test_layer_outputs_are_those_of_the_unchanged_model(needs_tflm, cnn, images):
    for engine in ("tflm", "litert-reference", "litert-xnnpack", "exact-batched"):
        layers = run_layers(cnn, images[:4], engine=engine)
        names = ["CONV_2D", "DEPTHWISE_CONV_2D", "AVERAGE_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"]
        assert [layer.operator for layer in layers] == names
        assert layers[0].values.shape == (4, 8, 8, 16)
        whole = run_batch(cnn, images[:4], engine=engine).outputs[0]
        assert np.array_equal(layers[-1].values, whole)
    assert layers[-1].to_float().sum(axis=1) == pytest.approx(1, abs=0.02)


def test_the_exposed_model_keeps_its_operators(cnn):
    before, after = graph_of(cnn).main, graph_of(expose_layers(cnn).data).main
    assert [op.name for op in after.operators] == [op.name for op in before.operators]
    assert len(after.outputs) == 5


def test_engines_that_agree(needs_tflm, cnn, images):
    report = compare_engines(cnn, images, engines=("tflm", "exact-batched"))
    assert report.all_equal
    assert report.reference == "tflm"
    assert report.comparisons[0].flips == 0
    assert report.comparisons[0].first_divergence is None


def test_the_default_path_differs_and_the_first_layer_is_named(needs_tflm, images):
    # XNNPACK rounds once: over a few models and some thousand values of the first convolution, it shows.
    for seed in range(6):
        report = compare_engines(depthwise_cnn(seed), images, engines=("tflm", "litert-xnnpack"), n_layer_samples=40)
        divergence = report.comparisons[0].first_divergence
        if divergence is not None:
            break
    assert divergence is not None
    assert divergence.operator in ("CONV_2D", "DEPTHWISE_CONV_2D")
    assert divergence.index in (0, 1)
    assert 0 < divergence.share < 0.05
    assert divergence.largest == 1
    assert divergence.operator in report.to_text()
    assert json.loads(json.dumps(report.to_dict()))["comparisons"][0]["engine"] == "litert-xnnpack"


@pytest.fixture
def faked(monkeypatch):
    """Engines whose outputs are given: name → outputs."""

    def use(outputs: dict[str, np.ndarray]) -> None:
        def fake(model, inputs, *, engine, **_):
            if engine not in outputs:
                raise RuntimeFailure(f"{engine} is ill.")
            return BatchResult([outputs[engine]], engine, engine + " 1.0")

        monkeypatch.setattr(parity_module, "run_batch", fake)

    return use


def test_figures_of_a_comparison(faked, cnn, images):
    ours = np.array([[10, 0, 0, 0], [0, 9, 0, 0], [0, 0, 5, 4], [1, 1, 1, 2]], np.int8)
    theirs = ours.copy()
    theirs[2] = [0, 0, 4, 6]  # another class
    theirs[3, 0] = -2
    faked({"tflm": ours, "litert-reference": theirs})
    report = compare_engines(cnn, images[:4], n_layer_samples=0)
    (c,) = report.comparisons
    assert c.share == pytest.approx(3 / 16)
    assert c.samples_differing == 2
    assert c.largest == 3
    assert c.largest_real == pytest.approx(3 / 256)
    assert c.mean_real == pytest.approx((1 + 2 + 3) / 16 / 256)
    assert c.flips == 1
    assert report.failures == {"litert-xnnpack": "litert-xnnpack is ill."}
    assert "did not run: litert-xnnpack is ill." in report.to_text()


def test_the_float_model_is_compared_in_real_units(faked, cnn, images):
    ours = np.array([[127, -128, -128, -128], [-128, 127, -128, -128]], np.int8)
    faked({"tflm": ours})
    floats = (ours.astype(float) + 128) / 256
    floats[0, 1] = 0.25
    floats[1] = floats[1, ::-1]
    report = compare_engines(cnn, images[:2], float_outputs=floats, n_layer_samples=0)
    (c,) = report.comparisons
    assert (c.engine, c.reference) == ("tflm", "float")
    assert c.flips == 1
    assert c.samples_differing == 2
    assert c.largest_real == pytest.approx(255 / 256)
    assert report.all_equal  # the float model isn't meant to be equal


def test_no_engine_is_an_error_with_all_reasons(faked, cnn, images):
    faked({})
    with pytest.raises(RuntimeFailure, match="No engine ran"):
        compare_engines(cnn, images)


def test_float_outputs_of_another_number_are_refused(faked, cnn, images):
    faked({"tflm": np.zeros((2, 4), np.int8)})
    with pytest.raises(EvaluationError, match="Float outputs of shape"):
        compare_engines(cnn, images[:2], float_outputs=np.zeros((2, 3)), n_layer_samples=0)


def test_random_samples_cover_what_the_quantization_can_hold(cnn):
    (x,) = random_samples(cnn, 100, np.random.default_rng(0))
    assert x.shape == (100, 8, 8, 3)
    assert (x.min(), x.max()) == (-128, 127)
    (y,) = random_samples(float_model(), 7, np.random.default_rng(0))
    assert y.dtype == np.float32
    again = random_samples(cnn, 100, np.random.default_rng(0))[0]
    assert np.array_equal(x, again)


@pytest.mark.skipif(not wake_words(), reason="pymicro-wakeword is not installed")
def test_a_stream_is_compared_as_a_stream(needs_tflm):
    model = wake_words()[2].read_bytes()
    samples = random_samples(model, 60, np.random.default_rng(0))
    report = compare_engines(model, samples, reset_between_samples=False)
    divergence = report.comparisons[1].first_divergence
    if divergence is not None:  # a layer that computes, not the state that carried the difference on
        assert divergence.operator in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "LOGISTIC")


# --- support ----------------------------------------------------------------------------------------------------


def test_the_table_is_that_of_a_named_wheel():
    table = operator_table()
    assert "CONV_2D" in table["builtin"]
    assert "SEGMENT_SUM" not in table["builtin"]
    assert "SignalRfft" in table["custom"]
    assert table["version"]


def test_a_model_that_tflm_runs(needs_tflm, cnn):
    report = check_support(cnn)
    assert report.ok
    assert report.runs
    assert [o.name for o in report.operators][:2] == ["CONV_2D", "DEPTHWISE_CONV_2D"]
    assert report.operators[0].version == 3
    assert report.operators[0].types == ("INT8", "INT32")


def test_a_missing_operator_is_known_without_the_wheel(monkeypatch):
    b = ModelBuilder()
    x, y, z = (b.tensor((1, 4), scale=0.1) for _ in range(3))
    b.operator("SEGMENT_SUM", [x], [y])
    b.operator("CUSTOM", [y], [z], custom_code="MyOperator")
    report = check_support(b.build([x], [z]), run=False)
    assert not report.ok
    assert report.runs is None
    assert [o.reason for o in report.unsupported] == [
        "TensorFlow Lite Micro has no operator SEGMENT_SUM.",
        "TensorFlow Lite Micro has no custom operator MyOperator.",
    ]


def test_types_that_tflm_lacks_show_when_it_prepares(needs_tflm):
    # The operator is there, the version and type (int16 pooling of unequal scales, here uint8 softmax) are not.
    b = ModelBuilder()
    x, y = b.tensor((1, 4), np.uint8, scale=0.1), b.tensor((1, 4), np.uint8, scale=1 / 256)
    b.operator("SOFTMAX", [x], [y], ("SoftmaxOptions", {"beta": 1.0}))
    report = check_support(b.build([x], [y]))
    assert not report.unsupported
    assert report.runs is False
    assert not report.ok
    assert "SOFTMAX" in report.failure


def test_a_crash_that_is_known_is_a_reason(monkeypatch):
    b = ModelBuilder()
    x = b.tensor((1, 4, 4, 2), scale=0.1)
    w = b.constant(np.ones((1, 2, 2, 2)), np.int8, scale=[0.1, 0.1], dimension=3)
    y = b.tensor((1, 2, 2, 2), scale=0.1)
    b.operator("DEPTHWISE_CONV_2D", [x, w], [y], ("DepthwiseConv2DOptions", {"strideH": 2, "strideW": 2}))
    model = b.build([x], [y])
    assert "Give the layer a bias" in check_support(model, run=False).unsupported[0].reason
    monkeypatch.setattr(support_module, "caution_of", lambda *_: "")
    assert check_support(model, run=False).ok
