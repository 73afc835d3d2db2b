"""The keyword spotter of MLPerf Tiny: a DS-CNN of 25 k parameters on ten words of Speech Commands.

    mltk train keyword_spotting

Banbury et al., "MLPerf Tiny Benchmark", 2021: 50 × 10 features, 12 classes, at least 90 % accuracy. The features here
are log mel energies of the device's frontend, in place of the benchmark's MFCCs. So far, this model was trained on a
stand-in for its data only. The first run downloads 2.3 GB.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.audio.speech_commands import speech_commands_v2
from mltk.models.shared import DepthwiseSeparableConv2D_ARM


class KeywordSpotter(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is audio features, the output a probability for each word."""


my_model = KeywordSpotter()
my_model.version = 1
my_model.description = "MLPerf Tiny keyword spotting: ten words of Speech Commands"
my_model.dataset = speech_commands_v2
my_model.classes = ["yes", "no", "up", "down", "left", "right", "on", "off", "stop", "go", "_unknown_", "_silence_"]

frontend_settings = mltk.AudioFeatureGeneratorSettings(
    sample_rate_hz=16000,
    sample_length_ms=1020,  # 50 frames,
    window_size_ms=40,
    window_step_ms=20,
    filterbank_n_channels=10,
    filterbank_lower_band_limit=20.0,
    filterbank_upper_band_limit=4000.0,
)

my_model.datagen = mltk.ParallelAudioDataGenerator(
    dtype=np.float32,
    frontend_settings=frontend_settings,
    offset_range=(0.0, 1.0),
    trim_threshold_db=30,
    noise_colors=["white", "brown", "pink"],
    noise_color_range=(0.01, 0.1),
    unknown_class_percentage=1.0,
    silence_class_percentage=1.0,
    samplewise_center=True,
    validation_split=0.10,
)


def build_model(model: KeywordSpotter) -> keras.Model:
    """Build the architecture of the benchmark."""
    keras_model = DepthwiseSeparableConv2D_ARM(model.input_shape, num_classes=model.n_classes)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model.build_model_function = build_model
my_model.epochs = 36
my_model.batch_size = 100
my_model.optimizer = keras.optimizers.Adam(5e-4)
my_model.lr_schedule = dict(schedule=lambda epoch: 5e-4 if epoch < 12 else 1e-4 if epoch < 24 else 2e-5)
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
