"""DS-CNN, the keyword spotter of MLPerf Tiny.

Zhang, Suda, Lai and Chandra, "Hello Edge: Keyword Spotting on Microcontrollers", arXiv:1711.07128, 2017; Banbury et
al., "MLPerf Tiny Benchmark", NeurIPS Datasets and Benchmarks 2021.
"""

from __future__ import annotations

import keras
from keras import layers

from mltk.models.shared.shape import Shape

N_BLOCKS = 4
WEIGHT_DECAY = keras.regularizers.L2(1e-4)


def DepthwiseSeparableConv2D_ARM(
    input_shape: Shape = (50, 10, 1),
    num_classes: int = 12,
    filters: int = 64,
    regularizer: keras.regularizers.Regularizer | None = WEIGHT_DECAY,
) -> keras.Model:
    """Build a DS-CNN: a convolution, four depthwise-separable convolutions, an average, a dense layer.

    With the default arguments it is the model of the benchmark. It has 24,908 parameters and 2.66 M
    multiply-accumulates. With batch normalization folded into the convolutions, it has 22,604 parameters.

    Args:
        input_shape: Shape of the spectrogram, ``(frames, features, 1)``.
        num_classes: Number of outputs, which sum to 1.
        filters: Filters of each convolution.
        regularizer: Regularizer of each convolution's kernel.
    """
    inputs = x = keras.Input(input_shape)
    x = layers.Conv2D(filters, (10, 4), strides=2, padding="same", kernel_regularizer=regularizer)(x)
    x = _normalize(x)
    x = layers.Dropout(0.2)(x)
    for _ in range(N_BLOCKS):
        x = _normalize(layers.DepthwiseConv2D(3, padding="same", depthwise_regularizer=regularizer)(x))
        x = _normalize(layers.Conv2D(filters, 1, padding="same", kernel_regularizer=regularizer)(x))
    x = layers.Dropout(0.4)(x)
    x = layers.AveragePooling2D(x.shape[1:3])(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))


def _normalize(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Activation("relu")(layers.BatchNormalization()(x))
