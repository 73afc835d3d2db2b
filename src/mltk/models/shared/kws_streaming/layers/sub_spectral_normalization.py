"""Sub-spectral normalization: Chang, Park, Choi, Hwang and Kim, "Subspectral Normalization", ICASSP 2021."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="mltk")
class SubSpectralNormalization(layers.Layer):
    """Normalizes each of several groups of frequencies with its own mean and variance.

    Input and output are ``[batch, frames, frequencies, channels]``.

    Args:
        sub_groups: Number of groups; the number of frequencies must be divisible by it.
    """

    def __init__(self, sub_groups: int = 5, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sub_groups = sub_groups
        self.normalization = layers.BatchNormalization()

    def build(self, input_shape: Sequence[int | None]) -> None:
        """Make the weights: four for each group and channel."""
        _, frames, frequencies, channels = input_shape
        if frequencies is None or channels is None or frequencies % self.sub_groups:
            raise ValueError(f"{frequencies} frequencies cannot be divided into {self.sub_groups} equal groups.")
        self.normalization.build((None, frames, frequencies // self.sub_groups, channels * self.sub_groups))
        super().build(input_shape)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Normalize."""
        _, frames, frequencies, channels = inputs.shape
        grouped = ops.reshape(inputs, (-1, frames, frequencies // self.sub_groups, channels * self.sub_groups))
        return ops.reshape(self.normalization(grouped, training=training), (-1, frames, frequencies, channels))

    def compute_output_shape(self, input_shape: Sequence[int | None]) -> tuple[int | None, ...]:
        """Return the shape of the input."""
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "sub_groups": self.sub_groups}
