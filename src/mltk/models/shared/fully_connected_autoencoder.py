"""The autoencoder of MLPerf Tiny, which detects faulty machines by their sound.

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
    """Build an autoencoder: four dense layers, a narrow layer, four dense layers, and a linear layer for the output.

    With the default arguments it has 269,992 parameters and 264,192 multiply-accumulates.

    Args:
        input_shape: Shape of the input and of the output; in the benchmark 5 frames of 128 mel bands.
        dense_units: Units of the hidden layers.
        latent_units: Units of the narrow layer.
    """
    inputs = x = keras.Input(input_shape)
    x = layers.Flatten()(x)
    for units in (*[dense_units] * N_LAYERS, latent_units, *[dense_units] * N_LAYERS):
        x = layers.Dense(units)(x)
        x = layers.BatchNormalization()(x)
        x = layers.Activation("relu")(x)
    x = layers.Dense(math.prod(size or 1 for size in input_shape))(x)
    return keras.Model(inputs, layers.Reshape(input_shape)(x))
