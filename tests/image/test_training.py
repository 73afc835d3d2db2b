"""A specification with images: its settings, and training, quantization and evaluation from end to end."""

# mypy: disable-error-code="attr-defined"
# A loaded dataset may be of any kind.
from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mltk
from helpers.image_folder import image_folder
from mltk.errors import DatasetError, SettingError


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    """The usual mixins."""


class OtherOrder(mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin, mltk.TrainMixin, mltk.MltkModel):
    """The same, the other way round."""


def make(tmp_path, folder=None, kind=Model, **options):
    model = kind(str(tmp_path / "shapes.py"))
    model.classes = ["a", "b"]
    model.input_shape = (8, 8, 3)
    model.dataset = folder
    model.datagen = mltk.ParallelImageDataGenerator(**{"validation_split": 0.5, **options})
    return model


@pytest.mark.parametrize("kind", [Model, OtherOrder])
def test_settings(tmp_path, kind) -> None:
    model = make(tmp_path, kind=kind, samplewise_std_normalization=True, rescale=0.5)
    assert (model.color_mode, model.interpolation, model.target_size) == ("auto", "bilinear", None)
    assert (model.class_mode, model.follow_links, model.shuffle_dataset_enabled) == ("categorical", True, False)
    model.image_classes = ["x"]
    model.image_input_shape = (4, 5, 1)
    assert (model.classes, model.input_shape) == (["x"], (4, 5, 1))
    assert (model.image_classes, model.image_input_shape) == (["x"], (4, 5, 1))
    model.populate_model_parameters()
    assert model.model_parameters["samplewise_norm.rescale"] == 0.5
    assert model.model_parameters["samplewise_norm.mean_and_std"] is True


def test_the_size_follows_from_target_size_and_color_mode(tmp_path) -> None:
    model = Model(str(tmp_path / "shapes.py"))
    with pytest.raises(SettingError, match="input_shape is not set"):
        _ = model.input_shape
    model.target_size, model.color_mode = (32, 24), "grayscale"
    assert model.input_shape == (32, 24, 1)


def test_without_a_generator_or_a_dataset_the_error_says_so(tmp_path) -> None:
    model = make(tmp_path)
    with pytest.raises(DatasetError, match="dataset is not set"):
        model.load_dataset("training")
    model.dataset, model.datagen = image_folder(tmp_path / "images"), None
    with pytest.raises(SettingError, match="datagen is not set"):
        model.load_dataset("training")


def test_loading_and_unloading(tmp_path) -> None:
    model = make(tmp_path, image_folder(tmp_path / "images", n=10))
    model.load_dataset("training")
    assert (model.x.n, model.validation_data.n) == (10, 10)
    assert model.x[0][0].shape == (10, 8, 8, 3)
    assert model.class_counts == {"training": {"a": 5, "b": 5}, "validation": {"a": 5, "b": 5}, "evaluation": {}}
    assert "10 samples of 2 classes" in model.summarize_dataset()
    model.unload_dataset()
    assert model.x is None
    model.load_dataset("evaluation", max_samples_per_class=2)
    assert (model.x.n, model.x.augment) == (4, False)


def test_images_get_another_size_than_the_model_if_a_function_cuts_them(tmp_path) -> None:
    def cut(params, x):
        assert params.batch_shape == (32, 6, 6, 1)
        return x[1:-1, 1:-1]

    model = make(tmp_path, image_folder(tmp_path / "images"), preprocessing_function=cut, debug=True)
    model.input_shape, model.target_size = (6, 6, 1), (8, 8)
    model.load_dataset("training")
    assert model.x[0][0].shape == (6, 6, 6, 1)


class Folder(mltk.MltkDataset):
    """Returns a folder."""

    def __init__(self, path):
        self.path = path

    def load_dataset(self, subset, test=False, **kwargs):
        return str(self.path)


