"""TensorFlow Lite Micro's magic wand: three gestures with an accelerometer, 4,300 parameters.

    mltk train tflite_micro_magic_wand
    mltk evaluate tflite_micro_magic_wand --tflite

Warden and Situnayake, "TinyML", O'Reilly 2019, chapters 11 and 12. The people of the evaluation are not those of the
training. So far, this model was trained on a stand-in for its data only. The commands above show the accuracy of a
run. The first run downloads the recordings.
"""
# @mltk_model

import keras
import tensorflow as tf

import mltk
from mltk.datasets.accelerometer import tflm_magic_wand

LENGTH = 128
"""Samples of a movement."""


class MagicWand(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is the acceleration on three axes, the output a probability for each gesture."""


def movements(subset: str, test: bool) -> tuple[tf.data.Dataset, None, tf.data.Dataset] | tf.data.Dataset:
    """Load batches for training and validation, or for evaluation."""
    loader = tflm_magic_wand.load_data(seq_length=LENGTH)
    loader.format()
    if subset == "evaluation":
        return batches(loader.test_data, test)
    return batches(loader.train_data.shuffle(1000, seed=my_model.seed), test), None, batches(loader.valid_data, test)


def batches(dataset: tf.data.Dataset, test: bool) -> tf.data.Dataset:
    """Make batches ``[128, 3, 1]`` and one-hot labels."""
    if test:
        dataset = dataset.take(my_model.batch_size)
    return dataset.map(lambda x, y: (x[..., tf.newaxis], tf.one_hot(y, my_model.n_classes))).batch(my_model.batch_size)


def build_model(model: MagicWand) -> keras.Model:
    """Build the example's architecture: two convolutions and two dense layers."""
    keras_model = keras.Sequential(
        [
            keras.Input(model.input_shape),
            keras.layers.Conv2D(8, (4, 3), padding="same", activation="relu"),
            keras.layers.MaxPooling2D((3, 3)),
            keras.layers.Dropout(0.1),
            keras.layers.Conv2D(16, (4, 1), padding="same", activation="relu"),
            keras.layers.MaxPooling2D((3, 1), padding="same"),
            keras.layers.Dropout(0.1),
            keras.layers.Flatten(),
            keras.layers.Dense(16, activation="relu"),
            keras.layers.Dropout(0.1),
            keras.layers.Dense(model.n_classes, activation="softmax"),
        ],
        name=model.name,
    )
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = MagicWand()
my_model.version = 1
my_model.description = "TensorFlow Lite Micro's magic wand: gestures"
my_model.dataset = movements
my_model.classes = ["wing", "ring", "slope", "negative"]
my_model.input_shape = (LENGTH, 3, 1)
my_model.build_model_function = build_model
my_model.epochs = 50
my_model.batch_size = 64
my_model.optimizer = "adam"
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
