"""Handwritten digits of MNIST: how to train on arrays in memory.

    mltk train basic_example
    mltk evaluate basic_example --tflite

The architecture is that of the Keras example "Simple MNIST convnet". The commands above show the accuracy of a run. The
first run downloads 11 MB.

Result: trained with only 4,000 of the 60,000 digits, the int8 model recognizes 95.7 % of 1,000 others.
``docs/models.md`` has all results, made by ``benchmarks/reference_models.py``.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.image import mnist


class Digits(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is an image, the output a probability for each digit."""


def digits(subset: str, test: bool) -> tuple[np.ndarray, np.ndarray]:
    """Load images ``[samples, 28, 28, 1]`` from 0 to 1 and labels ``[samples]`` of a subset."""
    training, held_out = mnist.load_data()
    images, labels = training if subset == "training" else held_out
    if test:
        images, labels = images[:64], labels[:64]
    return images[..., np.newaxis].astype(np.float32) / 255, labels


def build_model(model: Digits) -> keras.Model:
    """Build two convolutions and a dense layer, 34,826 parameters."""
    keras_model = keras.Sequential(
        [
            keras.Input(model.input_shape),
            keras.layers.Conv2D(32, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(64, 3, activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(model.n_classes, activation="softmax"),
        ],
        name=model.name,
    )
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = Digits()
my_model.version = 1
my_model.description = "Handwritten digits of MNIST"
my_model.dataset = digits
my_model.classes = list(mnist.CLASSES)
my_model.input_shape = (28, 28, 1)
my_model.build_model_function = build_model
my_model.validation_split = 0.1
my_model.epochs = 15
my_model.batch_size = 128
my_model.optimizer = "adam"
my_model.loss = "sparse_categorical_crossentropy"
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
