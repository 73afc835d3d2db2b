"""A specification with audio files: its settings, and training, quantization and evaluation from end to end."""

# mypy: disable-error-code="attr-defined"
# A loaded dataset may be of any kind.
from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mltk
from helpers.audio_folder import CLASSES
from mltk.errors import DatasetError, SettingError

NAMES = list(CLASSES)


class Model(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """The usual mixins."""


class OtherOrder(mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin, mltk.TrainMixin, mltk.MltkModel):
    """The same, the other way round."""


def make(tmp_path, tones, kind=Model, **options):
    model = kind(str(tmp_path / "tones_spotter.py"))
    model.classes = NAMES
    model.dataset = str(tones)
    model.batch_size = 16
    model.seed = 1
    settings = mltk.AudioFeatureGeneratorSettings(window_size_ms=30, window_step_ms=20, filterbank_n_channels=16)
    defaults: dict[str, Any] = {"frontend_settings": settings, "frontend_dtype": "int8", "validation_split": 0.2}
    model.datagen = mltk.ParallelAudioDataGenerator(**{**defaults, **options})
    return model


@pytest.mark.parametrize("kind", [Model, OtherOrder])
def test_settings_follow_the_generator(tmp_path, tones, kind) -> None:
    model = make(tmp_path, tones, kind, rescale=0.5)
    assert model.input_shape == model.audio_input_shape == (49, 16, 1)
    assert (model.sample_rate_hz, model.sample_length_ms) == (16000, 1000)
    assert model.audio_classes == NAMES
    assert (model.class_mode, model.follow_links, model.shuffle_dataset_enabled) == ("categorical", True, False)
    model.audio_classes = ["low"]
    assert (model.classes, model.n_classes) == (["low"], 1)
    model.audio_input_shape = (1, 2, 3)
    assert model.input_shape == (1, 2, 3)
    model.sample_length_ms = 500
    assert model.datagen.sample_shape == (24, 16, 1)
    model.populate_model_parameters()
    assert model.model_parameters["fe.sample_length_ms"] == 500
    assert model.model_parameters["samplewise_norm.rescale"] == 0.5
    assert model.model_parameters["samplewise_norm.mean_and_std"] is False


def test_without_a_generator_the_error_says_so(tmp_path) -> None:
    model = Model(str(tmp_path / "tones_spotter.py"))
    with pytest.raises(SettingError, match="datagen is not set"):
        _ = model.frontend_settings
    with pytest.raises(SettingError, match="input_shape is not set"):
        _ = model.input_shape
    with pytest.raises(SettingError, match="class_mode"):
        setattr(model, "class_mode", "categorial")  # noqa: B010 - the type checker refuses the value too
    with pytest.raises(DatasetError, match="dataset is not set"):
        model.load_dataset("training")


def test_loading_and_unloading(tmp_path, tones) -> None:
    model = make(tmp_path, tones)
    model.load_dataset("training")
    assert (model.x.n, model.validation_data.n) == (48, 12)
    assert model.class_counts["training"] == dict.fromkeys(NAMES, 16)
    assert model.class_counts["validation"] == dict.fromkeys(NAMES, 4)
    assert "48 samples of 3 classes" in model.summarize_dataset()
    model.unload_dataset()
    assert model.x is None
    assert model.validation_data is None
    model.load_dataset("evaluation", max_samples_per_class=2, classes=["low", "high"])
    assert (model.x.n, model.x.augment) == (4, False)
    model.eval_augment = True
    model.load_dataset("evaluation")
    assert model.x.augment
    model.load_dataset("training", test=True)
    assert max(model.class_counts["training"].values()) <= 10


def test_a_class_that_is_not_on_disk(tmp_path, tones) -> None:
    model = make(tmp_path, tones)
    model.classes = ["low", "hihg"]
    with pytest.raises(DatasetError, match=r"no class 'hihg'.*\n.*Did you mean 'high'"):
        model.load_dataset("training")


class Folder(mltk.MltkDataset):
    """Gives a folder."""

    def __init__(self, path):
        self.path = path

    def load_dataset(self, subset, test=False, **kwargs):
        return str(self.path)


class Arrays(mltk.MltkDataset):
    """Gives finished samples."""

    def load_dataset(self, subset, test=False, **kwargs):
        self.class_counts = {"low": 2}
        return np.zeros((2, 49, 16, 1)), np.zeros(2)


def test_kinds_of_datasets(tmp_path, tones) -> None:
    module = types.ModuleType("a_dataset")
    module.__dict__["load_data"] = lambda: str(tones)
    files = {name: sorted(str(p) for p in (tones / name).iterdir()) for name in NAMES}
    pairs = [(path, name) for name, paths in files.items() for path in paths]
    for dataset in (Path(tones), module, Folder(tones), files, pairs):
        model = make(tmp_path, tones)
        model.dataset = dataset
        model.load_dataset("training")
        assert (model.x.n, model.validation_data.n) == (48, 12)
    model.unload_dataset()
    model.dataset = Arrays()
    model.load_dataset("training")
    assert model.x.shape == (2, 49, 16, 1)
    assert model.class_counts["training"] == {"low": 2}


SPECIFICATION = """
# @mltk_model
import keras
import mltk

class Spotter(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    pass

def build(model):
    keras_model = keras.Sequential([
        keras.Input(model.input_shape),
        keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
        keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
        keras.layers.Flatten(),
        keras.layers.Dense(model.n_classes, activation="softmax"),
    ])
    keras_model.compile(optimizer=keras.optimizers.Adam(3e-3), loss=model.loss, metrics=model.metrics)
    return keras_model

def quieter(params, x):
    return 0.5 * x

my_model = Spotter()
my_model.build_model_function = build
my_model.dataset = {folder!r}
my_model.classes = ["low", "middle", "high", "_silence_"]
my_model.datagen = mltk.ParallelAudioDataGenerator(
    frontend_settings=mltk.AudioFeatureGeneratorSettings(
        window_size_ms=30, window_step_ms=20, filterbank_n_channels=16
    ),
    frontend_dtype="int8",
    rescale=1 / 128,
    validation_split=0.2,
    speed_range=(0.9, 1.1),
    loudness_range=(0.3, 1.0),
    {more}
)
my_model.seed = 1
my_model.epochs = {epochs}
my_model.class_weights = "balanced"
my_model.tflite_converter["inference_input_type"] = "int8"
"""


def spec(folder, tones, name="tones_spotter", epochs=30, more=""):
    path = folder / f"{name}.py"
    path.write_text(SPECIFICATION.format(folder=str(tones), epochs=epochs, more=more))
    return str(path)


@pytest.mark.tf
def test_train_quantize_and_evaluate(tmp_path, tones, fresh_user_dir) -> None:
    results = mltk.train_model(spec(tmp_path, tones), clean=True)
    assert results.get_best_metric()[1] > 0.9
    parameters = mltk.TfliteModelParameters.load_from_tflite_model(results.tflite_model)
    assert parameters["fe.window_step_ms"] == 20
    assert parameters["fe.filterbank_n_channels"] == 16
    evaluated = mltk.evaluate_model(results.model_archive_path, tflite=True)
    assert evaluated.overall_accuracy > 0.8


@pytest.mark.tf
def test_a_resumed_training_sees_the_batches_that_an_uninterrupted_one_does(tmp_path, tones, fresh_user_dir) -> None:
    whole = mltk.train_model(spec(tmp_path, tones, "whole", 4), create_archive=False, quantize=False)
    script = spec(tmp_path, tones, "parts", 4)
    mltk.train_model(script, epochs=2, create_archive=False, quantize=False)
    parts = mltk.train_model(script, create_archive=False, quantize=False, resume=True)
    assert parts.history["loss"] == pytest.approx(whole.history["loss"], rel=1e-5)


@pytest.mark.tf
def test_functions_of_a_specification_run_in_processes(tmp_path, tones, fresh_user_dir) -> None:
    script = spec(tmp_path, tones, "with_function", 2, more="preprocessing_function=quieter, cores=1,")
    results = mltk.train_model(script, create_archive=False, quantize=False)
    assert len(results.history["loss"]) == 2
    assert "multiprocessing.popen_fork" not in sys.modules
