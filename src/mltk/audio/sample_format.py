"""What the frontend's settings say about samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings


class FrontendShape:
    """Rate, length and shape of a data generator's samples."""

    frontend_settings: AudioFeatureGeneratorSettings
    _sample_shape: tuple[int, ...] | None
    _frontend: tuple[dict[str, Any], AudioFeatureGenerator] | None

    if TYPE_CHECKING:
        # The generator keeps its arguments as attributes of the same names.
        def __getattr__(self, name: str) -> Any: ...

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the audio that features are made of."""
        return int(self.frontend_settings.sample_rate_hz)

    @sample_rate_hz.setter
    def sample_rate_hz(self, value: int) -> None:
        self.frontend_settings.sample_rate_hz = value

    @property
    def sample_length_ms(self) -> int:
        """Length of a clip."""
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
        """Data type that the frontend gives."""
        return self.frontend_dtype if self.frontend_dtype is not None else self.dtype

    @property
    def frontend(self) -> AudioFeatureGenerator:
        """The feature generator for the current settings."""
        made = self._frontend
        if made is None or made[0] != self.frontend_settings:
            made = dict(self.frontend_settings), AudioFeatureGenerator(self.frontend_settings)
            self._frontend = made
        return made[1]
