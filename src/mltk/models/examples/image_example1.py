"""Rock, paper or scissors in gray pictures: the first example for images.

    mltk train image_example1
    mltk evaluate image_example1 --tflite

The samples are pictures of 96×96 pixels by Silicon Labs. The archive is a 7z file, which needs
``pip install 'openmltk[datasets]'``. So far, this model was trained on a stand-in for its data only. The commands
above show the accuracy of a run. The first run downloads the pictures.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.image import rock_paper_scissors_v1


class Hands(mltk.MltkModel, mltk.TrainMixin, mltk.ImageDatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is an image, the output a probability for each sign."""


def build_model(model: Hands) -> keras.Model:
    """Build three convolutions, each with pooling, and two dense layers."""
    keras_model = keras.Sequential(name=model.name)
    keras_model.add(keras.Input(model.input_shape))
    for filters in (8, 16, 16):
        keras_model.add(keras.layers.Conv2D(filters, 3, strides=2, padding="same"))
        keras_model.add(keras.layers.BatchNormalization())
        keras_model.add(keras.layers.ReLU())
        keras_model.add(keras.layers.AveragePooling2D(2) if filters == 8 else keras.layers.MaxPooling2D())
    keras_model.add(keras.layers.Flatten())
    keras_model.add(keras.layers.Dropout(0.4))
    keras_model.add(keras.layers.Dense(model.n_classes, activation="softmax"))
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = Hands()
my_model.version = 1
my_model.description = "Rock, paper or scissors in gray pictures"
my_model.dataset = rock_paper_scissors_v1
my_model.classes = list(rock_paper_scissors_v1.CLASSES)
my_model.class_mode = "categorical"
my_model.class_weights = "balanced"
my_model.input_shape = rock_paper_scissors_v1.INPUT_SHAPE
my_model.datagen = mltk.ParallelImageDataGenerator(
    dtype=np.float32,
    rotation_range=15,
    width_shift_range=5,
    height_shift_range=5,
    zoom_range=(0.95, 1.05),
    brightness_range=(0.5, 1.7),
    contrast_range=(0.5, 1.7),
    noise=["gauss", "poisson", "s&p"],
    horizontal_flip=True,
    samplewise_center=True,
    samplewise_std_normalization=True,
    validation_augmentation_enabled=False,
    validation_split=0.1,
)
my_model.build_model_function = build_model
my_model.epochs = 60
my_model.batch_size = 32
my_model.optimizer = "adam"
my_model.loss = "categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.reduce_lr_on_plateau = dict(monitor="val_loss", factor=0.5, patience=5)
my_model.early_stopping = dict(monitor="val_accuracy", patience=15, restore_best_weights=True)
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
