"""The autoencoder that MLPerf Tiny detects faulty machines with, by their sound.

Koizumi et al., "Description and Discussion on DCASE2020 Challenge Task2", DCASE 2020 (the baseline system); Banbury et
al., "MLPerf Tiny Benchmark", 2021.
"""

from __future__ import annotations

import math

import keras
from keras import layers

from mltk.models.shared.shape import Shape

N_LAYERS = 4


def FullyConnectedAutoEncoder(
    input_shape: Shape = (5, 128, 1), dense_units: int = 128, latent_units: int = 8
) -> keras.Model:
    """Four dense layers down to ``latent_units``, four back up, and a linear one that gives the input again.

    With the default arguments it has 269,992 parameters and 264,192 multiply-accumulates.

    Args:
        input_shape: of the input and of the output; 5 frames of 128 mel bands in the benchmark.
        dense_units: of the hidden layers.
        latent_units: of the narrowest layer.
    """
    inputs = x = keras.Input(input_shape)
    x = layers.Flatten()(x)
    for units in (*[dense_units] * N_LAYERS, latent_units, *[dense_units] * N_LAYERS):
        x = layers.Dense(units)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
    x = layers.Dense(math.prod(size or 1 for size in input_shape))(x)
    return keras.Model(inputs, layers.Reshape(input_shape)(x))
