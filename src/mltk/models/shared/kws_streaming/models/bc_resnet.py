"""BC-ResNet with sub-spectral normalization, from the samples of a clip to the logits of the words.

Kim, Chang, Lee and Sung, "Broadcasted Residual Learning for Efficient Keyword Spotting", Interspeech 2021. The settings
are attributes of one object, with the names of kws_streaming. :func:`model_parameters` adds them to an argument parser.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from mltk.models.shared.kws_streaming.layers import speech_features, sub_spectral_normalization
from mltk.training.filter_gradient import use_safe_filter_gradients

__all__ = ["NormalBlock", "TransitionBlock", "model", "model_parameters", "speech_features"]

_Normalization = sub_spectral_normalization.SubSpectralNormalization


class _Block(layers.Layer):
    """What both blocks have: convolutions over frequency and over time; see the module :mod:`bc_resnet`."""

    def __init__(
        self,
        filters: int,
        dilation: int | Sequence[int] = 1,
        stride: int | Sequence[int] = 1,
        padding: str = "same",
        dropout: float = 0.5,
        use_one_step: bool = True,
        sub_groups: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if padding != "same":
            raise ValueError(f'padding is {padding!r}. The blocks can only have padding="same".')
        self.filters, self.dilation, self.stride = filters, dilation, stride
        self.padding, self.dropout, self.use_one_step, self.sub_groups = padding, dropout, use_one_step, sub_groups
        self.over_frequency = layers.DepthwiseConv2D((1, 3), padding="same", dilation_rate=dilation, use_bias=False)
        self.sub_spectral = _Normalization(sub_groups)
        self.over_time = layers.DepthwiseConv2D((3, 1), padding="same", dilation_rate=dilation, use_bias=False)
        self.time_normalization = layers.BatchNormalization()
        self.mix = layers.Conv2D(filters, 1, use_bias=False)
        self.drop = layers.SpatialDropout2D(dropout)

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights."""
        batch, frames, frequencies, _ = self.compute_output_shape(input_shape)
        shape = (batch, frames, frequencies, self.filters)
        self.over_frequency.build(shape)
        self.sub_spectral.build(shape)
        mean = (batch, frames, 1, self.filters)
        for layer in (self.over_time, self.time_normalization, self.mix):
            layer.build(mean)
        super().build(input_shape)

    def broadcasted(self, x: Any, training: bool | None) -> tuple[Any, Any]:
        """Convolve over frequency, and then over time. Return both results; the second has one frequency."""
        x = self.sub_spectral(self.over_frequency(x), training=training)
        y = self.over_time(ops.mean(x, axis=2, keepdims=True))
        y = ops.silu(self.time_normalization(y, training=training))
        return x, self.drop(self.mix(y), training=training)

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the output: that of the input, with ``filters`` channels, and after the stride."""
        steps = (self.stride, self.stride) if isinstance(self.stride, int) else tuple(self.stride)
        sizes = [None if n is None else -(-n // s) for n, s in zip(input_shape[1:3], steps, strict=True)]
        return input_shape[0], *sizes, self.filters

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        names = ("filters", "dilation", "stride", "padding", "dropout", "use_one_step", "sub_groups")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable(package="mltk")
class TransitionBlock(_Block):
    """Changes the number of channels, and applies the stride. There is no path around the block.

    Args:
        filters: Channels of the output.
        dilation: Dilation over time and frequency.
        stride: Stride over time and frequency.
        padding: Only ``"same"`` is possible.
        dropout: Dropout rate.
        use_one_step: For compatibility with MLTK 0.20; ignored.
        sub_groups: Groups of frequencies that are normalized separately.
        kwargs: Arguments of ``keras.layers.Layer``.
    """

    def __init__(self, filters: int = 8, *args: Any, **kwargs: Any) -> None:
        super().__init__(filters, *args, **kwargs)
        self.change = layers.Conv2D(filters, 1, strides=self.stride, use_bias=False)
        self.normalization = layers.BatchNormalization()

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights."""
        self.change.build(input_shape)
        self.normalization.build(self.compute_output_shape(input_shape))
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Compute the block."""
        x = ops.relu(self.normalization(self.change(inputs), training=training))
        x, over_time = self.broadcasted(x, training)
        return ops.relu(over_time + x)


@keras.saving.register_keras_serializable(package="mltk")
class NormalBlock(_Block):
    """Keeps the shape, and adds its input to its result. The arguments are those of :class:`TransitionBlock`."""

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Compute the block."""
        x, over_time = self.broadcasted(inputs, training)
        return ops.relu(over_time + inputs + x)


