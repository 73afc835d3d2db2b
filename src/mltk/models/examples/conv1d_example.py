"""Heart rhythms: how to classify a long signal with 1-D convolutions.

    mltk train conv1d_example
    mltk evaluate conv1d_example --tflite

The samples are recordings of ten seconds at 360 Hz, from the MIT-BIH Arrhythmia Database (Moody and Mark, 2001),
saved as wav files. The data generator for audio reads them without the frontend. So far, this model was trained on a
stand-in for its data only. The commands above show the accuracy of a run. The first run downloads the recordings.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.data.fetch.download import datasets_dir
from mltk.data.fetch.unpack import fetch_and_unpack

ADDRESS = "https://github.com/sldriedler/mltk_assets/raw/master/datasets/ekg_waveforms.zip"
SHA1 = "8221333c8ecef29843d05b6385a4f47074820480"
SAMPLE_RATE_HZ = 360
SECONDS = 10


class Rhythms(mltk.MltkModel, mltk.TrainMixin, mltk.AudioDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is a signal, the output a probability for each rhythm."""


def recordings() -> str:
    """Download the recordings, unless they exist. Return the folder of class folders."""
    return str(fetch_and_unpack(ADDRESS, SHA1, datasets_dir() / "ekg_waveforms" / "v1", remove_root_dir=True))


def build_model(model: Rhythms) -> keras.Model:
    """Build four convolutions over time and a dense layer."""
    x = inputs = keras.Input(model.input_shape)
    for filters, size, stride in ((16, 15, 4), (24, 9, 4), (32, 9, 4), (48, 5, 2)):
        x = keras.layers.Conv1D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Dropout(0.4)(keras.layers.GlobalAveragePooling1D()(x))
    outputs = keras.layers.Dense(model.n_classes, activation="softmax")(x)
    keras_model = keras.Model(inputs, outputs, name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = Rhythms()
my_model.version = 1
my_model.description = "Heart rhythms, by 1-D convolutions"
my_model.dataset = recordings
my_model.classes = ["1 NSR", "2 APB", "4 AFIB", "7 PVC"]
my_model.class_mode = "categorical"
my_model.class_weights = "balanced"
my_model.input_shape = (SAMPLE_RATE_HZ * SECONDS, 1)
my_model.datagen = mltk.ParallelAudioDataGenerator(
    dtype=np.float32,
    frontend_enabled=False,
    frontend_settings=mltk.AudioFeatureGeneratorSettings(
        sample_rate_hz=SAMPLE_RATE_HZ, sample_length_ms=SECONDS * 1000
    ),
    sample_shape=my_model.input_shape,
    loudness_range=(0.8, 1.0),
    speed_range=(0.9, 1.1),
    unknown_class_percentage=0.0,
    silence_class_percentage=0.0,
    validation_split=0.1,
)
my_model.build_model_function = build_model
my_model.epochs = 100
my_model.batch_size = 32
my_model.optimizer = "adam"
my_model.lr_schedule = dict(schedule=lambda epoch: 1e-3 * 0.98**epoch)
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
