"""Do two handwritten digits show the same digit? A siamese network, trained with the contrastive loss.

    mltk train digits_contrastive

This takes about a minute on two cores. One encoder turns each of the two pictures into eight values. The model returns
the distance of these values: small for two pictures of one digit, large for different digits. It is trained with the
digits 0 to 6 and evaluated with other pictures of these digits. ``digits_transfer`` continues with its encoder.

Hadsell, Chopra and LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006. The pictures are
those of the model ``digits``.

Result: the int8 model decides 98.4 % of the pairs correctly. More results: see ``docs/guides/signals.md``, made by
``benchmarks/signal_models.py``.
"""
# @mltk_model

from typing import Any

import keras
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import mltk
from mltk.training.losses import ContrastiveLoss

DIGITS = range(7)
N_PAIRS = {"training": 12000, "evaluation": 1000}
MARGIN = 1.0


class DigitsContrastive(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """A model with two inputs, and their distance as output. The classes are "same" (0) and "different" (1)."""


def digits_of(subset: str) -> tuple[np.ndarray, np.ndarray]:
    """Load images ``[n, 8, 8, 1]`` from 0 to 1 and labels ``[n]``; a third of the images is for evaluation only."""
    images, labels = load_digits(return_X_y=True)
    images = (images.reshape(-1, 8, 8, 1) / 16).astype(np.float32)
    x_train, x_held_out, y_train, y_held_out = train_test_split(
        images, labels, test_size=0.33, stratify=labels, random_state=1
    )
    return (x_train, y_train) if subset == "training" else (x_held_out, y_held_out)


def make_pairs(x: np.ndarray, y: np.ndarray, n: int, draw: np.random.Generator) -> tuple[Any, np.ndarray]:
    """Draw pairs of pictures, half of them of one digit.

    Args:
        x: Images ``[images, 8, 8, 1]``.
        y: Digits ``[images]``.
        n: Number of pairs.
        draw: Draws the pairs.

    Returns:
        Two arrays of images ``[n, 8, 8, 1]``, and labels ``[n]``: 0 for a pair of one digit, 1 for different digits.
    """
    digits = np.unique(y)
    different = np.arange(n) % 2
    first = draw.integers(len(digits), size=n)
    second = (first + different * draw.integers(1, len(digits), size=n)) % len(digits)
    left, right = ([draw.choice(np.flatnonzero(y == digits[d])) for d in side] for side in (first, second))
    return (x[left], x[right]), different


def pairs_dataset(subset: str) -> tuple[Any, np.ndarray]:
    """Load pairs of pictures, and their labels."""
    x, y = digits_of(subset)
    known = np.isin(y, list(DIGITS))
    return make_pairs(x[known], y[known], N_PAIRS[subset], np.random.default_rng(1 if subset == "training" else 2))


def build_encoder(input_shape: tuple[int | None, ...]) -> keras.Model:
    """Build the encoder: from an image to eight values."""
    return keras.Sequential(
        [
            keras.Input(input_shape),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dense(8),
        ],
        name="encoder",
    )


def build_model(model: DigitsContrastive) -> keras.Model:
    """Build the siamese network: the mean absolute difference of two encodings, of layers that int8 kernels compute."""
    encoder = build_encoder(model.input_shape)
    left, right = keras.Input(model.input_shape, name="left"), keras.Input(model.input_shape, name="right")
    a, b = encoder(left), encoder(right)
    difference = keras.layers.Maximum()([keras.layers.Subtract()([a, b]), keras.layers.Subtract()([b, a])])
    outputs = keras.layers.GlobalAveragePooling1D(name="distance")(keras.layers.Reshape((-1, 1))(difference))
    keras_model = keras.Model([left, right], outputs, name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


my_model = DigitsContrastive()
my_model.version = 1
my_model.description = "Says whether two pictures show the same digit"
my_model.dataset = pairs_dataset
my_model.classes = ["same", "different"]
my_model.input_shape = (8, 8, 1)
my_model.build_model_function = build_model
my_model.epochs = 20
my_model.batch_size = 64
my_model.optimizer = keras.optimizers.Adam(2e-3)
my_model.loss = ContrastiveLoss(margin=MARGIN)
my_model.metrics = [keras.metrics.BinaryAccuracy(threshold=MARGIN / 2, name="accuracy")]
my_model.checkpoint = dict(monitor="loss")
my_model.seed = 1
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
