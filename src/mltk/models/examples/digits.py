"""Handwritten digits, 8×8 pixels: the smallest real example, which trains in seconds.

    mltk train digits

The samples are the test part of the UCI "Optical Recognition of Handwritten Digits" set (Alpaydin and Kaynak,
1998), which is part of scikit-learn: 1,797 digits by 13 people. A fifth of the samples is used for evaluation only.

Result: the int8 model recognizes 97.8 % of these 360 digits. ``docs/models.md`` has all results, made by
``benchmarks/reference_models.py``.
"""
# @mltk_model

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import mltk


class Digits(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """A small convolutional classifier."""


def digits_dataset(subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Load images ``[samples, 8, 8, 1]`` from 0 to 1 and labels ``[samples]`` of a subset."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    x_train, x_held_out, y_train, y_held_out = train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=1
    )
    return (x_train, y_train) if subset == "training" else (x_held_out, y_held_out)


def build_model(model: Digits) -> keras.Model:
    """Build two convolutions and a dense layer, 9,930 parameters."""
    keras_model = keras.Sequential(
        [
            keras.Input(model.input_shape),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(model.n_classes, activation="softmax"),
        ],
        name=model.name,
    )
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = Digits()
my_model.version = 1
my_model.description = "Handwritten digits, 8x8 pixels"
my_model.dataset = digits_dataset
my_model.classes = [str(digit) for digit in range(10)]
my_model.input_shape = (8, 8, 1)
my_model.build_model_function = build_model
my_model.validation_split = 0.1
my_model.epochs = 40
my_model.batch_size = 32
my_model.loss = "sparse_categorical_crossentropy"
my_model.seed = 1
my_model.reduce_lr_on_plateau = dict(monitor="val_loss", factor=0.5, patience=3)
my_model.early_stopping = dict(monitor="val_loss", patience=10, restore_best_weights=True)
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
