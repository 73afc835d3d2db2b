"""Models of every kind are trained, quantized and evaluated, with the figures of Keras's own evaluate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import mltk
from mltk.errors import DatasetError, EvaluationError, SpecificationError
from mltk.operations.results.multi_label import MultiLabelEvaluationResults

pytestmark = pytest.mark.tf

N = 160
L = keras.layers


class Plain(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateMixin):
    """Evaluated by the metrics that the Keras model was compiled with."""


class Classifier(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """Evaluated as a classifier."""


def features(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, N)
    a = (rng.normal(size=(N, 5)) + 3 * np.eye(3, 5)[y]).astype(np.float32)
    return a, rng.normal(size=(N, 4)).astype(np.float32), y


def dense(width: int, activation: str | None = None, name: str | None = None) -> Any:
    """A dense layer that is made when it is called, after the seed was set."""
    return lambda x: L.Dense(width, activation=activation, name=name)(x)


def one(outputs: Callable[[Any], Any], loss: Any, metrics: Any) -> Callable[[Any], Any]:
    """The function that builds a small model with one input."""

    def build(model: Any) -> Any:
        x = keras.Input((5,), name="a")
        net = keras.Model(x, outputs(dense(8, "relu")(x)))
        net.compile(keras.optimizers.Adam(0.02), loss, metrics=metrics)
        return net

    return build


def two_inputs(model: Any) -> Any:
    a, b = keras.Input((5,), name="a"), keras.Input((4,), name="b")
    net = keras.Model([a, b], dense(3, "softmax")(L.Concatenate()([dense(8, "relu")(a), dense(3, "relu")(b)])))
    net.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return net


def step_of_a_stream(model: Any) -> Any:
    """Sample and state in, value and state out."""
    x, state = keras.Input((5,), name="x"), keras.Input((4,), name="state")
    new = dense(4, "tanh", "new")(L.Concatenate()([x, state]))
    net = keras.Model([x, state], [dense(1, name="value")(new), new])
    net.compile("adam", ["mse", "mae"], metrics=[["mae"], ["mse"]])
    return net


TWO_OUTPUTS = one(
    lambda h: [dense(3, "softmax", "gesture")(h), dense(1, name="speed")(h)],
    ["sparse_categorical_crossentropy", "mse"],
    [["accuracy"], ["mae"]],
)
KINDS: dict[str, tuple[Callable[[int], Any], Callable[[Any], Any]]] = {
    "one sigmoid, labels [n]": (
        lambda s: (features(s)[0], (features(s)[2] > 0).astype(np.int64)),
        one(dense(1, "sigmoid"), "binary_crossentropy", ["accuracy", keras.metrics.AUC(name="auc")]),
    ),
    "one sigmoid, labels [n, 1]": (
        lambda s: (features(s)[0], (features(s)[2] > 0).astype(np.int64)[:, None]),
        one(dense(1, "sigmoid"), "binary_crossentropy", ["accuracy"]),
    ),
    "regression": (
        lambda s: (features(s)[0], features(s)[0].sum(axis=1)),
        one(dense(1), "mse", ["mae", keras.metrics.RootMeanSquaredError(name="rmse")]),
    ),
    "a class for each position": (
        lambda s: (features(s)[0], np.repeat(features(s)[2][:, None], 2, axis=1)),
        one(lambda h: L.Softmax()(L.Reshape((2, 3))(dense(6)(h))), "sparse_categorical_crossentropy", ["accuracy"]),
    ),
    "weighted samples": (
        lambda s: (features(s)[0], features(s)[2]),
        one(dense(3, "softmax"), keras.losses.SparseCategoricalCrossentropy(), ["accuracy"]),
    ),
    "two inputs, tuple": (lambda s: (features(s)[:2], features(s)[2]), two_inputs),
    "two inputs, dict": (lambda s: (dict(zip("ba", features(s)[1::-1], strict=True)), features(s)[2]), two_inputs),
    "two inputs, plain lists": (lambda s: ([f.tolist() for f in features(s)[:2]], features(s)[2].tolist()), two_inputs),
    "two outputs, tuple": (lambda s: (features(s)[0], (features(s)[2], features(s)[0][:, :1])), TWO_OUTPUTS),
    "two outputs, list": (lambda s: (features(s)[0], [features(s)[2], features(s)[0][:, :1]]), TWO_OUTPUTS),
    "two outputs, dict": (
        lambda s: (features(s)[0], {"speed": features(s)[0][:, :1], "gesture": features(s)[2]}),
        TWO_OUTPUTS,
    ),
    "two inputs and two outputs": (
        lambda s: (features(s)[:2], (features(s)[0][:, :1], np.tanh(features(s)[1]))),
        step_of_a_stream,
    ),
}


def make(tmp_path: Path, kind: type[Any], load: Callable[[int], Any], build: Callable[[Any], Any]) -> Any:
    path = tmp_path / "kind.py"
    path.write_text("# @mltk_model\n")
    model = kind(path)
    model.classes = ["x", "y", "z"]
    model.input_shape = (5,)
    model.dataset = lambda subset: load(0 if subset == "training" else 1)
    model.build_model_function = build
    model.checkpoint["monitor"] = "loss"
    model.epochs = 3
    model.seed = 1
    return model


def as_arrays(nested: Any) -> Any:
    if isinstance(nested, dict):
        return {k: np.asarray(v) for k, v in nested.items()}
    if isinstance(nested, np.ndarray) or not isinstance(nested[0], (list, np.ndarray)):
        return np.asarray(nested)
    return [np.asarray(v) for v in nested]


@pytest.mark.parametrize("kind", KINDS)
def test_the_figures_are_those_of_keras(tmp_path: Path, fresh_user_dir: Path, kind: str) -> None:
    load, build = KINDS[kind]
    model = make(tmp_path, Plain, load, build)
    if kind == "weighted samples":
        model.sample_weight = np.linspace(0.1, 2, N).astype(np.float32)
    trained = mltk.train_model(model, verbose=False)
    x, y = load(1)
    weight = np.linspace(0.1, 2, N).astype(np.float32) if kind == "weighted samples" else None
    expected = trained.keras_model.evaluate(
        as_arrays(x), as_arrays(y), sample_weight=weight, verbose=0, return_dict=True
    )
    for tflite in (False, True):
        results = mltk.evaluate_model(model, tflite=tflite)
        assert results["n_samples"] == N
        for name, value in expected.items():
            tolerance = 0.06 + 0.06 * abs(value) if tflite else 1e-5 + 1e-4 * abs(value)
            assert results[name] == pytest.approx(value, abs=tolerance), name


def multi_label(seed: int, hard: bool = False) -> Any:
    rng = np.random.default_rng(seed)
    y = (rng.random((N, 3)) < 0.4).astype(np.float32)
    y[:2] = [[0, 0, 0], [1, 1, 0]]
    x = 4 * y @ np.eye(3, 5) + 0.3 * rng.normal(size=(N, 5))
    return x.astype(np.float32), (0.05 + 0.9 * y if hard else y)


@pytest.fixture
def several_labels(tmp_path: Path, fresh_user_dir: Path) -> Any:
    build = one(dense(3, "sigmoid"), "binary_crossentropy", ["binary_accuracy"])
    model = make(tmp_path, Classifier, multi_label, build)
    model.epochs = 12
    mltk.train_model(model, verbose=False, quantize=True)
    return model


def test_several_labels_of_a_sample(several_labels: Any) -> None:
    for tflite in (False, True):
        results = mltk.evaluate_model(several_labels, tflite=tflite)
        assert isinstance(results, MultiLabelEvaluationResults)
        assert "overall_accuracy" not in results
        assert min(results["label_accuracies"]) > 0.97
        assert results["exact_match_accuracy"] > 0.95
        assert min(results["roc_auc"]) > 0.99
        assert any("rows do not have exactly one 1" in note for note in results["notes"])
        assert "All labels right" in str(results)
        json.loads(results.to_json())


def test_a_limit_of_samples_needs_classes(several_labels: Any) -> None:
    results = mltk.evaluate_model(several_labels, max_samples_per_class=20)
    assert results["n_samples"] == 20


def test_soft_labels_give_no_accuracy_of_classes(tmp_path: Path, fresh_user_dir: Path) -> None:
    build = one(dense(3, "sigmoid"), "binary_crossentropy", ["mae"])
    model = make(tmp_path, Classifier, lambda s: multi_label(s, hard=True), build)
    mltk.train_model(model, verbose=False, quantize=False)
    results = mltk.evaluate_model(model)
    assert "overall_accuracy" not in results
    assert 0 < results["mae"] < 1
    assert any("values like 0.05, 0.95" in note for note in results["notes"])


SOFTMAX = one(dense(3, "softmax"), "sparse_categorical_crossentropy", ["accuracy"])


@pytest.mark.parametrize("where", ["inputs", "labels"])
def test_samples_that_are_not_finite_are_left_out_and_named(tmp_path: Path, fresh_user_dir: Path, where: str) -> None:
    def load(seed: int) -> Any:
        x, _, y = features(seed)
        value = x[:, :1].copy()
        if seed:
            (x if where == "inputs" else value)[[3, 40], 0] = np.nan, np.inf
        return x, (y if where == "inputs" else value)

    build = SOFTMAX if where == "inputs" else one(dense(1), "mse", ["mae"])
    model = make(tmp_path, Classifier if where == "inputs" else Plain, load, build)
    mltk.train_model(model, verbose=False)
    for tflite in (False, True):
        results = mltk.evaluate_model(model, tflite=tflite)
        assert results["n_samples"] == N - 2
        assert any("2 of 160 samples are NaN or infinite (samples 3 and 40)" in note for note in results["notes"])
        assert "NaN" not in results.to_json().replace("are NaN or", "")


def test_nothing_but_nan_is_an_error(tmp_path: Path, fresh_user_dir: Path) -> None:
    def load(seed: int) -> Any:
        x, _, y = features(seed)
        return (x * np.nan if seed else x), y

    model = make(tmp_path, Classifier, load, SOFTMAX)
    mltk.train_model(model, verbose=False, quantize=False)
    with pytest.raises(EvaluationError, match="160 of 160 samples are NaN or infinite"):
        mltk.evaluate_model(model)


@pytest.mark.parametrize(
    ("labels", "loss", "words"),
    [
        (np.eye(3)[features(0)[2]], "sparse_categorical_crossentropy", r"one-hot rows of shape \[160, 3\]"),
        (features(0)[2], "categorical_crossentropy", r"class indices of shape \[160\].*takes one-hot rows"),
        (features(0)[2] + 1.0, "sparse_categorical_crossentropy", r"labels go from 1 to 3, but there are 3 classes"),
        (features(0)[2] / 2, "sparse_categorical_crossentropy", r"takes class indices, but they have values like 0.5"),
        (multi_label(0)[1], "sparse_categorical_crossentropy", r"rows do not have exactly one 1"),
        (np.array(["x", "v"])[features(0)[2] % 2], "sparse_categorical_crossentropy", r"not in my_model.classes.*'v'"),
    ],
)
def test_labels_that_the_loss_cannot_take_are_refused_before_training(
    tmp_path: Path, fresh_user_dir: Path, labels: np.ndarray, loss: str, words: str
) -> None:
    build = one(dense(3, "softmax"), loss, ["accuracy"])
    model = make(tmp_path, Classifier, lambda s: (features(s)[0], labels), build)
    with pytest.raises(DatasetError, match=words):
        mltk.train_model(model, verbose=False)


def streamed(y: np.ndarray, how: str) -> Any:
    """The features with these labels, as a dataset that is not in memory."""
    x = features(0)[0]
    if how == "tf.data":
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices((x, y)).batch(16)

    class Batches(keras.utils.PyDataset):  # type: ignore[misc, unused-ignore]  # Keras has no type stubs
        def __len__(self) -> int:
            return N // 16

        def __getitem__(self, i: int) -> Any:
            return x[i * 16 : i * 16 + 16], y[i * 16 : i * 16 + 16]

    return Batches()


@pytest.mark.parametrize("how", ["tf.data", "PyDataset"])
@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (features(0)[2] + 1, r"labels go from 1 to 3, but there are 3 classes \(x, y, z\)"),
        (np.eye(3)[features(0)[2]], r"one-hot rows of shape \[160, 3\]"),
    ],
)
def test_streamed_labels_that_the_loss_cannot_take_are_explained(
    tmp_path: Path, fresh_user_dir: Path, labels: np.ndarray, words: str, how: str
) -> None:
    model = make(tmp_path, Classifier, lambda s: streamed(labels, how), SOFTMAX)
    with pytest.raises(DatasetError, match=words):
        mltk.train_model(model, verbose=False)


def test_classes_without_samples_are_named(
    tmp_path: Path, fresh_user_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = make(tmp_path, Classifier, lambda s: (features(s)[0], np.ones(N, int)), SOFTMAX)
    model.epochs = 1
    mltk.train_model(model, verbose=False, quantize=False)
    words = "the training dataset has no samples of 'x', 'z'. All 160 samples are of the class 'y'."
    assert words in caplog.text
    model.classes = ["x"]
    with pytest.raises(SpecificationError, match="kind has only the class 'x'"):
        mltk.train_model(model, verbose=False)
