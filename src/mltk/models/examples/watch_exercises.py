"""Which of seven exercises does a person do? From a watch, by 1-D convolutions.

    pip install "openmltk[examples]"
    mltk train watch_exercises

This takes about a minute on two cores. The recordings are a file in the package seglearn: ten people, six axes at
50 Hz. The model sees windows of four seconds. It is trained with seven people, and evaluated with three others: a
device meets people whom it does not know. The windows of one person are alike, so a random split would be too good.

Result: the int8 model recognizes 91.2 % of the windows of the three others. More results, with other people: see
``docs/guides/signals.md``, made by ``benchmarks/signal_models.py``.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.data.time_series import Windows, cut_recordings, decimate, turn_sensors
from mltk.datasets.accelerometer import seglearn_watch

PEOPLE = {"training": range(1, 8), "evaluation": range(8, 11)}
DECIMATION = 2  # from 50 Hz to 25 Hz
LENGTH = 100  # samples of a window: 4 s
STEP = 25  # samples between the starts of windows: 1 s

# All axes share the scale of the int8 input, so each is divided by what it rarely exceeds: 4 g and 8 rad/s.
AXIS_SCALE = np.array([4, 4, 4, 8, 8, 8], np.float32)


class WatchExercises(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """A classifier of windows of a signal."""


def prepare_signal(samples: np.ndarray) -> np.ndarray:
    """Return a recording ``[n, 6]`` at 25 Hz, each axis from -1 to 1. The firmware must compute the same."""
    return decimate(np.clip(samples / AXIS_SCALE, -1, 1), DECIMATION)


def windows_of(subset: str) -> Windows:
    """Return the windows of the people of a subset, ``[windows, 100, 6]``."""
    recordings = [r for r in seglearn_watch.load_recordings() if r.person in PEOPLE[subset]]
    return cut_recordings(
        [prepare_signal(r.samples) for r in recordings],
        [r.exercise for r in recordings],
        groups=[r.person for r in recordings],
        length=LENGTH,
        step=STEP,
    )


def watch_dataset(subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Load windows and the exercise of each; for training also three turned versions of each window."""
    windows = windows_of(subset)
    if subset != "training":
        return windows.x, windows.y
    draw = np.random.default_rng(1)
    x = np.concatenate([windows.x, *(turn_sensors(windows.x, draw, degrees=30) for _ in range(3))])
    return x, np.tile(windows.y, 4)


def build_model(model: WatchExercises) -> keras.Model:
    """Build three convolutions over time, 6,759 parameters."""
    inputs = x = keras.Input(model.input_shape)
    for channels in (16, 24, 32):
        x = keras.layers.Conv1D(channels, 5, strides=2, padding="same", use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
    x = keras.layers.GlobalAveragePooling1D()(x)
    x = keras.layers.Dropout(0.3)(x)
    outputs = keras.layers.Dense(model.n_classes, activation="softmax")(x)
    keras_model = keras.Model(inputs, outputs, name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = WatchExercises()
my_model.version = 1
my_model.description = "Tells seven shoulder exercises apart by a watch"
my_model.dataset = watch_dataset
my_model.classes = list(seglearn_watch.EXERCISES)
my_model.input_shape = (LENGTH, len(seglearn_watch.AXES))
my_model.build_model_function = build_model
my_model.epochs = 12
my_model.batch_size = 64
my_model.optimizer = "adam"
my_model.lr_schedule = dict(schedule=lambda epoch: 2e-3 * (1 + np.cos(np.pi * epoch / my_model.epochs)))
my_model.loss = "sparse_categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.checkpoint = dict(monitor="loss")  # there is no validation: all people of the training are used
my_model.seed = 1
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"

# For the firmware: what it must do before it runs the model.
my_model.model_parameters["sample_rate_hz"] = seglearn_watch.SAMPLE_RATE_HZ // DECIMATION
my_model.model_parameters["axis_scale"] = AXIS_SCALE.tolist()
my_model.model_parameters["step"] = STEP
