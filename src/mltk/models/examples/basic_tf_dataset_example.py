"""Articles of clothing of Fashion-MNIST: how to train on a ``tf.data.Dataset``.

    mltk train basic_tf_dataset_example
    mltk evaluate basic_tf_dataset_example --tflite

So far, this model was trained on a stand-in for its data only. The commands above show the accuracy of a run. The
first run downloads 30 MB.
"""
# @mltk_model

import keras
import numpy as np
import tensorflow as tf

import mltk
from mltk.datasets.image import fashion_mnist


class Clothing(mltk.MltkModel, mltk.TrainMixin, mltk.DatasetMixin, mltk.EvaluateClassifierMixin):
    """The input is an image, the output a probability for each article."""


def clothing(subset: str, test: bool) -> tuple[tf.data.Dataset, None, tf.data.Dataset] | tf.data.Dataset:
    """Load batches for training and validation, or for evaluation."""
    (x, y), held_out = fashion_mnist.load_data()
    if subset == "evaluation":
        return batches(*held_out, test)
    n = len(x) * 9 // 10
    return batches(x[:n], y[:n], test, shuffle=True), None, batches(x[n:], y[n:], test)


def batches(images: np.ndarray, labels: np.ndarray, test: bool, shuffle: bool = False) -> tf.data.Dataset:
    """Make batches of images ``[28, 28, 1]`` from 0 to 1 and one-hot labels."""
    n = my_model.batch_size if test else len(images)
    dataset = tf.data.Dataset.from_tensor_slices((images[:n, ..., np.newaxis], labels[:n]))
    if shuffle:
        dataset = dataset.shuffle(n, seed=my_model.seed)
    dataset = dataset.map(lambda x, y: (tf.cast(x, tf.float32) / 255, tf.one_hot(y, my_model.n_classes)))
    return dataset.batch(my_model.batch_size).prefetch(2)


def build_model(model: Clothing) -> keras.Model:
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


my_model = Clothing()
my_model.version = 1
my_model.description = "Articles of clothing of Fashion-MNIST"
my_model.dataset = clothing
my_model.classes = list(fashion_mnist.CLASSES)
my_model.input_shape = (28, 28, 1)
my_model.build_model_function = build_model
my_model.epochs = 15
my_model.batch_size = 128
my_model.optimizer = "adam"
my_model.loss = "categorical_crossentropy"
my_model.seed = 42
my_model.tflite_converter["inference_input_type"] = "int8"
my_model.tflite_converter["inference_output_type"] = "int8"
