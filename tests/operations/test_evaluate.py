"""Evaluation: each sample once, figures as scikit-learn has them, for Keras and for the device."""

# mypy: disable-error-code="attr-defined"
# Which figures there are depends on the model; the type checker does not know.
from __future__ import annotations

import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

import mltk
from helpers import toy
from mltk.errors import DatasetError, EvaluationError, SpecificationError
from mltk.operations.results.classifier import ClassifierEvaluationResults
from mltk.specification.archive_file import write_archive

pytestmark = pytest.mark.tf


def with_model(model, keras_model=None):
    """Put a Keras model where training would have put it."""
    keras_model = keras_model if keras_model is not None else toy.build(model)
    model.create_log_dir()
    keras_model.save(model.keras_log_dir_path)
    return keras_model


def refuse(literal):
    raise AssertionError(f"{literal} is not JSON")


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, size=7):
        super().__init__()
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return -(-len(self.x) // self.size)

    def __getitem__(self, i):
        part = slice(i * self.size, (i + 1) * self.size)
        return self.x[part], self.y[part]


@pytest.mark.parametrize("kind", ["arrays", "one-hot", "tf.data", "PyDataset", "generator"])
@pytest.mark.parametrize("n", [50, 1])
def test_each_sample_once(make_toy, kind, n):
    """0.20 filled up the last batch and counted the filling."""
    x, y = toy.clouds(n, seed=1)
    data = {
        "arrays": lambda: (x, y),
        "one-hot": lambda: (x, np.eye(3)[y]),
        "tf.data": lambda: tf.data.Dataset.from_tensor_slices((x, y)).batch(7),
        "PyDataset": lambda: Batches(x, y),
        "generator": lambda: ((x[i : i + 7], y[i : i + 7]) for i in range(0, n, 7)),
    }[kind]()
    model = make_toy(dataset=lambda: None if kind == "never" else data, batch_size=7)
    keras_model = with_model(model)
    results = mltk.evaluate_model(model)
    expected = keras_model.predict(x, verbose=0).argmax(1)
    assert results["n_samples"] == n
    assert results.confusion_matrix.sum() == n
    assert results.overall_accuracy == pytest.approx((expected == y).mean())
    np.testing.assert_array_equal(results.confusion_matrix, metrics.confusion_matrix(y, expected, labels=range(3)))


def test_figures_are_those_of_scikit_learn():
    rng = np.random.default_rng(2)
    y = rng.integers(4, size=300)
    scores = rng.dirichlet(np.ones(4), size=300) + 0.4 * np.eye(4)[y]
    scores /= scores.sum(1, keepdims=True)
    results = ClassifierEvaluationResults("m", list("abcd"))
    results.calculate(y, scores)
    predicted = scores.argmax(1)
    assert results.overall_accuracy == metrics.accuracy_score(y, predicted)
    np.testing.assert_allclose(results.class_accuracies, metrics.recall_score(y, predicted, average=None))
    np.testing.assert_allclose(results["class_precisions"], metrics.precision_score(y, predicted, average=None))
    np.testing.assert_array_equal(results.confusion_matrix, metrics.confusion_matrix(y, predicted))
    for c in range(4):
        fpr, tpr, thresholds = metrics.roc_curve(y == c, scores[:, c])
        np.testing.assert_array_equal(results.fpr[c], fpr)
        np.testing.assert_array_equal(results.tpr[c], tpr)
        np.testing.assert_array_equal(results.roc_thresholds[c], thresholds)
        assert results.roc_auc[c] == pytest.approx(metrics.roc_auc_score(y == c, scores[:, c]))
    assert results.roc_auc_avg == pytest.approx(metrics.roc_auc_score(y, scores, multi_class="ovr", average="macro"))


def test_binary_with_one_output(make_toy):
    x, y = toy.clouds(60)
    y = (y > 0).astype(int)
    model = make_toy(dataset=(x, y), classes=["off", "on"], loss="binary_crossentropy")
    keras_model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    with_model(model, keras_model)
    results = mltk.evaluate_model(model)
    scores = keras_model.predict(x, verbose=0)[:, 0]
    assert results.overall_accuracy == pytest.approx(((scores > 0.5) == y).mean())
    assert results.confusion_matrix.shape == (2, 2)
    assert results.roc_auc[1] == pytest.approx(metrics.roc_auc_score(y, scores))
    assert len(results.class_accuracies) == 2


def test_class_without_samples():
    results = ClassifierEvaluationResults("m", ["a", "b", "c"])
    results.calculate(np.array([0, 1, 0]), np.eye(3)[[0, 1, 1]])
    assert np.isnan(results.class_accuracies[2])
    assert np.isnan(results.roc_auc[2])
    assert "- c = no samples" in results.generate_summary()
    assert json.loads(results.to_json(), parse_constant=refuse)["class_accuracies"][2] is None


@pytest.mark.parametrize("limit", [1, 4])
def test_max_samples_per_class(make_toy, limit):
    model = make_toy(dataset=toy.clouds(60))
    with_model(model)
    assert mltk.evaluate_model(model, max_samples_per_class=limit)["n_samples"] == 3 * limit
    model.eval_max_samples_per_class = limit
    model.eval_shuffle = True
    results = mltk.evaluate_model(model)
    assert results.confusion_matrix.sum(axis=1).tolist() == [limit] * 3


def test_tflite_by_the_engine_of_the_device(make_toy, tmp_path):
    model = make_toy(epochs=8)
    for key in ("inference_input_type", "inference_output_type"):
        model.tflite_converter[key] = "int8"
    mltk.train_model(model, verbose=False)
    float_results = mltk.evaluate_model(model)
    results = mltk.evaluate_model(model, tflite=True)
    assert results["n_samples"] == 90
    assert float_results["engine"] == "keras"
    assert results["engine"] in ("tflm", "exact-batched", "litert-reference")
    assert results["engine_description"]
    assert f"Computed by: {results['engine_description']}" in results.generate_summary()
    assert abs(results.overall_accuracy - float_results.overall_accuracy) < 0.1
    with zipfile.ZipFile(tmp_path / "toy.mltk.zip") as archive:
        for kind in ("keras", "tflite"):
            for plot in ("confusion_matrix", "roc", "precision_vs_recall", "tpr", "fpr"):
                assert archive.read(f"eval/{kind}/toy-{plot}.png")[:4] == b"\x89PNG"
            found = json.loads(archive.read(f"eval/{kind}/eval-results.json"), parse_constant=refuse)
            assert found["n_samples"] == 90
        assert found["engine"] == results["engine"]
        assert "toy.tflite" in archive.namelist()
    with pytest.raises(EvaluationError, match="tflite has its own weights"):
        mltk.evaluate_model(model, tflite=True, weights="best")
    best = mltk.evaluate_model(model, weights="best", update_archive=False)
    assert best["n_samples"] == 90


@pytest.mark.parametrize("kind", ["tuple", "dict"])
def test_several_inputs(make_toy, kind):
    """The .tflite gets each array at its input: the converter has an order of its own."""
    x, y = toy.clouds(40)
    data = {"zz": x, "aa": x[:, :2] * 2}
    a, z = keras.Input((2,), name="aa"), keras.Input((4,), name="zz")
    out = keras.layers.Dense(3, activation="softmax")(keras.layers.Concatenate()([z, a]))
    keras_model = keras.Model([z, a] if kind == "tuple" else {"zz": z, "aa": a}, out)
    model = make_toy(dataset=None)
    model.x, model.y = tuple(data.values()) if kind == "tuple" else data, y
    keras_model.compile("sgd", "sparse_categorical_crossentropy")
    model.tflite_converter.update(optimizations=[], representative_dataset=None, supported_ops=["TFLITE_BUILTINS"])
    with_model(model, keras_model)
    tflite_model = mltk.quantize_model(model, keras_model=keras_model)
    assert [t.shape[1] for t in tflite_model.inputs] == ([4, 2] if kind == "tuple" else [2, 4])
    write_archive(model.archive_path, {"toy.tflite": tflite_model.flatbuffer_data}, {})
    expected = mltk.evaluate_model(model, update_archive=False).confusion_matrix
    found = mltk.evaluate_model(model, tflite=True, update_archive=False).confusion_matrix
    np.testing.assert_array_equal(found, expected)


def test_custom_function(make_toy):
    seen = []

    def own(mltk_model, built_model, **kwargs):
        seen.append((mltk_model, built_model))
        return {"f1": 0.5, "name": "else"}

    model = make_toy(eval_custom_function=own)
    with_model(model)
    results = mltk.evaluate_model(model)
    assert results["f1"] == 0.5
    assert results.model_type == "custom"
    assert seen[0][0] is model
    assert isinstance(seen[0][1], keras.Model)
    assert "f1: 0.5" in results.generate_summary()
    model.eval_custom_function = lambda mltk_model, built_model, **kwargs: 7
    with pytest.raises(EvaluationError, match="returned int, not a dict of figures"):
        mltk.evaluate_model(model)
    model.eval_custom_function = lambda mltk_model, built_model, **kwargs: 1 / 0
    with pytest.raises(SpecificationError, match="eval_custom_function failed: ZeroDivisionError"):
        mltk.evaluate_model(model)


def test_a_custom_function_gets_the_arguments_that_it_names(make_toy):
    def own(mltk_model, built_model, eval_dir, logger, show):
        (Path(eval_dir) / "own.txt").write_text(f"{logger.name} {show}")
        return {"f1": 0.5, "samples": len(mltk_model.x)}  # the evaluation dataset is loaded

    model = make_toy(eval_custom_function=own)
    with_model(model)
    assert mltk.evaluate_model(model)["samples"] > 0
    assert (Path(model.create_log_dir("eval/keras")) / "own.txt").read_text() == "mltk False"


def test_evaluation_by_metrics(tmp_path, fresh_user_dir):
    class Regression(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateMixin):
        pass

    x, y = toy.clouds(50)
    model = Regression(tmp_path / "regression.py")
    model.dataset = (x, y.astype("float32")[:, None])
    model.loss, model.metrics = "mse", ["mae"]
    keras_model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    with_model(model, keras_model)
    results = mltk.evaluate_model(model)
    error = keras_model.predict(x, verbose=0)[:, 0] - y
    assert results["n_samples"] == 50
    assert results["loss"] == pytest.approx((error**2).mean(), rel=1e-4)
    mae = results.get("mean_absolute_error", results.get("mae"))
    assert mae == pytest.approx(np.abs(error).mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        ((np.zeros((0, 4), np.float32), np.zeros(0, int)), DatasetError, "the evaluation dataset is empty"),
        ((np.zeros((3, 4), np.float32), None), DatasetError, "has no labels"),
        ((np.zeros((3, 4), np.float32), np.array([0, 1, 5])), DatasetError, "labels go from 0 to 5"),
        (lambda: 1 / 0, SpecificationError, "loading the evaluation dataset failed: ZeroDivisionError"),
    ],
)
def test_unusable_datasets(make_toy, dataset, error, message):
    model = make_toy(dataset=dataset)
    with_model(model)
    with pytest.raises(error, match=message):
        mltk.evaluate_model(model)


def test_failed_evaluation_keeps_the_results_before(make_toy):
    model = make_toy(dataset=toy.clouds(20))
    with_model(model)
    mltk.evaluate_model(model)
    model.dataset = (np.zeros((0, 4), np.float32), np.zeros(0, int))
    with pytest.raises(DatasetError):
        mltk.evaluate_model(model)
    assert json.loads((Path(model.log_dir) / "eval/keras/eval-results.json").read_text())["n_samples"] == 20
