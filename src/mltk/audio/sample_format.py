"""Sample rate, length, shape and data type of audio samples, as the frontend's settings define them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy.typing as npt

from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings


class FrontendShape:
    """Properties of a data generator that follow from its frontend settings.

    The data generator assigns the attributes.

    Attributes:
        dtype: Data type of the finished samples.
        frontend_settings: Settings of the audio frontend.
        frontend_enabled: Whether samples are features; otherwise they are audio.
        frontend_dtype: Data type of the features; None is ``dtype``.
        add_channel_dimension: Whether features have a last dimension of 1.
    """

    dtype: npt.DTypeLike
    frontend_settings: AudioFeatureGeneratorSettings
    frontend_enabled: bool
    frontend_dtype: npt.DTypeLike | None
    add_channel_dimension: bool
    _sample_shape: tuple[int, ...] | None
    _frontend: tuple[dict[str, Any], AudioFeatureGenerator] | None

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of the audio in Hz."""
        return int(self.frontend_settings.sample_rate_hz)

    @sample_rate_hz.setter
    def sample_rate_hz(self, value: int) -> None:
        self.frontend_settings.sample_rate_hz = value

    @property
    def sample_length_ms(self) -> int:
        """Length of a clip in ms."""
        return int(self.frontend_settings.sample_length_ms)

    @sample_length_ms.setter
    def sample_length_ms(self, value: int) -> None:
        self.frontend_settings.sample_length_ms = value

    @property
    def sample_length(self) -> int:
        """Length of a clip in samples."""
        return int(self.frontend_settings.sample_length)

    @sample_length.setter
    def sample_length(self, value: int) -> None:
        self.sample_length_ms = round(value * 1000 / self.sample_rate_hz)

    @property
    def sample_shape(self) -> tuple[int, ...]:
        """Shape of one finished sample."""
        if self._sample_shape is not None:
            return self._sample_shape
        if not self.frontend_enabled:
            return (self.sample_length,)
        shape = tuple(self.frontend_settings.spectrogram_shape)
        return (*shape, 1) if self.add_channel_dimension else shape

    @sample_shape.setter
    def sample_shape(self, value: Sequence[int] | None) -> None:
        self._sample_shape = None if value is None else tuple(value)

    @property
    def feature_dtype(self) -> npt.DTypeLike:
        """Data type of the frontend's features."""
        return self.frontend_dtype if self.frontend_dtype is not None else self.dtype

    @property
    def frontend(self) -> AudioFeatureGenerator:
        """The feature generator for the current settings."""
        made = self._frontend
        if made is None or made[0] != self.frontend_settings:
            made = dict(self.frontend_settings), AudioFeatureGenerator(self.frontend_settings)
            self._frontend = made
        return made[1]
