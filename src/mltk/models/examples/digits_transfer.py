"""New digits from ten pictures each, by transfer learning: the model starts from the encoder of another model.

    mltk train digits_contrastive
    mltk train digits_transfer

``digits_contrastive`` was trained with the digits 0 to 6. Its convolutions, which are read from its archive, do not
change any more. Only a new last layer learns, from ten pictures of each of the digits 7, 8 and 9. This takes seconds.

Result: the int8 model recognizes 95.2 % of other pictures of the digits 7, 8 and 9. More results, also without the
other model's weights: see ``docs/guides/signals.md``, made by ``benchmarks/signal_models.py``.
"""
# @mltk_model

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import mltk

BASE = "digits_contrastive"
DIGITS = (7, 8, 9)
PICTURES_OF_EACH = 10


class DigitsTransfer(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """A classifier whose convolutions another model has learned."""


def few_digits(subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Load ten images ``[n, 8, 8, 1]`` of each digit and labels ``[n]``; for evaluation, all other images."""
    images, labels = load_digits(return_X_y=True)
    chosen = np.isin(labels, DIGITS)
    images, labels = (images[chosen].reshape(-1, 8, 8, 1) / 16).astype(np.float32), labels[chosen] - DIGITS[0]
    x_train, x_held_out, y_train, y_held_out = train_test_split(
        images, labels, train_size=PICTURES_OF_EACH * len(DIGITS), stratify=labels, random_state=1
    )
    return (x_train, y_train) if subset == "training" else (x_held_out, y_held_out)


def build_model(model: DigitsTransfer) -> keras.Model:
    """Build the convolutions of the other model, frozen, and a new last layer."""
    trained = mltk.load_tflite_or_keras_model(BASE)
    encoder = trained.get_layer("encoder")
    encoder.trainable = False
    inputs = x = keras.Input(model.input_shape)
    for layer in encoder.layers[:-1]:  # all but the layer that makes the eight values
        x = layer(x)
    outputs = keras.layers.Dense(model.n_classes, activation="softmax", name="new_head")(x)
    keras_model = keras.Model(inputs, outputs, name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = DigitsTransfer()
my_model.version = 1
my_model.description = "Learns three new digits from ten pictures each"
my_model.dataset = few_digits
my_model.classes = [str(digit) for digit in DIGITS]
my_model.input_shape = (8, 8, 1)
my_model.build_model_function = build_model
my_model.epochs = 60
my_model.batch_size = 10
my_model.optimizer = keras.optimizers.Adam(5e-3)
my_model.loss = "sparse_categorical_crossentropy"
my_model.metrics = ["accuracy"]
my_model.checkpoint = dict(monitor="loss")
my_model.seed = 1
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
