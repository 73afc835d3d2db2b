"""The audio data generator: augmented samples for training, as the features that the device computes.

::

    my_model.datagen = ParallelAudioDataGenerator(
        frontend_settings=frontend_settings,
        offset_range=(0.0, 1.0),
        bg_noise_dir="noise",
        bg_noise_range=(0.1, 0.4),
        validation_split=0.1,
    )

The steps: trim silence, cut the ends, change speed, pitch and vocal tract length, pad or cut to the sample length at
the offset, change the loudness, mix in noise, compute features, normalize. See docs/guides/audio-dataset.md.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mltk.audio.augment.offset import apply as place
from mltk.audio.backgrounds import find_folder
from mltk.audio.clip_bank import ClipBank, trimmed
from mltk.audio.files import read_audio_int16, resample, to_float32, to_int16
from mltk.audio.findings import Findings
from mltk.audio.frontend import AudioFeatureGeneratorSettings
from mltk.audio.steps import AudioSteps
from mltk.audio.transforms import Transforms
from mltk.data.class_files import Source
from mltk.data.numpy1_array import as_numpy1
from mltk.data.pipeline.bank import DEFAULT_MEMORY_LIMIT_BYTES
from mltk.data.pipeline.batches import SampleBatches
from mltk.data.pipeline.flow import FlowOptions
from mltk.data.pipeline.generator import check_dtype
from mltk.data.pipeline.hooks import UserFunction
from mltk.data.pipeline.ranges import Range
from mltk.data.splitting import GroupBy
from mltk.errors import SettingError

AudioBatches: TypeAlias = SampleBatches[Transforms, ClipBank]
"""Batches of audio samples."""


class ParallelAudioDataGenerator(AudioSteps):
    """Makes batches of audio features, or of audio, from files, with random augmentation.

    All steps but your own Python functions run in C, in threads. ``get_batch_function`` and the three
    ``…processing_function`` are called in worker processes if these can load the specification.

    Args:
        cores: Threads (or worker processes) that make batches: their number, or a share of the cores if below 1.
        debug: Call own functions in this process, where a debugger can stop in them.
        max_batches_pending: Batches that are made ahead.
        get_batch_function: Makes whole batches: ``f(batch_index, filenames, classes, params)`` returns
            ``(batch_index, (x, y))``.
        noaug_preprocessing_function: ``f(params, x, …)`` returns audio; called before augmentation with float32
            [samples] from -1 to 1, at ``sample_rate_hz``.
        preprocessing_function: The same, called after augmentation with [sample_length].
        postprocessing_function: The same, called after the features with [height, width, 1], or with audio if there
            is no frontend.
        samplewise_center: Subtract each sample's mean.
        samplewise_std_normalization: Divide each sample by its standard deviation.
        samplewise_normalize_range: Scale each sample to ``(lowest, highest)``.
        rescale: Factor that samples are multiplied by.
        validation_split: Share of the files for validation, 0 to 1; whole speakers if they are known.
        validation_augmentation_enabled: Augment validation samples too.
        dtype: Data type of the finished samples.
        frontend_dtype: Data type of the features before normalization: uint16, float32 or int8; None is ``dtype``.
        trim_threshold_db: Cut silence off both ends: what is this many dB below the loudest part; 0 cuts nothing.
        noise_colors: Colors of noise to mix in: a list of ``white brown blue pink violet``, ``'all'`` or None.
        noise_color_range: Root mean square of that noise, as a share of the clip's; 0.1 is 20 dB below.
        speed_range: Factor of the speed; above 1 is faster. The pitch does not change.
        pitch_range: Semitones if the numbers are integers, octaves if they are floats. The speed does not change.
        vtlp_range: Factor of the formants' frequencies (vocal tract length perturbation).
        loudness_range: Factor of the amplitude.
        bg_noise_range: Factor of the amplitude of a background recording.
        bg_noise_dir: Folder of background recordings; random pieces of them are mixed in. A relative path is looked
            for in the working directory, then in the dataset's folder.
        offset_range: Share of the padding that is put before a clip shorter than ``sample_length``, or of the excess
            that is cut off before a longer clip.
        unknown_class_percentage: Size of class ``_unknown_``, as a share of the mean size of the other classes.
        silence_class_percentage: Size of class ``_silence_``, likewise.
        disable_random_transforms: Do not augment.
        frontend_settings: Settings of the audio frontend; they also define the sample rate and length.
        frontend_enabled: Compute features; otherwise samples are audio, float32 from -1 to 1.
        sample_shape: Shape of a sample, if ``frontend_enabled`` is off or a function changes it.
        disable_gpu_in_subprocesses: Hide GPUs from worker processes.
        add_channel_dimension: Features are [height, width, 1], not [height, width].
        trim_range_db: Cut off each end what is quieter than a random level from this range, in dB below the loudest
            20 ms. (15, 40) makes words with and without their quiet ends.
        group_by: Keeps the files of a speaker on one side of ``validation_split``: ``"auto"`` guesses the speaker from
            the file name, a function returns the speaker of a path, None splits each class in the order of names.
        max_unreadable: Largest share of unreadable files, which are named and skipped. One unreadable file is always
            allowed, except if the share is 0.
        memory_limit_bytes: Most bytes of decoded audio in memory; the rest goes to a temporary file.

    Raises:
        SettingError: A range or a name is impossible.
    """

    def __init__(
        self,
        cores: float = 0.25,
        debug: bool = False,
        max_batches_pending: int = 4,
        get_batch_function: UserFunction | None = None,
        noaug_preprocessing_function: UserFunction | None = None,
        preprocessing_function: UserFunction | None = None,
        postprocessing_function: UserFunction | None = None,
        samplewise_center: bool = False,
        samplewise_std_normalization: bool = False,
        samplewise_normalize_range: Range | None = None,
        rescale: float | None = None,
        validation_split: float = 0.0,
        validation_augmentation_enabled: bool = True,
        dtype: npt.DTypeLike = "float32",
        frontend_dtype: npt.DTypeLike | None = None,
        trim_threshold_db: float = 20,
        noise_colors: str | Sequence[str] | None = None,
        noise_color_range: Range | None = None,
        speed_range: Range | None = None,
        pitch_range: Range | None = None,
        vtlp_range: Range | None = None,
        loudness_range: Range | None = None,
        bg_noise_range: Range | None = None,
        bg_noise_dir: str | None = None,
        offset_range: Range | None = (0.0, 1.0),
        unknown_class_percentage: float | None = 1.0,
        silence_class_percentage: float | None = 0.6,
        disable_random_transforms: bool = False,
        frontend_settings: AudioFeatureGeneratorSettings | None = None,
        frontend_enabled: bool = True,
        sample_shape: Sequence[int] | None = None,
        disable_gpu_in_subprocesses: bool = True,
        add_channel_dimension: bool = True,
        *,
        trim_range_db: Range | None = None,
        group_by: GroupBy = "auto",
        max_unreadable: float = 0.05,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT_BYTES,
    ) -> None:
        super().__init__(
            cores=cores,
            debug=debug,
            max_batches_pending=max_batches_pending,
            get_batch_function=get_batch_function,
            noaug_preprocessing_function=noaug_preprocessing_function,
            preprocessing_function=preprocessing_function,
            postprocessing_function=postprocessing_function,
            samplewise_center=samplewise_center,
            samplewise_std_normalization=samplewise_std_normalization,
            samplewise_normalize_range=samplewise_normalize_range,
            rescale=rescale,
            validation_split=validation_split,
            validation_augmentation_enabled=validation_augmentation_enabled,
            dtype=dtype,
            unknown_class_percentage=unknown_class_percentage,
            disable_random_transforms=disable_random_transforms,
            disable_gpu_in_subprocesses=disable_gpu_in_subprocesses,
            group_by=group_by,
            max_unreadable=max_unreadable,
            memory_limit_bytes=memory_limit_bytes,
        )
        self.frontend_settings = AudioFeatureGeneratorSettings() if frontend_settings is None else frontend_settings
        self.frontend_enabled = frontend_enabled
        self.frontend_dtype = frontend_dtype
        self.add_channel_dimension = add_channel_dimension
        self.sample_shape = sample_shape
        self.silence_class_percentage = silence_class_percentage
        self.trim_threshold_db = trim_threshold_db
        self.trim_range_db = trim_range_db
        self.offset_range = offset_range
        self.speed_range = speed_range
        self.pitch_range = pitch_range
        self.vtlp_range = vtlp_range
        self.loudness_range = loudness_range
        self.noise_colors = noise_colors
        self.noise_color_range = noise_color_range
        self.bg_noise_dir = bg_noise_dir
        self.bg_noise_range = bg_noise_range
        self._frontend = None
        self.findings = Findings()
        self._backgrounds = None
        self._bg_noises: dict[str, npt.NDArray[np.float32]] | None = None
        self._dataset_folder = None
        self._draws = np.random.default_rng()
        self.check()

    def check(self) -> None:
        """Check the settings. It is called again when samples are loaded.

        Raises:
            SettingError: A setting is impossible.
        """
        super().check()
        self.ranges()
        check_dtype("frontend_dtype", self.frontend_dtype)
        if self.frontend_enabled and np.dtype(self.feature_dtype).name not in ("float32", "uint16", "int8"):
            raise SettingError(
                f"The audio frontend cannot return {np.dtype(self.feature_dtype).name} features.",
                hint="Set frontend_dtype to float32, uint16 or int8.",
            )

    # -- augmentation ------------------------------------------------------------------------------------------

    def get_random_transform(self, rng: np.random.Generator | None = None) -> dict[str, Any]:
        """Draw the random parameters of one clip.

        Args:
            rng: Generator to draw from; None is the data generator's own.

        Returns:
            The parameters by their names in MLTK 0.20; see :meth:`apply_transform`.
        """
        drawn = self.draw_transforms(self._draws if rng is None else rng, 1)
        return drawn.as_dict(0, self.backgrounds().names)

    @property
    def default_transform(self) -> dict[str, Any]:
        """Parameters that change nothing."""
        return Transforms.none(1).as_dict(0, [])

    def apply_transform(
        self, sample: npt.ArrayLike, orignal_sr: int, params: Mapping[str, Any], whole_sample: bool = False
    ) -> npt.NDArray[np.float32]:
        """Apply the effects that ``params`` describes to one clip.

        Args:
            sample: Clip [samples]: floats from -1 to 1, or int16.
            orignal_sr: Sample rate of the clip in Hz.
            params: Parameters that :meth:`get_random_transform` returned.
            whole_sample: Neither cut nor pad the clip to :attr:`sample_length`.

        Returns:
            float32 [sample_length] from -1 to 1.
        """
        names = self.backgrounds().names
        own = params.get("bg_noise")
        if own is not None and own not in names and own in self.bg_noises:
            plain = self.apply_transform(sample, orignal_sr, {**params, "bg_noise": None}, whole_sample)
            return self._with_background(plain, self.bg_noises[own], params)
        transforms = Transforms.from_dict(params, names)
        bank, index = self.hold([self._resampled(sample, orignal_sr)], transforms), np.arange(1)
        length = self.sample_length
        if whole_sample:
            _, lengths = bank.cut(index, transforms.start_db, transforms.stop_db)
            length = round(int(lengths[0]) / float(transforms.speed[0]))
        return to_float32(self.augment(bank, index, transforms, np.empty((1, length), np.int16))[0])

    @property
    def bg_noises(self) -> dict[str, npt.NDArray[np.float32]]:
        """Background recordings by name: float32 [samples] from -1 to 1.

        A function of your own may add a recording, and use its name as ``bg_noise`` of :meth:`apply_transform`.
        """
        if self._bg_noises is None:
            names = self.backgrounds().names
            folder = find_folder(self.bg_noise_dir, self._dataset_folder) if names and self.bg_noise_dir else ""
            self._bg_noises = {
                name: to_float32(read_audio_int16(os.path.join(folder, name), self.sample_rate_hz)[0]) for name in names
            }
        return self._bg_noises

    def _with_background(
        self, clip: npt.NDArray[np.float32], recording: npt.NDArray[np.float32], params: Mapping[str, Any]
    ) -> npt.NDArray[np.float32]:
        """Add a piece of a recording of the user's own, which is repeated if it is shorter than the clip."""
        start = int(float(params.get("bg_noise_start", 0.0)) * max(0, len(recording) - len(clip)))
        piece = np.resize(recording[start:], len(clip)) if len(recording) else np.zeros(len(clip), np.float32)
        mixed = clip + np.float32(params.get("bg_noise_factor", 0.0)) * piece
        return np.clip(mixed, -1, 1).astype(np.float32)

    def _resampled(self, sample: npt.ArrayLike, rate_hz: int) -> npt.NDArray[np.int16]:
        return to_int16(resample(np.asarray(sample), rate_hz, self.sample_rate_hz))

    def adjust_length(
        self,
        sample: npt.ArrayLike,
        orignal_sr: int,
        offset: float = 0.0,
        whole_sample: bool = False,
        out_length: int | None = None,
    ) -> npt.NDArray[np.float32]:
        """Resample and trim one clip, then cut or pad it.

        Args:
            sample: Clip [samples]: floats from -1 to 1, or int16.
            orignal_sr: Sample rate of the clip in Hz.
            offset: Share of the padding before the clip, or of the excess that is cut off before it.
            whole_sample: Neither cut nor pad the clip.
            out_length: Length of the result in samples; None is :attr:`sample_length`.

        Returns:
            float32 [out_length] from -1 to 1.
        """
        clip = trimmed(self._resampled(sample, orignal_sr), self.trim_threshold_db)
        if whole_sample:
            return to_float32(clip)
        return to_float32(place(clip, self.sample_length if out_length is None else out_length, offset))

    # -- features ----------------------------------------------------------------------------------------------

    def apply_frontend(self, sample: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
        """Compute the features of one clip.

        Args:
            sample: Clip [sample_length]: floats from -1 to 1, or int16.
            dtype: Data type of the features: uint16, float32 or int8.

        Returns:
            ``dtype`` [height, width]. Integers promote as in NumPy 1: int8 features plus 128 are int16.
        """
        features: npt.NDArray[Any] = as_numpy1(self.frontend.process_sample(to_int16(sample), dtype))
        return features

    # -- batches -----------------------------------------------------------------------------------------------

    def flow_from_directory(
        self,
        directory: Source,
        classes: Sequence[str],
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        shuffle_index_dir: str | None = None,
        seed: int | None = None,
        follow_links: bool = False,
        subset: str | None = None,
        max_samples_per_class: int = -1,
        list_valid_filenames_in_directory_function: UserFunction | None = None,
        class_counts: dict[str, int] | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "wav",
        augment: bool | None = None,
        added_files: Mapping[str, Sequence[str]] | None = None,
    ) -> AudioBatches:
        """Return batches of the samples of a dataset.

        Args:
            directory: Folder of class folders, dict ``{class: folder or paths}``, or list of ``(path, class)``.
            classes: Names of the classes. ``_unknown_`` is drawn from the classes that are not named. ``_silence_`` is
                silence, to which noise is added like to every sample.
            class_mode: Kind of the labels: ``"categorical"`` (one-hot), ``"sparse"`` or ``"binary"`` (class indices),
                ``"input"`` (the samples themselves), None (no labels).
            batch_size: Samples in a batch; the last batch of an epoch may be smaller.
            shuffle: Draw a new order for each epoch.
            shuffle_index_dir: If given, files are chosen and split in an order that looks random, not by name.
            seed: Fixes order and augmentation; None draws a seed from NumPy's global generator.
            follow_links: Enter folders that are symbolic links.
            subset: ``"training"`` or ``"validation"``, the parts of ``validation_split``; None is all samples.
            max_samples_per_class: Most samples of a class; -1 is all.
            list_valid_filenames_in_directory_function: Lists and splits the files of a class; see the guide.
            class_counts: Dict that receives class → number of samples.
            save_to_dir: Folder for the augmented audio of each sample, for listening; None saves nothing.
            save_prefix: Start of the names of these files.
            save_format: File name extension of these files.
            augment: False turns augmentation off; None follows the generator's settings.
            added_files: Class → absolute paths of more samples, which no split takes apart.

        Raises:
            DatasetError: The dataset is missing, empty, or lacks a class.
        """
        if isinstance(directory, (str, os.PathLike)):
            self._dataset_folder = os.fspath(directory)
        self.backgrounds()  # raise now if they are missing, not in the first batch
        return self.batches_of(
            FlowOptions(
                source=directory,
                classes=list(classes),
                class_mode=class_mode,
                batch_size=batch_size,
                shuffle=shuffle,
                shuffle_index_dir=shuffle_index_dir,
                seed=seed,
                follow_links=follow_links,
                subset=subset,
                max_samples_per_class=max_samples_per_class,
                list_function=list_valid_filenames_in_directory_function,
                class_counts=class_counts,
                save_to_dir=save_to_dir,
                save_prefix=save_prefix,
                save_format=save_format,
                augment=augment,
                added_files=added_files,
            )
        )
