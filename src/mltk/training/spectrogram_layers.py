"""Layers that vary spectrograms during training. They do nothing afterwards and are not in the ``.tflite``.

Put the layers after the model's input::

    x = inputs = keras.Input(model.input_shape)
    x = RandomChannelResponse()(x)
    x = SpecAugment(max_frames=8, max_channels=6)(x)

Spectrograms are ``[samples, frames, channels]`` or ``[samples, frames, channels, 1]``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops


class _TrainingOnly(keras.layers.Layer):
    """Base of layers that vary each sample of a batch randomly, during training only.

    Args:
        seed: Seed of the random numbers; None chooses one.
        kwargs: Further arguments of ``keras.layers.Layer``.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        if not training:
            return inputs
        values = ops.cast(inputs, self.compute_dtype)
        return self.vary(values[..., None])[..., 0] if len(inputs.shape) == 3 else self.vary(values)

    def vary(self, spectrograms: Any) -> Any:
        """Return varied ``spectrograms``, of the same shape ``[samples, frames, channels, 1]``."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


@keras.saving.register_keras_serializable("mltk")
class RandomChannelResponse(_TrainingOnly):
    """Adds a smooth random curve over the channels to each sample, to imitate other microphones and rooms.

    A microphone multiplies the spectrum by its response. The features are logarithms, so the response is added to
    them. The curve is a sum of cosines over the channels, by default the first five. The first cosine is a constant,
    the loudness.

    Args:
        deviations: Standard deviation of the amplitude of each cosine, in units of the features. The default suits
            int8 features with a range of 40 dB, where 1 dB is 6.4 units.
        minimum: Smallest value of the features; lower sums are set to it.
        maximum: Largest value of the features; higher sums are set to it.
        seed: Seed of the random numbers.
        kwargs: Further arguments of ``keras.layers.Layer``.
    """

    def __init__(
        self,
        deviations: Sequence[float] = (8.0, 14.0, 12.0, 8.0, 6.0),
        minimum: float = -128.0,
        maximum: float = 127.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, **kwargs)
        self.deviations = tuple(float(d) for d in deviations)
        self.minimum, self.maximum = float(minimum), float(maximum)

    def vary(self, spectrograms: Any) -> Any:
        channels, orders = spectrograms.shape[2], len(self.deviations)
        cosines = [[math.cos(math.pi * k * (c + 0.5) / channels) for c in range(channels)] for k in range(orders)]
        drawn = keras.random.normal((ops.shape(spectrograms)[0], orders), seed=self.seed_generator)
        curves = ops.matmul(drawn * ops.array(self.deviations, drawn.dtype), ops.array(cosines, drawn.dtype))
        return ops.clip(spectrograms + curves[:, None, :, None], self.minimum, self.maximum)

    def get_config(self) -> dict[str, Any]:
        own = {"deviations": list(self.deviations), "minimum": self.minimum, "maximum": self.maximum}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("mltk")
class SpecAugment(_TrainingOnly):
    """Overwrites some adjacent frames and some adjacent channels of each sample with a constant.

    Park et al., "SpecAugment: a simple data augmentation method for automatic speech recognition", Interspeech 2019.
    For the time warping of that paper, use ``speed_range`` of the audio generator.

    Args:
        max_frames: Largest number of frames to overwrite. The number is drawn from 0 to this one.
        max_channels: Largest number of channels to overwrite, drawn in the same way.
        value: The constant, in units of the features.
        seed: Seed of the random numbers.
        kwargs: Further arguments of ``keras.layers.Layer``.
    """

    def __init__(
        self, max_frames: int = 8, max_channels: int = 6, value: float = -60.0, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.max_frames, self.max_channels, self.value = int(max_frames), int(max_channels), float(value)

    def vary(self, spectrograms: Any) -> Any:
        samples, (frames, channels) = ops.shape(spectrograms)[0], spectrograms.shape[1:3]
        stretch = self._mask(samples, frames, min(self.max_frames, frames))[:, :, None, None]
        band = self._mask(samples, channels, min(self.max_channels, channels))[:, None, :, None]
        return ops.where(ops.logical_or(stretch, band), ops.cast(self.value, spectrograms.dtype), spectrograms)

    def _mask(self, samples: Any, size: int, longest: int) -> Any:
        """Boolean array ``[samples, size]``: True in one random range of each row."""
        length = ops.floor(self._uniform(samples) * (longest + 1))
        start = ops.floor(self._uniform(samples) * (size - length + 1))
        position = ops.arange(size, dtype="float32")[None]
        return ops.logical_and(position >= start, position < start + length)

    def _uniform(self, samples: Any) -> Any:
        return keras.random.uniform((samples, 1), dtype="float32", seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        own = {"max_frames": self.max_frames, "max_channels": self.max_channels, "value": self.value}
        return {**super().get_config(), **own}
