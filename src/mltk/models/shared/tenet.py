"""TENet: keyword spotting with temporal convolutions of several scales.

Li, Xie, Liu, Wu, Wang and Zhao, "Small-Footprint Keyword Spotting with Multi-Scale Temporal Convolution", Interspeech
2020. The input is ``(frames, 1, features)``: features are channels, and each convolution is over time.

A multi-scale convolution is a sum of depthwise convolutions of different lengths. It equals one convolution with the
sum of the kernels. On the device it therefore costs as much as its longest kernel.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

MTCONV_SCALES = [9, 7, 5, 3]


@keras.saving.register_keras_serializable(package="mltk")
class MultiScaleTemporalConvolution(layers.Layer):
    """Sum of depthwise convolutions over time, ``[batch, frames, 1, channels]``, without bias.

    The kernels are trained separately. They are added with aligned centers, and one convolution is computed. A
    converted model has only the sum.

    Args:
        stride: Frames from one output to the next.
        scales: Lengths of the kernels in frames, odd numbers; None is 9.
    """

    def __init__(self, stride: int = 1, scales: int | Sequence[int] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stride = stride
        self.scales = [scales] if isinstance(scales, int) else list(scales or [9])
        if not all(scale > 0 and scale % 2 for scale in self.scales):
            raise ValueError(f"The scales must be odd numbers, so that kernels have a center; got {self.scales}.")
        self.kernels: list[Any] = []

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make a kernel ``[scale, 1, channels, 1]`` for each scale."""
        channels = input_shape[-1]
        self.kernels = [
            self.add_weight(
                shape=(scale, 1, channels, 1), initializer="glorot_uniform", name=f"depthwise_kernel_{i}_{scale}"
            )
            for i, scale in enumerate(self.scales)
        ]
        super().build(input_shape)

    def superimposed(self) -> Any:
        """Return the sum of all kernels, ``[largest scale, 1, channels, 1]``."""
        longest = max(self.scales)
        total = None
        for scale, kernel in zip(self.scales, self.kernels, strict=True):
            margin = (longest - scale) // 2
            padded = ops.pad(kernel, [[margin, margin], [0, 0], [0, 0], [0, 0]]) if margin else kernel
            total = padded if total is None else total + padded
        return total

    def call(self, inputs: Any) -> Any:
        """Convolve."""
        kernel = ops.convert_to_tensor(self.superimposed())
        # TFLite has only equal strides here. The width is 1, so that the second stride changes nothing.
        return ops.depthwise_conv(inputs, ops.cast(kernel, inputs.dtype), strides=self.stride, padding="same")

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape ``[batch, frames / stride, 1, channels]``."""
        batch, frames, width, channels = input_shape
        return batch, None if frames is None else -(-frames // self.stride), width, channels

    def fused(self) -> layers.DepthwiseConv2D:
        """Return a plain depthwise convolution that computes the same."""
        layer = layers.DepthwiseConv2D(
            (max(self.scales), 1), strides=self.stride, padding="same", use_bias=False, name=f"{self.name}_fused"
        )
        layer.build((None, None, 1, self.kernels[0].shape[2]))
        layer.set_weights([ops.convert_to_numpy(self.superimposed())])
        return layer

    def fuse(self) -> None:
        """Move all weights into the longest kernel, and set the other kernels to zero. The results stay the same."""
        total = ops.convert_to_numpy(self.superimposed())
        for kernel in self.kernels:
            kernel.assign(ops.zeros_like(kernel))
        self.kernels[self.scales.index(max(self.scales))].assign(total)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "stride": self.stride, "scales": self.scales}


def InvertedBottleneckBlock(
    x: Any, channels: int, stride: int, expansion_ratio: float = 3, scales: Sequence[int] | None = None
) -> Any:
    """Apply a 1×1 convolution to more channels, a convolution over time, a 1×1 convolution back; add the input.

    Args:
        x: Keras tensor ``[batch, frames, 1, input channels]``.
        channels: Output channels.
        stride: Frames from one output to the next. If it is not 1, the input is convolved to the shape of the output.
        expansion_ratio: Inner channels divided by ``channels``.
        scales: Kernel lengths of the :class:`MultiScaleTemporalConvolution`.
    """
    y = layers.Conv2D(int(channels * expansion_ratio), 1, use_bias=False)(x)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = MultiScaleTemporalConvolution(stride=stride, scales=scales)(y)
    y = layers.ReLU()(layers.BatchNormalization()(y))
    y = layers.BatchNormalization()(layers.Conv2D(channels, 1, use_bias=False)(y))
    if stride != 1 or x.shape[-1] != channels:
        x = layers.Conv2D(channels, 1, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    return layers.ReLU()(layers.Add()([x, y]))


def TENet(
    input_shape: Sequence[int | None],
    classes: int,
    channels: int = 32,
    blocks: int = 3,
    block_depth: int = 4,
    scales: Sequence[int] = (9,),
    channel_increase: float = 0.0,
    include_head: bool = True,
    return_model: bool = True,
    input_layer: Any = None,
    dropout: float = 0.1,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Build a TENet: a convolution over three frames, then blocks, each of which halves the number of frames.

    Args:
        input_shape: Shape of the features, ``(frames, 1, features)``.
        classes: Number of outputs, which sum to 1.
        channels: Channels of the first convolution and of the blocks.
        blocks: Number of blocks.
        block_depth: Number of :func:`InvertedBottleneckBlock` in each block.
        scales: Lengths of the temporal kernels in frames.
        channel_increase: Additional channels of each block, as a share of ``channels``.
        include_head: True ends the model with an average over all frames and a dense layer, False with the last block.
        return_model: True returns a model, False the last tensor.
        input_layer: Tensor to start from; None makes a new input.
        dropout: Dropout rate before the dense layer.
        args: Positional arguments of ``keras.Model``.
        kwargs: Arguments of ``keras.Model``.
    """
    inputs = x = keras.Input(tuple(input_shape)) if input_layer is None else input_layer
    x = layers.BatchNormalization()(layers.Conv2D(channels, (3, 1), padding="same")(x))
    for block in range(blocks):
        width = int(channels * (1 + channel_increase * (block + 1)))
        for i in range(block_depth):
            x = InvertedBottleneckBlock(x, width, stride=2 if i == 0 else 1, scales=list(scales))
    if include_head:
        x = layers.AveragePooling2D(x.shape[1:3])(x)
        x = layers.Dropout(dropout)(layers.Flatten()(x))
        x = layers.Dense(classes, activation="softmax")(x)
    return keras.Model(inputs, x, *args, **kwargs) if return_model else x