def test_kinds_of_datasets(tmp_path) -> None:
    folder = image_folder(tmp_path / "images")
    module = types.ModuleType("a_dataset")
    module.__dict__["load_data"] = lambda: folder
    files = {name: sorted(str(p) for p in (Path(folder) / name).iterdir()) for name in ("a", "b")}
    pairs = [(path, name) for name, paths in files.items() for path in paths]

    def function(model):
        return folder

    for dataset in (Path(folder), module, Folder(folder), files, pairs, function, lambda: folder):
        model = make(tmp_path, dataset)
        model.load_dataset("training")
        assert (model.x.n, model.validation_data.n) == (6, 6)
        model.unload_dataset()


SPECIFICATION = """
# @mltk_model
import keras
import mltk

class Shapes(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    pass

def build(model):
    keras_model = keras.Sequential([
        keras.Input(model.input_shape),
        keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
        keras.layers.Conv2D(16, 3, strides=2, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(model.n_classes, activation="softmax"),
    ])
    keras_model.compile(optimizer=keras.optimizers.Adam(1e-2), loss=model.loss, metrics=model.metrics)
    return keras_model

def darker(params, x):
    return 0.5 * x

my_model = Shapes()
my_model.build_model_function = build
my_model.dataset = {folder!r}
my_model.classes = ["across", "down"]
my_model.input_shape = (24, 24, 1)
my_model.datagen = mltk.ParallelImageDataGenerator(
    samplewise_center=True,
    samplewise_std_normalization=True,
    validation_split=0.25,
    rotation_range=10,
    width_shift_range=0.1,
    height_shift_range=0.1,
    zoom_range=0.1,
    horizontal_flip=True,
    contrast_range=(0.7, 1.3),
    noise=["gauss", "poisson", "s&p"],
    {more}
)
my_model.batch_size = 16
my_model.seed = 1
my_model.epochs = {epochs}
my_model.class_weights = "balanced"
my_model.tflite_converter["inference_input_type"] = "float32"
my_model.tflite_converter["inference_output_type"] = "float32"
"""


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    """Images with horizontal and vertical stripes of random width, phase and brightness."""
    where = tmp_path_factory.mktemp("stripes")
    rng = np.random.default_rng(0)
    for name in ("across", "down"):
        (where / name).mkdir()
        for i in range(60):
            wave = 128 + rng.uniform(40, 100) * np.sin(np.arange(32) * rng.uniform(0.6, 1.2) + rng.uniform(0, 6))
            pixels = np.broadcast_to(wave[:, None], (32, 32)) + rng.normal(0, 20, (32, 32))
            pixels = pixels if name == "across" else pixels.T
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(where / name / f"{i}.png")
    return where


def spec(folder, images, name="stripes_finder", epochs=20, more=""):
    path = folder / f"{name}.py"
    path.write_text(SPECIFICATION.format(folder=str(images), epochs=epochs, more=more))
    return str(path)


@pytest.mark.tf
def test_train_quantize_and_evaluate(tmp_path, stripes, fresh_user_dir) -> None:
    results = mltk.train_model(spec(tmp_path, stripes), clean=True)
    assert results.get_best_metric()[1] > 0.9
    parameters = mltk.TfliteModelParameters.load_from_tflite_model(results.tflite_model)
    assert parameters["samplewise_norm.mean_and_std"] is True
    evaluated = mltk.evaluate_model(results.model_archive_path, tflite=True)
    assert evaluated.overall_accuracy > 0.9


@pytest.mark.tf
def test_a_resumed_training_sees_the_batches_that_an_uninterrupted_one_does(tmp_path, stripes, fresh_user_dir) -> None:
    whole = mltk.train_model(spec(tmp_path, stripes, "whole", 4), create_archive=False, quantize=False)
    script = spec(tmp_path, stripes, "parts", 4)
    mltk.train_model(script, epochs=2, create_archive=False, quantize=False)
    parts = mltk.train_model(script, create_archive=False, quantize=False, resume=True)
    assert parts.history["loss"] == pytest.approx(whole.history["loss"], rel=1e-5)


@pytest.mark.tf
def test_functions_of_a_specification_run_in_processes(tmp_path, stripes, fresh_user_dir) -> None:
    script = spec(tmp_path, stripes, "with_function", 2, more="preprocessing_function=darker, cores=1,")
    results = mltk.train_model(script, create_archive=False, quantize=False)
    assert len(results.history["loss"]) == 2
