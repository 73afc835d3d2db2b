"""Evaluation of autoencoders: how a dataset tells the classes apart, and what happens if it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn import metrics

import mltk
from mltk.errors import DatasetError, EvaluationError, MltkError, SpecificationError

pytestmark = pytest.mark.tf

CLASSES = ["good", "worn", "broken"]
N = {"good": 40, "worn": 25, "broken": 10}


class Machine(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateAutoEncoderMixin):
    """Normal samples are on a line; the others are beside it."""


def samples_of(name: str) -> np.ndarray:
    draw = np.random.default_rng(CLASSES.index(name))
    x = draw.uniform(-1, 1, (N[name], 1)) @ np.ones((1, 6)) + 0.05 * draw.normal(size=(N[name], 6))
    x[:, 0] += CLASSES.index(name) * draw.uniform(0.1, 0.5, N[name])
    return x.astype(np.float32)


def everything() -> tuple[np.ndarray, np.ndarray]:
    """All samples in a random order, with their class indices."""
    x = np.concatenate([samples_of(name) for name in CLASSES])
    y = np.repeat(np.arange(3), [N[name] for name in CLASSES])
    order = np.random.default_rng(5).permutation(len(x))
    return x[order], y[order]


class Mean(keras.layers.Layer):
    """Reconstructs a sample by its mean, so that no training is needed."""

    def call(self, x: Any) -> Any:
        return keras.ops.zeros_like(x) + keras.ops.mean(x, axis=-1, keepdims=True)


@pytest.fixture
def machine(tmp_path: Path, fresh_user_dir: Path) -> Callable[..., Any]:
    def make(dataset: Any, build: Callable[[Any], Any] | None = None, **settings: Any) -> Any:
        path = tmp_path / "machine.py"
        path.write_text("# @mltk_model\n")
        model = Machine(path)
        model.eval_classes = list(CLASSES)
        model.input_shape = (6,)
        model.dataset = dataset
        model.keras_custom_objects["Mean"] = Mean
        for name, value in settings.items():
            setattr(model, name, value)
        inputs = keras.Input((6,), name="x")
        keras_model = keras.Model(inputs, build(inputs) if build else Mean()(inputs))
        keras_model.compile(loss="mse")
        model.create_log_dir()
        keras_model.save(model.keras_log_dir_path)
        return model

    return make


def expected_auc(*names: str) -> float:
    """The area under the ROC curve by scikit-learn, of the normal class against these classes."""
    parts = [samples_of(name) for name in ("good", *names)]
    x = np.concatenate(parts)
    scores = ((x - x.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
    return float(metrics.roc_auc_score(np.arange(len(x)) >= len(parts[0]), scores))


def by_class(subset: str, classes: list[str] | None = None) -> np.ndarray:
    return np.concatenate([samples_of(name) for name in classes or ["good"]])


class Batches(keras.utils.PyDataset):
    def __len__(self) -> int:
        return 8

    def __getitem__(self, i: int) -> Any:
        return tuple(part[i * 10 : i * 10 + 10] for part in everything())


def generator() -> Iterator[Any]:
    for i in range(8):
        yield Batches()[i]


x_all, y_all = everything()
DATASETS: dict[str, Any] = {
    "a function that takes classes": by_class,
    "a function with labels of one class": lambda subset, classes=(): (by_class(subset, classes), [0] * N[classes[0]]),
    "indices": lambda subset: (x_all, y_all),
    "names": lambda subset: (x_all, np.array(CLASSES)[y_all]),
    "one-hot": lambda subset: (x_all, np.eye(3)[y_all]),
    "plain lists": lambda subset: (x_all.tolist(), y_all.tolist()),
    "tf.data": lambda subset: tf.data.Dataset.from_tensor_slices((x_all, y_all)).batch(16),
    "PyDataset": lambda subset: Batches(),
    "generator": lambda subset: generator(),
}


@pytest.mark.parametrize("kind", DATASETS)
def test_the_figures_are_those_of_scikit_learn(machine: Callable[..., Any], kind: str) -> None:
    results = mltk.evaluate_model(machine(DATASETS[kind]))
    assert results["n_samples"] == 75
    assert results["overall_roc_auc"] == pytest.approx(expected_auc("worn", "broken"), abs=1e-6)
    for name in ("worn", "broken"):
        assert results["class_stats"][name]["roc_auc"] == pytest.approx(expected_auc(name), abs=1e-6)


def test_the_best_threshold_reaches_the_accuracy(machine: Callable[..., Any]) -> None:
    results = mltk.evaluate_model(machine(by_class))
    scores = ((x_all - x_all.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
    reached = ((scores >= results["overall_best_threshold"] - 1e-9) == (y_all > 0)).mean()
    assert results["overall_accuracy"] == pytest.approx(reached, abs=1e-9)
    assert f"a score of {results['overall_best_threshold']:.6g} or more" in str(results)


@pytest.mark.parametrize("kind", ["a function that takes classes", "indices", "tf.data"])
def test_some_classes_and_a_limit(machine: Callable[..., Any], kind: str) -> None:
    results = mltk.evaluate_model(machine(DATASETS[kind]), classes=["good", "broken"])
    assert results["n_samples"] == 50
    assert results["overall_roc_auc"] == pytest.approx(expected_auc("broken"), abs=1e-6)
    limited = mltk.evaluate_model(machine(DATASETS[kind]), max_samples_per_class=12)
    assert limited["n_samples"] == 12 + 12 + 10


def test_reconstructions_of_each_class_are_written(machine: Callable[..., Any]) -> None:
    model = machine(DATASETS["indices"])
    mltk.evaluate_model(model, dump=True)
    folder = Path(model.log_dir) / "eval" / "keras" / "dump"
    assert sorted(p.name for p in folder.iterdir()) == sorted(CLASSES)
    original, decoded = np.load(folder / "broken" / "000.npy")
    np.testing.assert_array_equal(original, x_all[y_all == 2][0])
    np.testing.assert_allclose(decoded, original.mean(), rtol=1e-5)


only = {name: (x_all[y_all == i], y_all[y_all == i]) for i, name in enumerate(CLASSES)}
BAD: dict[str, tuple[Any, type[MltkError], str]] = {
    "no labels": (lambda subset: x_all, DatasetError, "returned the same samples for the classes 'good' and 'worn'"),
    "the sample as label": (lambda subset: (x_all, x_all), DatasetError, "returned the same samples"),
    "one class only": (lambda subset: only["good"], DatasetError, "returned the same samples"),
    "no normal samples": (
        lambda subset: (x_all[y_all > 0], y_all[y_all > 0]),
        DatasetError,
        "35 samples, but none of the normal class 'good'",
    ),
    "no abnormal samples": (
        lambda subset, classes: by_class(subset, classes)[: N["good"] * (classes == ["good"])],
        DatasetError,
        "40 samples of the normal class 'good', but none of an abnormal class",
    ),
    "labels out of range": (
        lambda subset: (x_all, y_all + 1),
        DatasetError,
        r"labels go from 1 to 3, but there are 3 eval_classes \(good, worn, broken\)",
    ),
    "an unknown name": (
        lambda subset: (x_all, np.array(["good", "worn", "wrong"])[y_all]),
        DatasetError,
        "for example 'wrong'",
    ),
    "nothing": (lambda subset: (x_all[:0], y_all[:0]), DatasetError, "evaluation dataset is empty"),
}


@pytest.mark.parametrize("kind", BAD)
def test_data_without_two_classes_are_an_error(machine: Callable[..., Any], kind: str) -> None:
    dataset, error, words = BAD[kind]
    with pytest.raises(error, match=words) as e:
        mltk.evaluate_model(machine(dataset))
    assert kind == "nothing" or "eval_classes" in e.value.message + e.value.hint


def test_a_class_without_samples_is_noted(machine: Callable[..., Any]) -> None:
    keep = y_all != 1
    results = mltk.evaluate_model(machine(lambda subset: (x_all[keep], y_all[keep])))
    assert "There are no samples of 'worn'." in results["notes"]
    assert list(results["class_stats"]) == ["broken"]


def test_classes_that_are_none_are_an_error(machine: Callable[..., Any]) -> None:
    with pytest.raises(EvaluationError, match="needs a normal class and at least one abnormal class"):
        mltk.evaluate_model(machine(by_class), classes=["good"])
    with pytest.raises(EvaluationError, match=r"'brocken' is not in my_model\.eval_classes") as e:
        mltk.evaluate_model(machine(DATASETS["indices"]), classes=["good", "brocken"])
    assert "broken" in e.value.hint


def test_a_scoring_function_that_fails_and_a_wrong_output_are_explained(machine: Callable[..., Any]) -> None:
    with pytest.raises(SpecificationError, match="scoring_function failed: TypeError"):
        mltk.evaluate_model(machine(by_class, scoring_function=lambda a, b: a - b))
    with pytest.raises(SpecificationError, match=r"output of shape \[2\] for a sample of shape \[6\]"):
        mltk.evaluate_model(machine(by_class, lambda x: keras.layers.Dense(2)(x)))
    with pytest.raises(EvaluationError, match="scores of 75 of 75 samples are NaN"):
        mltk.evaluate_model(machine(by_class, scoring_function=lambda a, b: float("nan")))


def test_an_autoencoder_without_normal_samples_is_not_trained(machine: Callable[..., Any]) -> None:
    model = machine(lambda subset: (x_all[:0], x_all[:0]))
    model.build_model_function = lambda m: keras.Sequential([keras.Input((6,)), keras.layers.Dense(6)])
    model.loss = "mse"
    with pytest.raises(DatasetError, match="training dataset of machine is empty"):
        mltk.train_model(model, verbose=False)


class Camera(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateAutoEncoderMixin):
    """Normal pictures have one gray; the others are darker at the left."""


def pictures(folder: Path, **numbers: int) -> Path:
    """Write gray pictures of 4×6 pixels: "good" are plain with noise, the others darker from sample to sample."""
    draw = np.random.default_rng(0)
    for name, n in numbers.items():
        (folder / name).mkdir(parents=True)
        for i in range(n):
            values = np.full((4, 6), 150) + draw.integers(-12, 13, (4, 6))
            values[:, 0] -= 0 if name == "good" else 10 * i
            Image.fromarray(values.astype(np.uint8)).save(folder / name / f"{i}.png")
    return folder


@pytest.fixture
def camera(tmp_path: Path, fresh_user_dir: Path) -> Any:
    (tmp_path / "camera.py").write_text("# @mltk_model\n")
    model: Any = Camera(tmp_path / "camera.py")
    model.eval_classes = ["good", "bad"]
    model.classes = ["good"]
    model.class_mode = "input"
    model.input_shape = (4, 6, 1)
    model.dataset = str(pictures(tmp_path / "training", good=8))
    model.datagen = mltk.ParallelImageDataGenerator(rescale=1 / 255)
    inputs = keras.Input((4, 6, 1), name="x")
    outputs = keras.layers.Reshape((4, 6, 1))(
        keras.layers.RepeatVector(24)(keras.layers.GlobalAveragePooling2D()(inputs))
    )
    keras_model = keras.Model(inputs, outputs)
    keras_model.compile(loss="mse")
    model.create_log_dir()
    keras_model.save(model.keras_log_dir_path)
    return model


def test_a_folder_of_ones_own_has_normal_and_other_samples(camera: Any, tmp_path: Path) -> None:
    folder = pictures(tmp_path / "mine", good=9, bad=7)
    results = mltk.evaluate_model(camera, dataset=folder)
    scores = {}
    for name in camera.eval_classes:
        files = sorted((folder / name).glob("*.png"))
        x = np.stack([np.asarray(Image.open(path)) for path in files]).reshape(len(files), 24) / 255
        scores[name] = ((x - x.mean(axis=1, keepdims=True)) ** 2).mean(axis=1)
    labels = np.repeat([0, 1], [9, 7])
    expected = metrics.roc_auc_score(labels, np.concatenate([scores["good"], scores["bad"]]))
    assert 0.5 < expected < 1
    assert results["overall_roc_auc"] == pytest.approx(expected)
    assert results["n_samples"] == 16
    assert results["dataset"] == str(folder)
    text = " ".join(str(results).split())  # long lines are wrapped
    assert f"The data are 16 samples of {folder} (good 9, bad 7)" in text


def test_a_folder_of_ones_own_without_normal_samples_says_so(camera: Any, tmp_path: Path) -> None:
    with pytest.raises(MltkError, match="good"):
        mltk.evaluate_model(camera, dataset=pictures(tmp_path / "mine", bad=3))


def test_a_folder_of_ones_own_with_another_class_says_so(camera: Any, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"'broken' .*is not a class of camera"):
        mltk.evaluate_model(camera, dataset=pictures(tmp_path / "mine", good=3, broken=3))
