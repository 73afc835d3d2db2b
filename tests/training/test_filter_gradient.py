"""The gradient of 1×1 convolutions with a stride: correct, and without the kernel of oneDNN that damages memory."""

from __future__ import annotations

import importlib
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mltk.training.filter_gradient import use_safe_filter_gradients

pytestmark = pytest.mark.tf

# Its shapes are those of kws_bc_resnet. Without the safe gradient, the process crashes in the first steps.
TRAINS = '''
import keras
import numpy as np

import mltk

layers = keras.layers


class Spotter(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin):
    """A 1×1 convolution that reads every other column."""


def load(subset):
    rng = np.random.default_rng(0)
    return rng.normal(size=(128, 98, 20, 8)).astype("float32"), rng.integers(2, size=128)


def build(model):
    x = inputs = keras.Input((98, 20, 8))
    for filters in (12, 16):
        x = layers.Conv2D(filters, 1, strides=(1, 2), use_bias=False)(x)
    keras_model = keras.Model(inputs, layers.Dense(2, "softmax")(layers.GlobalAveragePooling2D()(x)))
    keras_model.compile("adam", model.loss)
    return keras_model


my_model = Spotter()
my_model.input_shape = (98, 20, 8)
my_model.classes = ["yes", "no"]
my_model.dataset = load
my_model.build_model_function = build
my_model.loss = "sparse_categorical_crossentropy"
my_model.epochs = 1
my_model.seed = 1
mltk.train_model(my_model, quantize=False, create_archive=False, verbose=False)
print("trained")
'''


def filter_gradients(graph: Any) -> list[Any]:
    """The strides of all gradients of filters in a graph."""
    return [list(op.get_attr("strides")) for op in graph.get_operations() if op.type == "Conv2DBackpropFilter"]


def traced(layer: Any, shape: tuple[int, ...]) -> Any:
    """The graph of the gradients of a layer."""
    layer.build((2, *shape))

    @tf.function
    def gradients(x: Any) -> Any:
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(layer(x) ** 2)
        return tape.gradient(y, layer.trainable_weights)

    return gradients.get_concrete_function(tf.TensorSpec((2, *shape))).graph


def test_a_training_that_crashed_ends(tmp_path: Path) -> None:
    (tmp_path / "spotter.py").write_text(TRAINS, encoding="utf-8")
    environment = {**os.environ, "MLTK_USER_DIR": str(tmp_path / "user"), "PYTHONFAULTHANDLER": "1"}
    environment.pop("TF_ENABLE_ONEDNN_OPTS", None)
    done = subprocess.run(
        [sys.executable, "spotter.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, ["trained"]), done.stderr[-2000:]


def gradients(layer: Any, x: np.ndarray, weights: np.ndarray) -> Any:
    """The gradients of the sum of the layer's squared outputs, by its weights and by its input."""
    layer.build(x.shape)
    layer.set_weights([weights[None, None]])
    image = tf.constant(x, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(image)
        total = tf.reduce_sum(layer(image) ** 2)
    return tape.gradient(total, [layer.trainable_weights[0].value, image])


@pytest.mark.parametrize("channels", [1, 3, 15])
@pytest.mark.parametrize("strides", [(2, 2), (1, 3)])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_the_gradient_is_correct(channels: int, strides: tuple[int, int], padding: str) -> None:
    use_safe_filter_gradients()
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(2, 7, 6, channels)), rng.normal(size=(channels, 5))
    layer = layers.Conv2D(5, 1, strides=strides, padding=padding, use_bias=False)
    by_weights, by_image = gradients(layer, x, weights)
    read = x[:, :: strides[0], :: strides[1]]
    error = 2 * read @ weights
    expected = np.zeros_like(x)
    expected[:, :: strides[0], :: strides[1]] = error @ weights.T
    np.testing.assert_allclose(by_weights[0, 0], np.einsum("bhwi,bhwo->io", read, error), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(by_image, expected, rtol=1e-5, atol=1e-4)


def test_the_gradient_is_correct_with_explicit_padding() -> None:
    use_safe_filter_gradients()
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 5, 6, 3))
    weights = tf.Variable(rng.normal(size=(1, 1, 3, 4)), dtype=tf.float32)
    with tf.GradientTape() as tape:
        y = tf.nn.conv2d(tf.constant(x, tf.float32), weights, (2, 2), [[0, 0], [1, 2], [2, 1], [0, 0]])
        total = tf.reduce_sum(y**2)
    read = np.pad(x, [(0, 0), (1, 2), (2, 1), (0, 0)])[:, ::2, ::2]
    expected = np.einsum("bhwi,bhwo->io", read, 2 * y.numpy())
    np.testing.assert_allclose(tape.gradient(total, weights)[0, 0], expected, rtol=1e-5, atol=1e-4)


def test_the_gradient_of_a_transposed_convolution_is_correct() -> None:
    use_safe_filter_gradients()
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=(2, 3, 4, 6)), rng.normal(size=(5, 6))
    by_weights, by_image = gradients(layers.Conv2DTranspose(5, 1, strides=2, use_bias=False), x, weights)
    error = 2 * x @ weights.T
    np.testing.assert_allclose(by_weights[0, 0], np.einsum("bhwo,bhwi->oi", error, x), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(by_image, error @ weights, rtol=1e-5, atol=1e-4)


def test_only_strided_1x1_convolutions_of_few_channels_change() -> None:
    use_safe_filter_gradients()
    assert filter_gradients(traced(layers.Conv2D(4, 1, strides=2), (8, 8, 15))) == [[1, 1, 1, 1]]
    assert filter_gradients(traced(layers.Conv2D(4, 1, strides=2), (8, 8, 16))) == [[1, 2, 2, 1]]
    assert filter_gradients(traced(layers.Conv2D(4, (1, 3), strides=2), (8, 8, 3))) == [[1, 2, 2, 1]]
    assert filter_gradients(traced(layers.Conv1D(4, 1, strides=3), (8, 3))) == [[1, 1, 1, 1]]


def test_the_log_says_it_once(caplog: pytest.LogCaptureFixture) -> None:
    use_safe_filter_gradients()
    block = keras.Sequential([layers.Conv2D(4, 1, strides=2), layers.Conv2D(4, 1, strides=2)])
    with caplog.at_level(logging.INFO, "mltk"):
        traced(layers.Conv2D(4, 1), (8, 8, 3))
        assert not caplog.messages
        traced(block, (8, 8, 3))
    assert caplog.messages == ["A 1x1 convolution with strides is trained without a oneDNN kernel that crashes."]


def test_nothing_changes_without_onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    entries: dict[str, Any] = {"Conv2D": {"type": print}}
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    registry = importlib.import_module("tensorflow.python.framework.ops").gradient_registry
    monkeypatch.setattr(registry, "_registry", entries)
    use_safe_filter_gradients()
    assert entries == {"Conv2D": {"type": print}}