def model_parameters(parser_nn: argparse.ArgumentParser) -> None:
    """Add the settings of the architecture to an argument parser.

    Args:
        parser_nn: The parser.
    """
    defaults: dict[str, tuple[type, Any]] = {
        "dropouts": (str, "0.5, 0.5, 0.5, 0.5"),
        "filters": (str, "8, 12, 16, 20"),
        "blocks_n": (str, "2, 2, 4, 4"),
        "strides": (str, "(1,1),(1,2),(1,2),(1,1)"),
        "dilations": (str, "(1,1),(2,1),(4,1),(8,1)"),
        "paddings": (str, "same"),
        "first_filters": (int, 16),
        "last_filters": (int, 32),
        "sub_groups": (int, 5),
        "pools": (str, "1, 1, 1, 1"),
        "max_pool": (int, 0),
    }
    for name, (kind, default) in defaults.items():
        parser_nn.add_argument(f"--{name}", type=kind, default=default)


def model(flags: Any) -> keras.Model:
    """Build the model.

    Args:
        flags: Settings as attributes. ``preprocess="raw"`` begins with the samples ``[desired_samples]``, and other
            values begin with the features ``[spectrogram_length, mel_num_bins]``. A list such as ``filters`` is a text
            with a number for each stage.

    Returns:
        The model. Its output is logits; with ``return_softmax``, probabilities.

    Raises:
        ValueError: The stages have different numbers of settings, or a setting has an impossible value.
    """
    use_safe_filter_gradients()
    names = ("dropouts", "filters", "blocks_n", "strides", "dilations", "pools")
    stages = list(zip(*(_numbers(getattr(flags, name)) for name in names), strict=True))
    if flags.preprocess == "raw":
        inputs = keras.Input((flags.desired_samples,))
        x = speech_features.SpeechFeatures(speech_features.SpeechFeatures.get_params(flags))(inputs)
    else:
        inputs = x = keras.Input((flags.spectrogram_length, flags.mel_num_bins))
    x = layers.Reshape((*x.shape[1:], 1))(x)
    x = layers.Conv2D(flags.first_filters, 5, strides=(1, 2), padding="same")(x)
    for dropout, filters, blocks, stride, dilation, pool in stages:
        shared = {"padding": flags.paddings, "dropout": dropout, "sub_groups": flags.sub_groups}
        x = TransitionBlock(filters, dilation, stride, **shared)(x)
        for _ in range(blocks):
            x = NormalBlock(filters, dilation, **shared)(x)
        if pool > 1:
            kind = layers.MaxPooling2D if flags.max_pool else layers.AveragePooling2D
            x = kind((pool, 1), strides=(pool, 1))(x)
    x = layers.DepthwiseConv2D(5, padding="same")(x)
    x = layers.Conv2D(flags.last_filters, 1, use_bias=False)(ops.mean(x, axis=2, keepdims=True))
    x = layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = layers.Flatten()(layers.Conv2D(flags.label_count, 1, use_bias=False)(x))
    return keras.Model(inputs, layers.Activation("softmax")(x) if flags.return_softmax else x)


def _numbers(text: Any) -> list[Any]:
    """Return the list in a text such as ``"8, 12"`` or ``"(1,1),(1,2)"``."""
    return list(ast.literal_eval(f"[{text}]")) if isinstance(text, str) else list(text)
