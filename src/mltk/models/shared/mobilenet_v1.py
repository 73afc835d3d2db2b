"""MobileNet, the person detector of MLPerf Tiny.

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications", arXiv:1704.04861,
2017; Chowdhery et al., "Visual Wake Words Dataset", arXiv:1906.05721, 2019.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from mltk.models.shared.shape import Shape

# Table 1 of the paper: (filters divided by the filters of the first convolution, stride) of each block.
_BLOCKS = ((2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), *[(16, 1)] * 5, (32, 2), (32, 1))
_KERNEL: dict[str, Any] = {"kernel_initializer": "he_normal", "kernel_regularizer": keras.regularizers.L2(1e-4)}


def MobileNetV1(input_shape: Shape = (96, 96, 3), num_classes: int = 2, num_filters: int = 8) -> keras.Model:
    """Build a MobileNet: a convolution, 13 depthwise-separable convolutions, an average, a dense layer.

    With the default arguments it is the model of the benchmark, of width 0.25. It has 221,794 parameters and 7.5 M
    multiply-accumulates.

    Args:
        input_shape: Shape of the image, ``(height, width, channels)``.
        num_classes: Number of outputs, which sum to 1.
        num_filters: Filters of the first convolution; 32 is width 1.
    """
    inputs = x = keras.Input(input_shape)
    x = _normalize(layers.Conv2D(num_filters, 3, strides=2, padding="same", **_KERNEL)(x))
    for multiple, stride in _BLOCKS:
        x = _normalize(layers.DepthwiseConv2D(3, strides=stride, padding="same")(x))
        x = _normalize(layers.Conv2D(num_filters * multiple, 1, padding="same", **_KERNEL)(x))
    x = layers.AveragePooling2D(x.shape[1:3])(x)
    x = layers.Flatten()(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation="softmax")(x))


def _normalize(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Activation("relu")(layers.BatchNormalization()(x))
