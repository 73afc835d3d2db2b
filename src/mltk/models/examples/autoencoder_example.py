"""Heartbeats that are not normal: how to train an autoencoder and evaluate its scores.

    mltk train autoencoder_example
    mltk evaluate autoencoder_example --tflite

The samples are 4,998 heartbeats of ECG5000 (Goldberger et al., "PhysioBank", 2000; Chen et al., UCR Archive, 2015),
140 values each. Only normal heartbeats are used for training. So far, this model was trained on a stand-in for its
data only. The commands above show the AUC of a run. The first run downloads 6 MB; the publisher has no checksum.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.data.fetch.download import fetch

ADDRESS = "http://storage.googleapis.com/download.tensorflow.org/data/ecg.csv"


class Heartbeats(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateAutoEncoderMixin):
    """The input is a heartbeat, the output is its reconstruction."""

    def load_dataset(self, subset: str, test: bool = False, classes: list[str] | None = None, **kwargs: object) -> None:
        """Load the heartbeats of one class: for training the normal class, for evaluation each in turn."""
        table = np.loadtxt(fetch(ADDRESS), delimiter=",", dtype=np.float32)
        beats, normal = table[:, :-1], table[:, -1] == 1
        held_out = np.arange(len(beats)) % 5 == 0
        low, high = beats[~held_out].min(), beats[~held_out].max()
        beats = np.clip((beats - low) / (high - low), 0, 1)
        if subset == "evaluation":
            self.x = beats[held_out & (normal if classes == ["normal"] else ~normal)]
        else:
            self.x = self.y = beats[~held_out & normal]
        self.class_counts[subset] = {(classes or ["normal"])[0]: len(self.x)}


def build_model(model: Heartbeats) -> keras.Model:
    """Build dense layers of 32, 16, 8, 16, 32 and 140 units, 10,484 parameters."""
    keras_model = keras.Sequential(name=model.name)
    keras_model.add(keras.Input(model.input_shape))
    for units in (32, 16, 8, 16, 32):
        keras_model.add(keras.layers.Dense(units, activation="relu"))
    keras_model.add(keras.layers.Dense(model.input_shape[0], activation="sigmoid"))
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = Heartbeats()
my_model.version = 1
my_model.description = "Heartbeats that are not normal"
my_model.input_shape = (140,)
my_model.build_model_function = build_model
my_model.eval_classes = ["normal", "abnormal"]
my_model.scoring_function = "mae"
my_model.validation_split = 0.1
my_model.epochs = 30
my_model.batch_size = 128
my_model.optimizer = "adam"
my_model.loss = "mae"
my_model.metrics = ["mae"]
my_model.checkpoint = dict(monitor="val_loss", save_best_only=True)
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