def TENet12(input_shape: Sequence[int | None], classes: int, mtconv: bool = False, **kwargs: Any) -> Any:
    """Build a TENet of 12 bottleneck blocks of 32 channels, about 100 k parameters.

    ``mtconv`` trains kernels of four lengths. The other arguments are those of :func:`TENet`.
    """
    return TENet(input_shape, classes, **{"scales": _scales(mtconv), **kwargs})


def TENet6(input_shape: Sequence[int | None], classes: int, mtconv: bool = False, **kwargs: Any) -> Any:
    """Build a TENet of 6 bottleneck blocks of 32 channels, about 54 k parameters.

    ``mtconv`` trains kernels of four lengths. The other arguments are those of :func:`TENet`.
    """
    return TENet(input_shape, classes, **{"block_depth": 2, "scales": _scales(mtconv), **kwargs})


def TENet12Narrow(input_shape: Sequence[int | None], classes: int, mtconv: bool = False, **kwargs: Any) -> Any:
    """Build a TENet of 12 bottleneck blocks of 16 channels, about 31 k parameters.

    ``mtconv`` trains kernels of four lengths. The other arguments are those of :func:`TENet`.
    """
    return TENet(input_shape, classes, **{"channels": 16, "scales": _scales(mtconv), **kwargs})


def TENet6Narrow(input_shape: Sequence[int | None], classes: int, mtconv: bool = False, **kwargs: Any) -> Any:
    """Build a TENet of 6 bottleneck blocks of 16 channels, about 17 k parameters.

    ``mtconv`` trains kernels of four lengths. The other arguments are those of :func:`TENet`.
    """
    return TENet(input_shape, classes, **{"channels": 16, "block_depth": 2, "scales": _scales(mtconv), **kwargs})


def HFTENet12(input_shape: Sequence[int | None], classes: int, mtconv: bool = False, **kwargs: Any) -> Any:
    """Build a TENet of 12 bottleneck blocks of 36, 40 and 44 channels, about 150 k parameters.

    ``mtconv`` trains kernels of four lengths. The other arguments are those of :func:`TENet`.
    """
    return TENet(input_shape, classes, **{"channel_increase": 0.125, "scales": _scales(mtconv), **kwargs})


def _scales(mtconv: bool) -> list[int]:
    return list(MTCONV_SCALES) if mtconv else [9]
