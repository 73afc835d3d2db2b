"""MobileNetV2: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018."""

from __future__ import annotations

import keras
from keras import layers

from mltk.models.shared.shape import Shape

# Table 2 of the paper: expansion, channels, repetitions, stride of the first repetition.
_STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
LAST_FILTERS = 1280
BATCH_NORMALIZATION = {"epsilon": 1e-3, "momentum": 0.999}


def MobileNetV2(
    input_shape: Shape,
    alpha: float = 0.35,
    include_top: bool = True,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: str | None = "softmax",
    last_block_filters: int | None = None,
    **kwargs: object,
) -> keras.Model:
    """Build a MobileNetV2: inverted residual blocks with linear bottlenecks. The weights are random, not pretrained.

    Args:
        input_shape: Shape of the image, ``(height, width, channels)``.
        alpha: Width: filters divided by the filters of the paper.
        include_top: True ends the model with an average and a dense layer, False with the last convolution.
        pooling: Without top: ``"avg"`` or ``"max"`` over height and width.
        classes: Number of outputs of the dense layer.
        classifier_activation: Activation of the dense layer.
        last_block_filters: Filters of the last convolution; None is 1280, and more if ``alpha`` is above 1.
        kwargs: Arguments of ``keras.Model``, such as ``name``.
    """
    inputs = x = keras.Input(input_shape)
    x = layers.Conv2D(divisible(32 * alpha), 3, strides=2, padding="same", use_bias=False)(x)
    x = _normalize(x)
    for expansion, channels, repetitions, stride in _STAGES:
        for i in range(repetitions):
            x = _block(x, expansion, divisible(channels * alpha), stride if i == 0 else 1)
    last = last_block_filters or (divisible(LAST_FILTERS * alpha) if alpha > 1 else LAST_FILTERS)
    x = _normalize(layers.Conv2D(last, 1, use_bias=False)(x))
    if include_top:
        x = layers.GlobalAveragePooling2D()(x)
        x = layers.Dense(classes, activation=classifier_activation)(x)
    elif pooling == "avg":
        x = layers.GlobalAveragePooling2D()(x)
    elif pooling == "max":
        x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, x, **kwargs)


def divisible(filters: float, divisor: int = 8) -> int:
    """Return the multiple of ``divisor`` nearest to ``filters``; at least ``divisor``, and 0.9 of ``filters``."""
    rounded = max(divisor, int(filters + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * filters else rounded


def _block(x: keras.KerasTensor, expansion: int, channels: int, stride: int) -> keras.KerasTensor:
    shortcut, inside = x, x.shape[-1] * expansion
    if expansion > 1:
        x = _normalize(layers.Conv2D(inside, 1, use_bias=False)(x))
    x = _normalize(layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x))
    x = layers.BatchNormalization(**BATCH_NORMALIZATION)(layers.Conv2D(channels, 1, use_bias=False)(x))
    return layers.Add()([shortcut, x]) if stride == 1 and shortcut.shape[-1] == channels else x


def _normalize(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU(6.0)(layers.BatchNormalization(**BATCH_NORMALIZATION)(x))
