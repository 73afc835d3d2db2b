"""Signatures of fingerprints: a siamese model whose tower turns a picture into 16 numbers.

    mltk train fingerprint_signature_generator
    mltk evaluate fingerprint_signature_generator

There is no public dataset: save the pictures of your own sensor, one folder for each finger, and set ``PICTURES``. Two
pictures of one finger get near signatures. Only the tower is saved and quantized, because the device compares the
signature with stored signatures. So far, this model was trained on a stand-in for its data only. The commands above
show the losses of a run with your pictures.
"""
# @mltk_model

import logging
from collections.abc import Iterator

import keras
import numpy as np

import mltk
from mltk.models.siliconlabs.fingerprint_signature_generator_dataset import (
    FingerprintSignatureGeneratorDataset,
    euclidean_distance,
)

PICTURES = "~/.mltk/fingerprint_reader/dataset"


class Signatures(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin):
    """The inputs are two pictures, the output is the probability that they show different fingers."""


my_model = Signatures()
my_model.version = 1
my_model.description = "Signatures of fingerprints"
my_model.dataset = FingerprintSignatureGeneratorDataset(PICTURES, None, nomatch_multiplier=5)
my_model.classes = ["match", "no-match"]
my_model.class_mode = "binary"
my_model.class_weights = "balanced"
my_model.input_shape = (180, 180, 1)
my_model.model_parameters["threshold"] = 0.22
my_model.model_parameters["sharpen_filter"] = my_model.dataset.sharpen_filter.tobytes()
my_model.model_parameters["sharpen_gain"] = my_model.dataset.sharpen_gain

my_model.datagen = mltk.ParallelImageDataGenerator(
    dtype=np.float32,
    width_shift_range=15,
    height_shift_range=15,
    fill_mode="constant",
    cval=255,
    noise=["gauss", "poisson", "s&p"],
    horizontal_flip=True,
    vertical_flip=True,
    validation_split=0.1,
)


def build_model(model: Signatures) -> keras.Model:
    """Build the tower, the distance of both signatures, and a dense layer."""
    tower_input = x = keras.Input(model.input_shape)
    x = keras.layers.Conv2D(8, 5, strides=2)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.Conv2D(16, 3)(x)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.GlobalAveragePooling2D()(x)
    tower = keras.Model(tower_input, keras.layers.Dense(16)(x), name="tower")
    inputs = [keras.Input(model.input_shape), keras.Input(model.input_shape)]
    distance = euclidean_distance([tower(inputs[0]), tower(inputs[1])])
    outputs = keras.layers.Dense(1, activation="sigmoid")(keras.layers.BatchNormalization()(distance))
    keras_model = keras.Model(inputs, outputs, name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


def tower_only(mltk_model: Signatures, keras_model: keras.Model, logger: logging.Logger) -> keras.Model:
    """Return the part that the device runs."""
    return keras_model.get_layer("tower")


def first_pictures() -> Iterator[list[np.ndarray]]:
    """Yield the first picture of each pair, because the tower has one input."""
    for i in range(min(len(my_model.x), 20)):
        (pictures, _), *_ = my_model.x[i]
        for picture in pictures:
            yield [picture[np.newaxis]]


my_model.build_model_function = build_model
my_model.on_save_keras_model = tower_only
my_model.epochs = 50
my_model.batch_size = 32
my_model.optimizer = "adam"
my_model.loss = "binary_crossentropy"
my_model.metrics = ["accuracy"]
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
my_model.tflite_converter["representative_dataset"] = first_pictures
