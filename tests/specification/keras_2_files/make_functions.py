"""Write models of Keras 2 that call functions of TensorFlow, and the outputs that Keras 2 computes for them.

    pip install tensorflow-cpu==2.10.1 "numpy<1.25" h5py
    python make_functions.py functions-2.10.zip

For each model, the ZIP file has `NAME.h5` and `NAME.npz` with the arrays `x` and `y`.
"""

import io
import os
import sys
import tempfile
import zipfile

import numpy as np
import tensorflow as tf
from tensorflow import keras

L = keras.layers


def operators():
    x = keras.Input((6, 5, 3))
    y = L.Conv2D(4, 3, padding="same")(x)
    y = 1.0 - y * tf.nn.relu6(y + 3.0) / 6.0
    y = tf.concat([y, x], axis=-1)[:, 1:, :4]
    return keras.Model(x, L.Dense(3)(tf.clip_by_value(tf.reduce_mean(y, [1, 2]), -1.0, 1.0)))


def shapes():
    x = keras.Input((8, 4))
    a, b = tf.split(x, 2, axis=1)
    y = tf.reshape(tf.stack([a, b], axis=1), [-1, 2, 16])
    y = tf.squeeze(tf.expand_dims(tf.transpose(y, [0, 2, 1]), 1), 1)
    y = tf.math.sqrt(tf.abs(y) + 0.1)
    y = tf.matmul(y, tf.transpose(y, [0, 2, 1]))
    return keras.Model(x, L.Flatten()(tf.maximum(y, 0.2) - tf.minimum(y, 0.1)))


def inner():
    i = keras.Input((7,))
    model = keras.Model(i, tf.sigmoid(i) * 2 - 1)
    x = keras.Input((7,))
    y = model(L.Dense(7)(x)) + x
    y = tf.where(y > 0.0, y, 0.1 * y)
    return keras.Model(x, L.Dense(2)(tf.cast(y, tf.float32)))


with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED) as archive:
    for build in (operators, shapes, inner):
        keras.backend.clear_session()
        tf.random.set_seed(1)
        built = build()
        path = os.path.join(folder, f"{build.__name__}.h5")
        built.save(path)
        archive.write(path, f"{build.__name__}.h5")
        x = np.random.default_rng(0).normal(size=(5, *built.input_shape[1:])).astype("float32")
        arrays = io.BytesIO()
        np.savez_compressed(arrays, x=x, y=built(x).numpy())
        archive.writestr(f"{build.__name__}.npz", arrays.getvalue())
