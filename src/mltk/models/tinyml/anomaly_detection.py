"""The anomaly detector of MLPerf Tiny: an autoencoder of the sound of toy cars, 269,992 parameters.

    mltk train anomaly_detection
    mltk evaluate anomaly_detection --tflite

Banbury et al., "MLPerf Tiny Benchmark", 2021, asks for an AUC of at least 0.85. So far, this model was trained on a
stand-in for its data only. The commands above show the AUC of a run. The samples are mel spectrograms of ToyADMOS
(Koizumi et al., 2019), saved as images; five frames of 128 bands are one sample. The archive is a 7z file, which
needs ``pip install 'openmltk[datasets]'``. The first run downloads it.
"""
# @mltk_model

from typing import Any

import keras
import numpy as np

import mltk
from mltk.data.fetch.download import datasets_dir
from mltk.data.fetch.unpack import fetch_and_unpack
from mltk.models.shared import FullyConnectedAutoEncoder

ADDRESS = "https://github.com/sldriedler/mltk_assets/raw/master/datasets/features_toy_car_all.7z"
SHA1 = "8fc5779a38694eb17e75ad21ef457bd39e6ef937"
FRAMES = 5
MARGIN = 50
"""Frames at both ends of a recording that are not used."""


class AnomalyDetector(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateAutoEncoderMixin):
    """The input is five frames of a spectrogram, the output is their reconstruction."""


def spectrograms() -> str:
    """Download the spectrograms, unless they exist. Return the folder of class folders."""
    folder = datasets_dir() / "toyadmos" / "preprocessed" / "v1"
    return str(fetch_and_unpack(ADDRESS, SHA1, folder, remove_root_dir=True))


def five_frames(params: Any, x: np.ndarray) -> np.ndarray:
    """Cut five frames out of a spectrogram ``[frames, 128, 1]``: at random for training, else in the middle."""
    last = len(x) - FRAMES - MARGIN
    start = np.random.randint(MARGIN, last + 1) if params.subset == "training" and last > MARGIN else len(x) // 2
    return x[start : start + FRAMES].reshape(FRAMES, 128, 1)


my_model = AnomalyDetector()
my_model.version = 1
my_model.description = "MLPerf Tiny anomaly detection: the sound of toy cars"
my_model.dataset = spectrograms
my_model.classes = ["normal"]
my_model.eval_classes = ["normal", "anomaly"]
my_model.class_mode = "input"
my_model.input_shape = (FRAMES, 128, 1)
my_model.interpolation = None  # the images keep their size; five_frames cuts them

my_model.datagen = mltk.ParallelImageDataGenerator(preprocessing_function=five_frames, validation_split=0.1)


def build_model(model: AnomalyDetector) -> keras.Model:
    """Build the architecture of the benchmark."""
    keras_model = FullyConnectedAutoEncoder(model.input_shape)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model.build_model_function = build_model
my_model.epochs = 100
my_model.batch_size = 512
my_model.optimizer = "adam"
my_model.loss = "mean_squared_error"
my_model.metrics = ["mean_squared_error"]
my_model.checkpoint = dict(monitor="val_loss", save_best_only=True)
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
