"""Audio samples for training, made while training goes on: augmented, and turned into the device's features.

::

    my_model.datagen = ParallelAudioDataGenerator(
        frontend_settings=frontend_settings,
        offset_range=(0.0, 1.0),
        bg_noise_dir="noise",
        bg_noise_range=(0.1, 0.4),
        validation_split=0.1,
    )

The order: trim silence, cut the ends, change speed, pitch and vocal tract length, pad or cut to length at the offset,
change the loudness, mix in noise, compute features, normalize. See docs/guides/audio-dataset.md.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mltk.audio.augment import ends
from mltk.audio.augment._native import effects_for_rate
from mltk.audio.augment.noise_color import check_colors
from mltk.audio.augment.pitch import is_whole
from mltk.audio.augment.trim import trim_bounds
from mltk.audio.clip_bank import ClipBank, root_mean_square
from mltk.audio.files import AUDIO_FORMATS, resample, to_float32, to_int16
from mltk.audio.frontend import AudioFeatureGenerator, AudioFeatureGeneratorSettings
from mltk.audio.sample_format import FrontendShape
from mltk.audio.transforms import Ranges, Transforms, fill_effects
from mltk.data.class_files import Source, list_class_folder
from mltk.data.pipeline.hooks import Augmentation
from mltk.data.pipeline.normalize import normalize, normalize_batch
from mltk.data.pipeline.ranges import Range, check_range
from mltk.data.splitting import GroupBy
from mltk.errors import DatasetError, SettingError

if TYPE_CHECKING:
    from mltk.audio.batches import AudioBatches

NOISE_BANK_BYTES = 1 << 29
_opening = threading.Lock()


class ParallelAudioDataGenerator(FrontendShape):
    """Makes batches of audio features, or of audio, from files, with random augmentation.

    Everything that is not an own Python function runs in C, in threads. ``get_batch_function`` and the three
    ``…processing_function`` are called in worker processes where a specification can be loaded there.

    Args:
        cores: threads (or worker processes) that make batches: a number of them, or a share of the cores if below 1.
        debug: call own functions in this process, where a debugger sees them.
        max_batches_pending: batches that are made ahead.
        get_batch_function: makes whole batches: ``f(batch_index, filenames, classes, params)`` gives
            ``(batch_index, (x, y))``.
        noaug_preprocessing_function: ``f(params, x, …)`` gives audio; called before augmentation with float32
            [samples] from -1 to 1, at ``sample_rate_hz``.
        preprocessing_function: the same, after augmentation, with [sample_length].
        postprocessing_function: the same, after the features, with [height, width, 1] (or audio without a frontend).
        samplewise_center: subtract each sample's mean.
        samplewise_std_normalization: divide each sample by its standard deviation.
        samplewise_normalize_range: scale each sample to ``(lowest, highest)``.
        rescale: multiply samples by this.
        validation_split: share of the files to validate with, 0 to 1; whole speakers where they are known.
        validation_augmentation_enabled: augment validation samples too.
        dtype: of the samples.
        frontend_dtype: of the features before normalization: uint16, float32 or int8; None is ``dtype``.
        trim_threshold_db: cut silence off both ends that is so far below the loudest part; 0 doesn't.
        noise_colors: colours of noise to mix in: a list of ``white brown blue pink violet``, ``'all'`` or None.
        noise_color_range: root mean square of that noise, as a share of the clip's; 0.1 is 20 dB below.
        speed_range: factor; above 1 is faster. The pitch stays.
        pitch_range: semitones if integers, octaves if floats. The speed stays.
        vtlp_range: factor of the formants' frequencies.
        loudness_range: factor of the amplitude.
        bg_noise_range: factor of the amplitude of a background recording.
        bg_noise_dir: folder of background recordings, of which random pieces are mixed in.
        offset_range: share of the silence that is put before a clip that is shorter than ``sample_length``, or of
            what is cut off before one that is longer.
        unknown_class_percentage: samples of class ``_unknown_``, as a share of the mean class's.
        silence_class_percentage: samples of class ``_silence_``, likewise.
        disable_random_transforms: augment nothing.
        frontend_settings: of the features; also gives the sample rate and length.
        frontend_enabled: make features; if not, samples are audio, float32 from -1 to 1.
        sample_shape: of the samples, where ``frontend_enabled`` is off or a function changes it.
        disable_gpu_in_subprocesses: keep worker processes off the GPU.
        add_channel_dimension: features are [height, width, 1], not [height, width].
        trim_range_db: cut off each end what is quieter than a level that is drawn from this range, in dB below the
            loudest 20 ms: (15, 40) leaves words with and without their quiet ends.
        group_by: keeps files of a speaker on one side of ``validation_split``: ``"auto"`` guesses the speaker from
            the file name, a function gives it for a path, None splits each class in order of names.
        max_unreadable: share of the files that may be unreadable; they are named and passed over. One always may,
            unless it is 0.
        memory_limit_bytes: of decoded audio in memory; beyond it, a temporary file is used.

    Raises:
        SettingError: a range or a name is impossible.
    """

    def __init__(
        self,
        cores: float = 0.25,
        debug: bool = False,
        max_batches_pending: int = 4,
        get_batch_function: Callable | None = None,
        noaug_preprocessing_function: Callable | None = None,
        preprocessing_function: Callable | None = None,
        postprocessing_function: Callable | None = None,
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
        memory_limit_bytes: int = 2 << 30,
    ) -> None:
        settings = AudioFeatureGeneratorSettings() if frontend_settings is None else frontend_settings
        for name, value in locals().copy().items():
            if name not in ("self", "settings", "frontend_settings", "sample_shape"):
                setattr(self, name, value)
        self.frontend_settings = settings
        self._sample_shape = None if sample_shape is None else tuple(sample_shape)
        self.augmentations: list[Augmentation] = []
        self.bg_noise_dir = bg_noise_dir
        self._backgrounds: tuple[tuple[str, int], list[str], ClipBank] | None = None
        self._frontend: tuple[dict[str, Any], AudioFeatureGenerator] | None = None
        self._draws = np.random.default_rng()
        self.check()

    def check(self) -> None:
        """Raise SettingError if the settings are impossible. Called again when samples are loaded."""
        if not 0 <= self.validation_split < 1:
            raise SettingError(f"validation_split is {self.validation_split!r}; it has to be from 0 to below 1.")
        self.ranges()
        for name in ("dtype", "frontend_dtype"):
            value = getattr(self, name)
            try:
                np.dtype(value if value is not None else "float32")
            except TypeError:
                raise SettingError(f"{name} is {value!r}, which is no data type.") from None
        if self.frontend_enabled and np.dtype(self.feature_dtype).name not in ("float32", "uint16", "int8"):
            raise SettingError(
                f"The audio frontend gives uint16, float32 or int8, not {np.dtype(self.feature_dtype).name}.",
                hint="Set frontend_dtype to one of these.",
            )
        if self.samplewise_normalize_range is not None:
            check_range("samplewise_normalize_range", self.samplewise_normalize_range, -1e9, 1e9, "lowest and highest")

    @property
    def user_functions(self) -> list[Callable]:
        """Functions of the user's, which hold Python's lock while they run."""
        given = (
            self.get_batch_function,
            self.noaug_preprocessing_function,
            self.preprocessing_function,
            self.postprocessing_function,
        )
        return [f for f in given if f is not None] + [a.apply for a in self.augmentations]

    # -- augmentation ------------------------------------------------------------------------------------------

    def add_augmentation(self, apply: Callable, draw: Callable | None = None, name: str | None = None) -> None:
        """Add an effect of your own, after the built-in ones and before ``preprocessing_function``.

        Args:
            apply: ``f(x, value, sample_rate_hz)`` gives the changed audio; x is float32 [sample_length], -1 to 1.
            draw: ``f(rng)`` gives the value, from a ``numpy.random.Generator``; without it, value is ``rng``.
            name: in what is dumped.
        """
        self.augmentations.append(Augmentation(apply, draw, name or str(getattr(apply, "__name__", "augmentation"))))

    def ranges(self) -> Ranges:
        """What is drawn from. Raises SettingError if a range is impossible."""
        pitch_octaves = 2.0 if self.pitch_range is not None and not is_whole(self.pitch_range) else 24.0
        pitch_range = check_range(
            "pitch_range", self.pitch_range, -pitch_octaves, pitch_octaves, "semitones or octaves"
        )
        if pitch_range is not None and self.pitch_range is not None and is_whole(self.pitch_range):
            pitch_range = (int(pitch_range[0]), int(pitch_range[1]))
        return Ranges(
            offset=check_range("offset_range", self.offset_range, 0, 1, "shares"),
            loudness=check_range("loudness_range", self.loudness_range, 0, 100, "factors of the amplitude"),
            noise_colors=check_colors(self.noise_colors),
            noise_color=check_range("noise_color_range", self.noise_color_range, 0, 100, "factors of the amplitude"),
            background=check_range("bg_noise_range", self.bg_noise_range, 0, 100, "factors of the amplitude"),
            speed=check_range("speed_range", self.speed_range, 0.25, 4, "factors of the speed"),
            pitch=pitch_range,
            ends_db=check_range("trim_range_db", self.trim_range_db, 1, ends.LOWEST_DB, "dB below the loudest part"),
            vtlp=check_range("vtlp_range", self.vtlp_range, 0.5, 2, "factors of the formants' frequencies"),
        )

    def backgrounds(self) -> tuple[list[str], ClipBank | None]:
        """Names of the background recordings and their audio.

        Raises:
            DatasetError: ``bg_noise_dir`` is missing or holds no audio.
        """
        if self.bg_noise_dir is None:
            return [], None
        folder = os.path.abspath(os.path.expanduser(os.fspath(self.bg_noise_dir)))
        key = (folder, self.sample_rate_hz)
        with _opening:
            return self._open_backgrounds(folder, key)

    def _open_backgrounds(self, folder: str, key: tuple[str, int]) -> tuple[list[str], ClipBank]:
        if self._backgrounds is None or self._backgrounds[0] != key:
            if not os.path.isdir(folder):
                raise DatasetError(f"bg_noise_dir: there is no folder {folder}.")
            names, _ = list_class_folder(folder, "", AUDIO_FORMATS, follow_links=True)
            if not names:
                raise DatasetError(f"bg_noise_dir: {folder} holds no audio files ({', '.join(AUDIO_FORMATS)}).")
            bank = ClipBank(
                [os.path.join(folder, name) for name in names],
                self.sample_rate_hz,
                max_unreadable=self.max_unreadable,
                memory_limit_bytes=NOISE_BANK_BYTES,
            )
            self._backgrounds = (key, names, bank)
        return self._backgrounds[1], self._backgrounds[2]

    def draw(self, rng: np.random.Generator, n: int) -> Transforms:
        """Random parameters of ``n`` clips."""
        if self.disable_random_transforms:
            return Transforms.none(n)
        names, _ = self.backgrounds()
        return Transforms.draw(rng, n, self.ranges()._replace(n_backgrounds=len(names)))

    def get_random_transform(self, rng: np.random.Generator | None = None) -> dict[str, Any]:
        """Random parameters of one clip, by their 0.20 names; see :meth:`apply_transform`."""
        return self.draw(self._draws if rng is None else rng, 1).as_dict(0, self.backgrounds()[0])

    @property
    def default_transform(self) -> dict[str, Any]:
        """Parameters that change nothing."""
        return Transforms.none(1).as_dict(0, [])

    def apply_transform(
        self, sample: npt.ArrayLike, orignal_sr: int, params: Mapping[str, Any], whole_sample: bool = False
    ) -> npt.NDArray[np.float32]:
        """One clip with the effects that ``params`` name.

        Args:
            sample: [samples], float from -1 to 1 or int16.
            orignal_sr: its rate in Hz.
            params: as :meth:`get_random_transform` gives.
            whole_sample: neither cut nor pad it to :attr:`sample_length`.

        Returns:
            float32 [sample_length], -1 to 1.
        """
        clip = self._trimmed(sample, orignal_sr)
        transforms = Transforms.from_dict(params, self.backgrounds()[0])
        length = self.sample_length
        if whole_sample:
            kept = ends.apply(clip, self.sample_rate_hz, transforms.start_db[0], transforms.stop_db[0])
            length = round(len(kept) / float(transforms.speed[0]))
        return to_float32(self.augment([clip], transforms, length)[0])

    def augment(
        self, clips: Sequence[npt.NDArray[np.int16]], transforms: Transforms, length: int | None = None
    ) -> npt.NDArray[np.int16]:
        """int16 [clips, length] of clips that are trimmed and of :attr:`sample_rate_hz`."""
        clips = [np.ascontiguousarray(clip, np.int16) for clip in clips]
        levels = np.array([root_mean_square(clip) for clip in clips], np.float32)
        levels_db = zip(transforms.start_db, transforms.stop_db, strict=True)
        clips = [
            ends.apply(c, self.sample_rate_hz, *db) if any(db) else c for c, db in zip(clips, levels_db, strict=True)
        ]
        addresses = np.array([clip.ctypes.data for clip in clips], np.uint64)
        lengths = np.array([len(clip) for clip in clips], np.int32)
        effects = fill_effects(transforms, addresses, lengths, levels, self.backgrounds()[1])
        return effects_for_rate(self.sample_rate_hz).apply(effects, self.sample_length if length is None else length)

    def _trimmed(self, sample: npt.ArrayLike, rate_hz: int) -> npt.NDArray[np.int16]:
        clip = to_int16(resample(np.asarray(sample), rate_hz, self.sample_rate_hz))
        if self.trim_threshold_db and len(clip):
            start, stop = trim_bounds(clip, self.trim_threshold_db)
            clip = clip[start:stop]
        return clip

    def adjust_length(
        self,
        sample: npt.ArrayLike,
        orignal_sr: int,
        offset: float = 0.0,
        whole_sample: bool = False,
        out_length: int | None = None,
    ) -> npt.NDArray[np.float32]:
        """The clip resampled and trimmed, and cut or padded to ``out_length``: float32 [out_length]."""
        from mltk.audio.augment.offset import apply

        clip = self._trimmed(sample, orignal_sr)
        if whole_sample:
            return to_float32(clip)
        return to_float32(apply(clip, self.sample_length if out_length is None else out_length, offset))

    # -- features ----------------------------------------------------------------------------------------------

    def apply_frontend(self, sample: npt.ArrayLike, dtype: npt.DTypeLike = np.float32) -> npt.NDArray[Any]:
        """Features of one clip [sample_length], float from -1 to 1 or int16: ``dtype`` [height, width]."""
        return self.frontend.process_sample(to_int16(sample), dtype)

    def standardize(self, sample: npt.ArrayLike) -> npt.NDArray[Any]:
        """One finished sample, normalized as the settings say."""
        return normalize(
            np.asarray(sample),
            self.rescale,
            self.samplewise_center,
            self.samplewise_std_normalization,
            self.samplewise_normalize_range,
        )

    def standardize_batch(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Finished samples [n, ...], each normalized by itself, as :attr:`dtype`."""
        samples = normalize_batch(
            samples,
            self.rescale,
            self.samplewise_center,
            self.samplewise_std_normalization,
            self.samplewise_normalize_range,
        )
        return samples.astype(self.dtype, copy=False)

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
        list_valid_filenames_in_directory_function: Callable | None = None,
        class_counts: dict[str, int] | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "wav",
        augment: bool | None = None,
    ) -> AudioBatches:
        """Batches of the samples of a dataset.

        Args:
            directory: a folder of class folders, a dict ``{class: folder or paths}``, or a list of ``(path, class)``.
            classes: names of the classes; ``_unknown_`` is drawn from those that are not named, ``_silence_`` is
                silence, to which noise is added as to every sample.
            class_mode: what labels are: ``"categorical"`` (one-hot), ``"sparse"`` or ``"binary"`` (class indices),
                ``"input"`` (the samples themselves), None (there are none).
            batch_size: samples in a batch; the last of an epoch has what is left.
            shuffle: draw an order for each epoch.
            shuffle_index_dir: if given, files are chosen and split in an order that looks random, not by name.
            seed: fixes order and augmentation; None draws one from NumPy's global generator.
            follow_links: go into folders that are symbolic links.
            subset: ``"training"`` or ``"validation"``, of ``validation_split``; None is everything.
            max_samples_per_class: at most so many; -1 is all.
            list_valid_filenames_in_directory_function: lists and splits the files of a class; see the guide.
            class_counts: filled with class → number of samples.
            save_to_dir: write the augmented audio of each sample here, for listening.
            save_prefix, save_format: of these files.
            augment: False turns augmentation off; None is as the settings say.

        Raises:
            DatasetError: the dataset is missing, empty, or lacks a class.
        """
        from mltk.audio.batches import FlowOptions, make_batches

        return make_batches(
            self,
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
            ),
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_backgrounds": None, "_frontend": None}
