"""BC-ResNet, for keyword spotting.

Kim, Chang, Lee and Sung, "Broadcasted Residual Learning for Efficient Keyword Spotting", Interspeech 2021.

A block convolves over frequency. It then averages over frequency, convolves over time, and adds the result to every
frequency. The convolutions over time cost little, because they compute one frequency only.
"""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import layers, ops

from mltk.models.shared.shape import Shape
from mltk.training.filter_gradient import use_safe_filter_gradients

Pair = tuple[int, int]


def BCResNet(
    input_shape: Shape,
    label_count: int,
    first_filters: int = 16,
    last_filters: int = 32,
    blocks_n: Sequence[int] = (2, 2, 4, 4),
    filters: Sequence[int] = (8, 12, 16, 20),
    dilations: Sequence[Pair] = ((1, 1), (2, 1), (4, 1), (8, 1)),
    strides: Sequence[Pair] = ((1, 1), (1, 2), (1, 2), (1, 1)),
    dropouts: Sequence[float] = (0.1, 0.1, 0.1, 0.1),
    pools: Sequence[int] = (1, 1, 1, 1),
    paddings: str = "same",
    max_pool: bool = False,
    return_softmax: bool = True,
) -> keras.Model:
    """Build a BC-ResNet. In place of sub-spectral normalization, it has batch normalization, which a device folds.

    With the default arguments and an input of 98 frames of 40 features, it has 10,184 parameters.

    Args:
        input_shape: Shape of the spectrogram, ``(frames, features, 1)``.
        label_count: Number of outputs.
        first_filters: Filters of the first convolution, which is 5×5 with stride 2 over frequency.
        last_filters: Filters of the last 1×1 convolution.
        blocks_n: Number of normal blocks of each stage. A stage begins with one more block, a transition block.
        filters: Filters of each stage.
        dilations: Dilation of each stage over time and frequency.
        strides: Stride of each stage's transition block over time and frequency.
        dropouts: Dropout rate of each stage.
        pools: Frames that are pooled to one after each stage; 1 is none.
        paddings: Padding of the convolutions. Only ``"same"`` is possible.
        max_pool: Whether ``pools`` takes the maximum instead of the average.
        return_softmax: Whether the outputs sum to 1.

    Raises:
        ValueError: The stages have different numbers of settings, or the padding is not ``"same"``.
    """
    if paddings != "same":
        raise ValueError(f'paddings is {paddings!r}. BCResNet can only have paddings="same".')
    use_safe_filter_gradients()
    stages = list(zip(blocks_n, filters, dilations, strides, dropouts, pools, strict=True))
    inputs = x = keras.Input(tuple(input_shape))
    x = layers.Conv2D(first_filters, 5, strides=(1, 2), padding="same")(x)
    for blocks, channels, dilation, stride, dropout, pool in stages:
        x = _transition_block(x, channels, dilation, stride, dropout)
        for _ in range(blocks):
            x = _normal_block(x, channels, dilation, dropout)
        if pool > 1:
            kind = layers.MaxPooling2D if max_pool else layers.AveragePooling2D
            x = kind((pool, 1), strides=(pool, 1))(x)
    x = layers.DepthwiseConv2D(5, padding="same")(x)
    x = layers.Conv2D(last_filters, 1, use_bias=False)(ops.mean(x, axis=2, keepdims=True))
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Flatten()(layers.Conv2D(label_count, 1, use_bias=False)(x))
    return keras.Model(inputs, layers.Activation("softmax")(x) if return_softmax else x)


def _transition_block(
    x: keras.KerasTensor, channels: int, dilation: Pair, stride: Pair, dropout: float
) -> keras.KerasTensor:
    """Change the number of channels, and apply the stride. There is no path around the whole block."""
    x = layers.Conv2D(channels, 1, strides=stride, use_bias=False)(x)
    x = ops.relu(layers.BatchNormalization()(x))
    x, over_time = _broadcasted(x, channels, dilation, dropout)
    return ops.relu(layers.Add()([over_time, x]))


def _normal_block(x: keras.KerasTensor, channels: int, dilation: Pair, dropout: float) -> keras.KerasTensor:
    shortcut = x
    x, over_time = _broadcasted(x, channels, dilation, dropout)
    return ops.relu(layers.Add()([layers.Add()([over_time, shortcut]), x]))


def _broadcasted(
    x: keras.KerasTensor, channels: int, dilation: Pair, dropout: float
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Convolve over frequency, and then over time. Return both results; the second has one frequency."""
    x = layers.DepthwiseConv2D((1, 3), padding="same", dilation_rate=dilation, use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    y = ops.mean(x, axis=2, keepdims=True)
    y = layers.DepthwiseConv2D((3, 1), padding="same", dilation_rate=dilation, use_bias=False)(y)
    y = ops.silu(layers.BatchNormalization()(y))
    y = layers.Conv2D(channels, 1, use_bias=False)(y)
    return x, layers.SpatialDropout2D(dropout)(y)
