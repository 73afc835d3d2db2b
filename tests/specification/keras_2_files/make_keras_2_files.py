"""Write small models with Keras 2, and the outputs that Keras 2 computes for them.

    pip install tensorflow==2.16.2 tf_keras==2.16.0
    TF_USE_LEGACY_KERAS=1 python make_keras_2_files.py FOLDER

Each `NAME.h5` has a `NAME.npz` beside it, with the arrays `x` and `y`. The tests compare what Keras 3 computes.
"""

import os
import sys

import numpy as np
import tf_keras as keras

L = keras.layers


def plane():
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            L.Conv2D(4, 3, use_bias=False),
            L.BatchNormalization(),
            L.ReLU(),
            L.DepthwiseConv2D(3, padding="same", depth_multiplier=2),
            L.SeparableConv2D(4, 3, padding="same", activation="relu"),
            L.Conv2DTranspose(3, 3, strides=2, padding="same", output_padding=1),
            L.GlobalAveragePooling2D(),
            L.Dense(3, activation="softmax"),
        ]
    )


def line():
    return keras.Sequential(
        [
            keras.Input((12, 3)),
            L.DepthwiseConv1D(3, padding="same"),
            L.SeparableConv1D(4, 3, padding="same", kernel_regularizer="l2", kernel_constraint="max_norm"),
            L.Conv1DTranspose(3, 3, strides=2),
            L.LayerNormalization(),
            L.GlobalMaxPooling1D(),
            L.Dense(2),
        ]
    )


def volume():
    inputs = keras.Input((4, 4, 4, 1))
    x = L.Conv3DTranspose(2, 2, strides=2)(inputs)
    return keras.Model(inputs, L.GlobalAveragePooling3D()(x))


os.makedirs(sys.argv[1], exist_ok=True)
for build in (plane, line, volume):
    keras.utils.set_random_seed(5)
    net = build()
    for variable in net.weights:  # also the moving averages
        variable.assign(np.random.default_rng(variable.shape.num_elements()).uniform(0.1, 0.9, variable.shape))
    x = np.random.default_rng(1).normal(size=(3, *net.input_shape[1:])).astype("float32")
    path = os.path.join(sys.argv[1], build.__name__)
    net.save(f"{path}.h5")
    np.savez_compressed(f"{path}.npz", x=x, y=net.predict(x, verbose=0))
