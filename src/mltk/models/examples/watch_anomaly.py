"""Does a person still do the exercise? An autoencoder that knows only the right movement.

    pip install "openmltk[examples]"
    mltk train watch_anomaly
    mltk evaluate watch_anomaly --tflite --dump

This takes less than a minute on two cores. The recordings are a file in the package seglearn: ten people do seven
exercises, with a watch of six axes. Seven people's pendulum exercise is normal, and the model learns to reconstruct it.
What it cannot reconstruct is abnormal. It is evaluated with three other people. The same script detects a machine that
vibrates in an unusual way: nobody needs recordings of its faults to train it.

Result: the int8 model has an area under the ROC curve of 0.980. How well this works depends on what is normal:
``docs/guides/signals.md`` has the figures, made by ``benchmarks/signal_models.py``.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.data.time_series import Windows, cut_recordings, decimate, turn_sensors
from mltk.datasets.accelerometer import seglearn_watch

NORMAL = "PEN"
PEOPLE = {"training": range(1, 8), "evaluation": range(8, 11)}
DECIMATION = 2  # from 50 Hz to 25 Hz
LENGTH = 50  # samples of a window: 2 s
STEP = 10

# All axes share the scale of the int8 input, so each is divided by what it rarely exceeds: 4 g and 8 rad/s.
AXIS_SCALE = np.array([4, 4, 4, 8, 8, 8], np.float32)


class WatchAnomaly(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateAutoEncoderMixin):
    """An autoencoder of windows of a signal."""


def windows_of(subset: str) -> Windows:
    """Return the windows of the people of a subset, ``[windows, 50, 6]``, with the exercise of each window."""
    recordings = [r for r in seglearn_watch.load_recordings() if r.person in PEOPLE[subset]]
    return cut_recordings(
        [decimate(np.clip(r.samples / AXIS_SCALE, -1, 1), DECIMATION) for r in recordings],
        [seglearn_watch.EXERCISES[r.exercise] for r in recordings],
        groups=[r.person for r in recordings],
        length=LENGTH,
        step=STEP,
    )


def watch_dataset(subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Load normal windows twice, as input and as output; for evaluation, all windows with names of `eval_classes`."""
    windows = windows_of(subset)
    if subset == "evaluation":
        return windows.x, windows.y
    normal = windows.of_labels([NORMAL]).x
    draw = np.random.default_rng(1)
    x = np.concatenate([normal, *(turn_sensors(normal, draw, degrees=20) for _ in range(2))])
    return x, x


def build_model(model: WatchAnomaly) -> keras.Model:
    """Build an autoencoder of four dense layers with eight values in the middle, 39,860 parameters."""
    inputs = keras.Input(model.input_shape)
    x = keras.layers.Flatten()(inputs)
    x = keras.layers.Dense(64, activation="relu")(x)
    x = keras.layers.Dense(8)(x)
    x = keras.layers.Dense(64, activation="relu")(x)
    x = keras.layers.Dense(LENGTH * len(seglearn_watch.AXES))(x)
    outputs = keras.layers.Reshape(model.input_shape)(x)
    keras_model = keras.Model(inputs, outputs, name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


def squared_error(original: np.ndarray, decoded: np.ndarray) -> float:
    """Return the score of a window: the mean squared error. The firmware must compute the same."""
    return float(np.mean((original - decoded) ** 2))


my_model = WatchAnomaly()
my_model.version = 1
my_model.description = "Detects that a person does not do the pendulum exercise"
my_model.dataset = watch_dataset
my_model.classes = [NORMAL]
my_model.eval_classes = [NORMAL, *(name for name in seglearn_watch.EXERCISES if name != NORMAL)]
my_model.scoring_function = squared_error
my_model.input_shape = (LENGTH, len(seglearn_watch.AXES))
my_model.build_model_function = build_model
my_model.epochs = 20
my_model.batch_size = 64
my_model.optimizer = keras.optimizers.Adam(2e-3)
my_model.loss = "mse"
my_model.metrics = ["mae"]
my_model.checkpoint = dict(monitor="loss")
my_model.seed = 1
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"

# For the firmware: what it must do before it runs the model.
my_model.model_parameters["sample_rate_hz"] = seglearn_watch.SAMPLE_RATE_HZ // DECIMATION
my_model.model_parameters["axis_scale"] = AXIS_SCALE.tolist()
