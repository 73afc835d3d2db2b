"""Cats and dogs of CIFAR-10: how to train a classifier with one output.

    mltk train binary_classification
    mltk evaluate binary_classification --tflite

The output is the probability of the second class. So far, this model was trained on a stand-in for its data only. The
commands above show the accuracy of a run. The first run downloads 170 MB.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.image import cifar10


class CatOrDog(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is an image, the output is the probability of a dog."""


def cats_and_dogs() -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Load images ``[samples, 32, 32, 3]`` from 0 to 255 and labels 0 or 1, for training and for evaluation."""
    wanted = [cifar10.CLASSES.index(name) for name in my_model.classes]
    parts = []
    for images, labels in cifar10.load_data():
        chosen = np.isin(labels[:, 0], wanted)
        parts.append((images[chosen], (labels[chosen, 0] == wanted[1]).astype(np.int32)))
    return parts[0], parts[1]


def build_model(model: CatOrDog) -> keras.Model:
    """Build three convolutions and two dense layers."""
    keras_model = keras.Sequential(name=model.name)
    keras_model.add(keras.Input(model.input_shape))
    for filters in (16, 24, 32):
        keras_model.add(keras.layers.Conv2D(filters, 3, padding="same", activation="relu"))
        keras_model.add(keras.layers.BatchNormalization())
        keras_model.add(keras.layers.MaxPooling2D())
    keras_model.add(keras.layers.Flatten())
    keras_model.add(keras.layers.Dense(64, activation="relu"))
    keras_model.add(keras.layers.Dropout(0.5))
    keras_model.add(keras.layers.Dense(1, activation="sigmoid"))
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = CatOrDog()
my_model.version = 1
my_model.description = "Cats and dogs of CIFAR-10"
my_model.dataset = cats_and_dogs
my_model.classes = ["cat", "dog"]
my_model.class_mode = "binary"
my_model.input_shape = (32, 32, 3)
my_model.datagen = mltk.ParallelImageDataGenerator(
    rotation_range=15,
    width_shift_range=0.1,
    height_shift_range=0.1,
    horizontal_flip=True,
    rescale=1 / 255,
    validation_augmentation_enabled=False,
    validation_split=0.1,
)
my_model.build_model_function = build_model
my_model.epochs = 100
my_model.batch_size = 40
my_model.optimizer = "adam"
my_model.loss = "binary_crossentropy"
my_model.metrics = ["accuracy"]
my_model.reduce_lr_on_plateau = dict(monitor="val_loss", factor=0.5, patience=5)
my_model.early_stopping = dict(monitor="val_accuracy", patience=20, restore_best_weights=True)
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
