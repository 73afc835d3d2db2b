"""Settings for a dataset of audio files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mltk.audio.frontend.settings import AudioFeatureGeneratorSettings
from mltk.data.pipeline.mixin import FileDatasetMixin

if TYPE_CHECKING:
    from mltk.audio.generator import ParallelAudioDataGenerator


class AudioDatasetMixin(FileDatasetMixin):
    """A dataset of audio files in class folders, and the data generator that makes samples of them.

    If ``input_shape`` is not set, it is the shape of the generator's samples. The frontend's settings are put into the
    model's parameters (``fe.*``), so that the device computes the features that the model was trained with.
    """

    datagen_example = "ParallelAudioDataGenerator(frontend_settings=...)"

    @property
    def audio_classes(self) -> list[str]:
        """The same as ``classes``."""
        return self.classes

    @audio_classes.setter
    def audio_classes(self, value: list[str]) -> None:
        self.classes = value

    @property
    def audio_input_shape(self) -> tuple[int | None, ...]:
        """The same as ``input_shape``."""
        return self.input_shape

    @audio_input_shape.setter
    def audio_input_shape(self, value: tuple[int, ...]) -> None:
        self.input_shape = value

    def _default_input_shape(self) -> tuple[int, ...] | None:
        return None if self.datagen is None else tuple(self.datagen.sample_shape)

    def _audio_datagen(self) -> ParallelAudioDataGenerator:
        datagen: ParallelAudioDataGenerator = self._required_datagen()
        return datagen

    @property
    def sample_rate_hz(self) -> int:
        """Sample rate of the audio in Hz, from ``datagen``."""
        return self._audio_datagen().sample_rate_hz

    @sample_rate_hz.setter
    def sample_rate_hz(self, value: int) -> None:
        self._audio_datagen().sample_rate_hz = value

    @property
    def sample_length_ms(self) -> int:
        """Length of a clip in ms, from ``datagen``."""
        return self._audio_datagen().sample_length_ms

    @sample_length_ms.setter
    def sample_length_ms(self, value: int) -> None:
        self._audio_datagen().sample_length_ms = value

    @property
    def frontend_settings(self) -> AudioFeatureGeneratorSettings:
        """Settings of the audio frontend, from ``datagen``."""
        return self._audio_datagen().frontend_settings

    def _populate_own_parameters(self) -> None:
        """Put what the firmware must do to the audio into the model's parameters, under the names of MLTK 0.20."""
        if self.datagen is None:
            return
        datagen = self._audio_datagen()
        if datagen.frontend_enabled:
            datagen.frontend_settings.check()
        self.model_parameters.update(datagen.frontend_settings)
        normalizes = bool(datagen.samplewise_center and datagen.samplewise_std_normalization)
        self.model_parameters["samplewise_norm.rescale"] = float(datagen.rescale or 0.0)
        self.model_parameters["samplewise_norm.mean_and_std"] = normalizes
        # MLTK 0.20 has no names for these. Without them nobody could tell that the features are normalized.
        if datagen.samplewise_center and not normalizes:
            self.model_parameters["samplewise_norm.center"] = True
        if datagen.samplewise_std_normalization and not normalizes:
            self.model_parameters["samplewise_norm.std"] = True
        if datagen.samplewise_normalize_range:
            self.model_parameters["samplewise_norm.range"] = [float(v) for v in datagen.samplewise_normalize_range]
