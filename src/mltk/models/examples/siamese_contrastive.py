"""Pairs of handwritten digits: how to train a siamese model with a contrastive loss.

    mltk train siamese_contrastive
    mltk evaluate siamese_contrastive --tflite

Hadsell, Chopra and LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", CVPR 2006. The output is a
distance from 0 to 1: near 0 for two pictures of the same digit. The commands above show the accuracy of a run. The
first run downloads 11 MB.

Result: trained with only 4,000 of the 60,000 digits, the int8 model decides 94.8 % of the pairs of 1,000 others
correctly. ``docs/models.md`` has all results, made by ``benchmarks/reference_models.py``.
"""
# @mltk_model

import keras
import numpy as np

import mltk
from mltk.datasets.image import mnist
from mltk.training.losses import ContrastiveLoss


class Pairs(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateMixin):
    """The inputs are two images, the output is their distance."""

    def load_dataset(self, subset: str, test: bool = False, **kwargs: object) -> None:
        """Load pairs ``[images, images]`` and labels, 0 for a pair of the same digit."""
        training, held_out = mnist.load_data()
        images, labels = training if subset == "training" else held_out
        if test:
            images, labels = images[:300], labels[:300]
        self.x, self.y = make_pairs(images.astype(np.float32), labels)


def make_pairs(images: np.ndarray, labels: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Pair each image with another image of the same digit, and with an image of another digit."""
    draw = np.random.default_rng(my_model.seed)
    of_digit = [np.flatnonzero(labels == digit) for digit in range(10)]
    same = [draw.choice(of_digit[label]) for label in labels]
    other = [draw.choice(of_digit[(label + draw.integers(1, 10)) % 10]) for label in labels]
    first = np.concatenate([images, images])
    return [first, images[np.array(same + other)]], np.repeat([0.0, 1.0], len(images)).astype(np.float32)


def build_model(model: Pairs) -> keras.Model:
    """Build one network for both images, the distance of their vectors, and a dense layer."""
    tower_input = keras.Input(model.input_shape)
    x = keras.layers.Reshape((*model.input_shape, 1))(tower_input)
    x = keras.layers.BatchNormalization()(x)
    for filters in (4, 16):
        x = keras.layers.Conv2D(filters, 5, activation="relu")(x)
        x = keras.layers.AveragePooling2D(2)(x)
    x = keras.layers.BatchNormalization()(keras.layers.Flatten()(x))
    tower = keras.Model(tower_input, keras.layers.Dense(10, activation="relu")(x), name="tower")
    inputs = [keras.Input(model.input_shape), keras.Input(model.input_shape)]
    difference = tower(inputs[0]) - tower(inputs[1])
    # Without a root, and with a product in place of a square: TensorFlow Lite Micro computes neither with int8.
    distance = keras.ops.sum(difference * difference, axis=1, keepdims=True)
    outputs = keras.layers.Dense(1, activation="sigmoid")(keras.layers.BatchNormalization()(distance))
    keras_model = keras.Model(inputs, outputs, name=model.name)
    keras_model.compile(optimizer=model.optimizer, loss=model.loss, metrics=model.metrics)
    return keras_model


def same_digit(y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """Share of the pairs whose distance is on the right side of 0.5."""
    return keras.ops.mean(keras.ops.cast((y_pred < 0.5) == (y_true < 0.5), "float32"))


my_model = Pairs()
my_model.version = 1
my_model.description = "Pairs of handwritten digits"
my_model.input_shape = (28, 28)
my_model.build_model_function = build_model
my_model.validation_split = 0.1
my_model.epochs = 10
my_model.batch_size = 16
my_model.optimizer = "rmsprop"
my_model.loss = ContrastiveLoss(margin=1)
my_model.metrics = [same_digit]
my_model.checkpoint = dict(monitor="val_loss", save_best_only=True)
my_model.keras_custom_objects.update(ContrastiveLoss=ContrastiveLoss, same_digit=same_digit)
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
