"""The steps of the data pipeline that know sound: decode, draw, augment, features."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.audio.augment import ends
from mltk.audio.augment._native import effects_for_rate
from mltk.audio.augment.noise_color import check_colors
from mltk.audio.augment.pitch import is_whole
from mltk.audio.backgrounds import Backgrounds, find_folder, open_backgrounds
from mltk.audio.clip_bank import ClipBank, trimmed
from mltk.audio.files import AUDIO_FORMATS, SILENCE_CLASS, to_float32, to_int16, write_audio
from mltk.audio.findings import Findings
from mltk.audio.process_params import ParallelProcessParams
from mltk.audio.sample_format import FrontendShape
from mltk.audio.transforms import Ranges, Transforms, fill_effects
from mltk.data.pipeline.batches import Samples
from mltk.data.pipeline.flow import FlowOptions
from mltk.data.pipeline.generator import ParallelDataGenerator
from mltk.data.pipeline.ranges import Range, check_range

_opening = threading.Lock()


class AudioSteps(FrontendShape, ParallelDataGenerator[Transforms, ClipBank]):
    """What audio does in each step of the pipeline; see :class:`~mltk.data.pipeline.batches.SampleMaker`.

    :class:`~mltk.audio.generator.ParallelAudioDataGenerator` assigns the attributes, and documents them.
    """

    formats = AUDIO_FORMATS
    empty_label = SILENCE_CLASS

    silence_class_percentage: float | None
    trim_threshold_db: float
    trim_range_db: Range | None
    offset_range: Range | None
    speed_range: Range | None
    pitch_range: Range | None
    vtlp_range: Range | None
    loudness_range: Range | None
    noise_colors: str | Sequence[str] | None
    noise_color_range: Range | None
    bg_noise_dir: str | None
    bg_noise_range: Range | None
    findings: Findings
    _backgrounds: tuple[tuple[str, str | None, int], Backgrounds] | None
    _dataset_folder: str | None

    @property
    def empty_share(self) -> float | None:
        """Size of class ``_silence_``, as a share of the mean size of the other classes."""
        return self.silence_class_percentage

    def open_bank(self, paths: Sequence[str | None], options: FlowOptions, augment: bool) -> ClipBank:
        """Return the bank that decodes these files."""
        raw = self.noaug_preprocessing_function is not None  # what it returns is trimmed, not what it is given
        bank = ClipBank(
            paths,
            self.sample_rate_hz,
            trim_threshold_db=0 if raw else self.trim_threshold_db,
            max_unreadable=self.max_unreadable,
            memory_limit_bytes=self.memory_limit_bytes,
            with_ends=augment and self.trim_range_db is not None and not raw,
            findings=self.findings,
        )
        self.findings.wait_for(bank)
        return bank

    def hold(self, samples: Sequence[npt.NDArray[Any]], transforms: Transforms) -> ClipBank:
        """Return a bank of clips that a user's function returned, trimmed."""
        with_ends = bool(np.any(transforms.start_db) or np.any(transforms.stop_db))
        clips = [trimmed(to_int16(sample), self.trim_threshold_db) for sample in samples]
        return ClipBank.of(clips, self.sample_rate_hz, with_ends=with_ends)

    def ranges(self) -> Ranges:
        """Return the ranges that parameters are drawn from.

        Raises:
            SettingError: A range is impossible.
        """
        factors = "factors of the amplitude"
        return Ranges(
            offset=check_range("offset_range", self.offset_range, 0, 1, "shares"),
            loudness=check_range("loudness_range", self.loudness_range, 0, 100, factors),
            noise_colors=check_colors(self.noise_colors),
            noise_color=check_range("noise_color_range", self.noise_color_range, 0, 100, factors),
            background=check_range("bg_noise_range", self.bg_noise_range, 0, 100, factors),
            speed=check_range("speed_range", self.speed_range, 0.25, 4, "factors of the speed"),
            pitch=self._checked_pitch_range(),
            ends_db=check_range("trim_range_db", self.trim_range_db, 1, ends.LOWEST_DB, "dB below the loudest part"),
            vtlp=check_range("vtlp_range", self.vtlp_range, 0.5, 2, "factors of the formants' frequencies"),
        )

    def _checked_pitch_range(self) -> Range | None:
        semitones = self.pitch_range is not None and is_whole(self.pitch_range)
        limit = 24.0 if semitones or self.pitch_range is None else 2.0
        checked = check_range("pitch_range", self.pitch_range, -limit, limit, "semitones or octaves")
        return (int(checked[0]), int(checked[1])) if semitones and checked is not None else checked

    def backgrounds(self) -> Backgrounds:
        """Return the background recordings.

        Raises:
            DatasetError: ``bg_noise_dir`` does not exist or contains no audio.
        """
        if self.bg_noise_dir is None:
            return Backgrounds([], None)
        key = (os.fspath(self.bg_noise_dir), self._dataset_folder, self.sample_rate_hz)
        with _opening:
            if self._backgrounds is None or self._backgrounds[0] != key:
                folder = find_folder(self.bg_noise_dir, self._dataset_folder)
                found = open_backgrounds(folder, self.sample_rate_hz, self.max_unreadable, self.findings, self.say)
                self._backgrounds = key, found
            return self._backgrounds[1]

    def share_reports(self, other: ParallelDataGenerator[Any, Any]) -> None:
        """Do not say what the other data generator said about the same files."""
        super().share_reports(other)
        if isinstance(other, AudioSteps):
            self.findings = other.findings

    def draw(self, rng: np.random.Generator, bank: ClipBank, indices: npt.NDArray[np.int64]) -> Transforms:
        """Draw the random parameters of a batch. They do not depend on the clips."""
        return self.draw_transforms(rng, len(indices))

    def draw_transforms(self, rng: np.random.Generator, n: int) -> Transforms:
        """Draw the random parameters of ``n`` clips.

        Args:
            rng: Generator to draw from.
            n: Number of clips.
        """
        if self.disable_random_transforms:
            return self.no_transforms(n)
        return Transforms.draw(rng, n, self.ranges()._replace(n_backgrounds=len(self.backgrounds().names)))

    def no_transforms(self, n: int) -> Transforms:
        """Return parameters for ``n`` clips that change nothing."""
        return Transforms.none(n)

    @property
    def augmented_shape(self) -> tuple[int]:
        """Shape of one augmented clip: (sample_length,)."""
        return (self.sample_length,)

    @property
    def augmented_dtype(self) -> npt.DTypeLike:
        """Data type of augmented clips: int16."""
        return np.int16

    def augment(
        self, bank: ClipBank, indices: npt.NDArray[np.int64], transforms: Transforms, out: npt.NDArray[Any]
    ) -> npt.NDArray[np.int16]:
        """Augment clips and cut or pad them to the length of ``out``: int16 [n, length]."""
        addresses, lengths = bank.cut(indices, transforms.start_db, transforms.stop_db)
        effects = fill_effects(transforms, addresses, lengths, bank.levels(indices), self.backgrounds().bank)
        return effects_for_rate(self.sample_rate_hz).apply(effects, out.shape[1], out)

    def as_function_input(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Convert int16 audio to float32 from -1 to 1."""
        return to_float32(samples)

    def from_function(self, sample: npt.NDArray[Any]) -> npt.NDArray[np.int16]:
        """Convert audio from -1 to 1 to int16."""
        return to_int16(sample)

    @property
    def effect_facts(self) -> tuple[int]:
        """Arguments of a user's own effect after the sample and the drawn value: the sample rate in Hz."""
        return (self.sample_rate_hz,)

    def features(self, samples: Samples) -> npt.NDArray[Any]:
        """Compute the features of augmented clips.

        Args:
            samples: int16 [n, sample_length], or a list of n arrays that a user's function returned.

        Returns:
            [n, height, width, 1] or [n, height, width]; float32 [n, sample_length] if there is no frontend.
        """
        if not self.frontend_enabled:
            return to_float32(np.asarray(samples))
        clips = samples if isinstance(samples, np.ndarray) else np.stack([to_int16(sample) for sample in samples])
        features = self.frontend.process_batch(clips, self.feature_dtype)
        return features[..., np.newaxis] if self.add_channel_dimension else features

    def write(self, path: str, sample: npt.NDArray[Any]) -> None:
        """Write one clip to an audio file."""
        write_audio(path, sample, self.sample_rate_hz)

    def process_params(
        self, options: FlowOptions, class_indices: dict[str, int], directory: str
    ) -> ParallelProcessParams:
        """Return the first argument of the user's functions."""
        return ParallelProcessParams(
            audio_data_generator=self,
            sample_rate=self.sample_rate_hz,
            sample_length_ms=self.sample_length_ms,
            sample_shape=self.sample_shape,
            save_to_dir=options.save_to_dir,
            save_prefix=options.save_prefix,
            save_format=options.save_format,
            subset=options.subset,
            class_indices=class_indices,
            dtype=self.dtype,
            frontend_dtype=self.feature_dtype,
            directory=directory,
            class_mode=options.class_mode,
            get_batch_function=self.get_batch_function,
            noaug_preprocessing_function=self.noaug_preprocessing_function,
            preprocessing_function=self.preprocessing_function,
            postprocessing_function=self.postprocessing_function,
            frontend_enabled=self.frontend_enabled,
            add_channel_dimension=self.add_channel_dimension,
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_backgrounds": None, "_frontend": None}
