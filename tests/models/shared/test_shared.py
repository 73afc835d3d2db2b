from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.tf


def build(name: str, *args: Any, **kwargs: Any) -> Any:
    """A model of ``mltk.models.shared`` by name, ``tenet.`` for those of TENet."""
    from mltk.models import shared

    module = shared.tenet if name.startswith("tenet.") else shared
    return getattr(module, name.removeprefix("tenet."))(*args, **kwargs)


def to_int8(model: Any) -> bytes:
    """Quantized from random samples, to which batch normalization is adapted; batch size 1."""
    import keras
    import tensorflow as tf

    draw = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(draw.normal(size=(16, *model.input_shape[1:])).astype(np.float32), training=True)
    inputs = keras.Input(batch_shape=(1, *model.input_shape[1:]))
    wrapped = keras.Model(inputs, model(inputs))
    converter = tf.lite.TFLiteConverter.from_keras_model(wrapped)
    converter.representative_dataset = lambda: ([draw.normal(size=inputs.shape).astype(np.float32)] for _ in range(20))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return bytes(converter.convert())


PARAMETERS = {
    ("DepthwiseSeparableConv2D_ARM", ()): 24_908,
    ("FullyConnectedAutoEncoder", ()): 269_992,
    ("MobileNetV1", ()): 221_794,
    ("ResNet10V1", ()): 78_666,
    ("MobileNetV2", ((96, 96, 3), 0.35, True, None, 3)): 414_051,
    ("MobileNetV2", ((84, 84, 1), 0.15, True, None, 3, "softmax", 384)): 97_635,
    ("MobileNetV2", ((96, 96, 3), 0.35, False, "avg")): 410_208,
    ("BCResNet", ((98, 40, 1), 12)): 10_184,
    ("tenet.TENet12", ((98, 1, 40), 12)): 102_700,
    ("tenet.TENet12", ((98, 1, 40), 12, True)): 119_980,
    ("tenet.TENet6", ((98, 1, 40), 12)): 55_276,
    ("tenet.TENet12Narrow", ((98, 1, 40), 12)): 32_156,
    ("tenet.TENet6Narrow", ((98, 1, 40), 12)): 17_660,
    ("tenet.HFTENet12", ((98, 1, 40), 12)): 150_300,
}


@pytest.mark.parametrize(("name", "arguments"), PARAMETERS)
def test_parameters_are_those_of_the_released_models(name: str, arguments: tuple) -> None:
    """Counted in the released 0.20, which the first four share with MLPerf Tiny."""
    assert build(name, *arguments).count_params() == PARAMETERS[name, arguments]


@pytest.mark.parametrize(
    ("name", "arguments", "mega_macs", "weights"),
    [
        # Weights and biases of the .tflite; batch normalization is folded into the convolutions.
        ("DepthwiseSeparableConv2D_ARM", ((49, 10, 1), 12), 2.66, 22_604),
        ("FullyConnectedAutoEncoder", (), 0.26, 265_000),
        pytest.param("ResNet10V1", (), 12.5, 77_360, marks=pytest.mark.slow),
        pytest.param("MobileNetV1", (), 7.5, 210_850, marks=pytest.mark.slow),
        pytest.param("MobileNetV2", ((96, 96, 3), 0.35, True, None, 3), 11.0, 390_000, marks=pytest.mark.slow),
        pytest.param("tenet.TENet6Narrow", ((98, 1, 40), 12, True), 0.63, 15_424, marks=pytest.mark.slow),
        pytest.param("tenet.TENet12", ((98, 1, 40), 12, True), 3.17, 93_800, marks=pytest.mark.slow),
        pytest.param("tenet.HFTENet12", ((98, 1, 40), 12), 4.2, 136_000, marks=pytest.mark.slow),
    ],
)
def test_converts_to_int8_and_runs_on_tflm(name: str, arguments: tuple, mega_macs: float, weights: int) -> None:
    from mltk.micro.engines.run import run_batch
    from mltk.micro.engines.runtimes import have_tflm
    from mltk.tflite.layers.counts import count_model
    from mltk.tflite.model import TfliteModel

    data = to_int8(build(name, *arguments))
    model = TfliteModel(data)
    assert count_model(model).macs / 1e6 == pytest.approx(mega_macs, rel=0.05)
    constants = sum(t.data.size for layer in model.layers for t in layer.inputs if t is not None and t.is_constant)
    assert constants == pytest.approx(weights, rel=0.03)
    samples = np.random.default_rng(2).integers(-128, 128, (3, *model.inputs[0].shape[1:])).astype(np.int8)
    result = run_batch(data, samples, engine="tflm" if have_tflm() else "auto", trusted=False)
    (outputs,) = result.outputs
    assert outputs.dtype == np.int8
    assert len(np.unique(outputs)) > 1


@pytest.fixture
def mtconv() -> Callable[..., Any]:
    """A built MultiScaleTemporalConvolution with drawn kernels."""

    def make(frames: int, stride: int, scales: list[int]) -> Any:
        import keras

        from mltk.models.shared.tenet import MultiScaleTemporalConvolution

        keras.utils.set_random_seed(1)
        layer = MultiScaleTemporalConvolution(stride, scales)
        layer.build((None, frames, 1, 6))
        return layer

    return make


@pytest.mark.parametrize("frames", [20, 21])
@pytest.mark.parametrize("stride", [1, 2])
def test_multi_scale_convolution_is_the_sum_of_its_convolutions(mtconv: Callable, frames: int, stride: int) -> None:
    import keras

    layer = mtconv(frames, stride, [3, 9, 5])
    x = np.random.default_rng(1).normal(size=(2, frames, 1, 6)).astype(np.float32)
    expected = sum(
        keras.ops.depthwise_conv(x, kernel.numpy(), strides=stride, padding="same").numpy() for kernel in layer.kernels
    )
    y = np.asarray(layer(x))
    np.testing.assert_allclose(y, expected, atol=1e-5)
    assert y.shape == layer.compute_output_shape(x.shape)
    np.testing.assert_allclose(np.asarray(layer.fused()(x)), expected, atol=1e-5)
    layer.fuse()
    np.testing.assert_allclose(np.asarray(layer(x)), expected, atol=1e-5)
    assert [bool(np.any(k.numpy())) for k in layer.kernels] == [False, True, False]


def test_multi_scale_convolution_refuses_even_scales() -> None:
    from mltk.models.shared.tenet import MultiScaleTemporalConvolution

    with pytest.raises(ValueError, match="odd numbers"):
        MultiScaleTemporalConvolution(1, [4])


def test_a_tenet_is_saved_and_loaded(tmp_path: Any) -> None:
    import keras

    model = build("tenet.TENet6Narrow", (20, 1, 8), 3, mtconv=True)
    model.save(tmp_path / "t.keras")
    x = np.ones((1, 20, 1, 8), np.float32)
    loaded = keras.models.load_model(tmp_path / "t.keras")
    np.testing.assert_allclose(np.asarray(loaded(x)), np.asarray(model(x)), atol=1e-6)


def test_tenet_without_head_and_as_a_tensor() -> None:
    import keras

    assert build("tenet.TENet", (98, 1, 40), 12, include_head=False).output_shape == (None, 13, 1, 32)
    inputs = keras.Input((98, 1, 40))
    x = build("tenet.TENet", (98, 1, 40), 12, input_layer=inputs, return_model=False, channel_increase=0.25, blocks=4)
    assert keras.Model(inputs, x).output_shape == (None, 12)
