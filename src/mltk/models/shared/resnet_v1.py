"""The small ResNet of MLPerf Tiny's image classification.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016; Banbury et al., "MLPerf Tiny
Benchmark", 2021, where it is called ResNet-8.
"""

from __future__ import annotations

import keras
from keras import layers

from mltk.models.shared.shape import Shape


def ResNet10V1(input_shape: Shape = (32, 32, 3), num_classes: int = 10, num_filters: int = 16) -> keras.Model:
    """Build a ResNet: a convolution, three residual blocks of two convolutions, an average, a dense layer.

    With the default arguments it is the model of the benchmark. It has 78,666 parameters and 12.5 M
    multiply-accumulates.

    Args:
        input_shape: Shape of the image, ``(height, width, channels)``.
        num_classes: Number of outputs, which sum to 1.
        num_filters: Filters of the first block. Each block has twice as many filters as the block before.
    """
    inputs = x = keras.Input(input_shape)
    x = layers.Activation("relu")(layers.BatchNormalization()(_convolution(x, num_filters)))
    for stage in range(3):
        filters, stride = num_filters * 2**stage, 1 if stage == 0 else 2
        y = layers.Activation("relu")(layers.BatchNormalization()(_convolution(x, filters, stride=stride)))
        y = layers.BatchNormalization()(_convolution(y, filters))
        if stride > 1:
            x = _convolution(x, filters, size=1, stride=stride)
        x = layers.Activation("relu")(layers.Add()([x, y]))
    x = layers.AveragePooling2D(x.shape[1:3])(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(num_classes, activation="softmax", kernel_initializer="he_normal")(x)
    return keras.Model(inputs, outputs)


def _convolution(x: keras.KerasTensor, filters: int, size: int = 3, stride: int = 1) -> keras.KerasTensor:
    return layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="same",
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L2(1e-4),
    )(x)
