"""Base of the data generators: samples for training, made while training runs."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, Generic

import numpy as np
import numpy.typing as npt

from mltk.data.listing import ListingOptions, list_samples, say_once
from mltk.data.pipeline.added import add_samples
from mltk.data.pipeline.bank import DEFAULT_MEMORY_LIMIT_BYTES
from mltk.data.pipeline.batches import BankT, SampleBatches, Samples, TransformsT
from mltk.data.pipeline.flow import FlowOptions
from mltk.data.pipeline.hooks import Augmentation, UserFunction, UserFunctions
from mltk.data.pipeline.normalize import normalize, normalize_batch
from mltk.data.pipeline.ranges import Range, check_range
from mltk.data.splitting import GroupBy
from mltk.errors import DatasetError, SettingError

logger = logging.getLogger("mltk")


class ParallelDataGenerator(ABC, Generic[TransformsT, BankT]):
    """Makes batches of samples from files, with random augmentation.

    A medium derives from this class and defines the abstract parts. Together they are the
    :class:`~mltk.data.pipeline.batches.SampleMaker` that the batches call.

    Args:
        cores: Threads (or worker processes) that make batches: their number, or a share of the cores if below 1.
        debug: Call own functions in this process, where a debugger can stop in them.
        max_batches_pending: Batches that are made ahead.
        get_batch_function: Makes whole batches: ``f(batch_index, filenames, classes, params)`` returns
            ``(batch_index, (x, y))``.
        noaug_preprocessing_function: ``f(params, x, …)`` returns a sample; called before augmentation.
        preprocessing_function: The same, called after augmentation.
        postprocessing_function: The same, called after the features are computed.
        samplewise_center: Subtract each sample's mean.
        samplewise_std_normalization: Divide each sample by its standard deviation.
        samplewise_normalize_range: Scale each sample to ``(lowest, highest)``.
        rescale: Factor that samples are multiplied by.
        validation_split: Share of the files for validation, 0 to 1.
        validation_augmentation_enabled: Augment validation samples too.
        dtype: Data type of the finished samples.
        unknown_class_percentage: Size of class ``_unknown_``, as a share of the mean size of the other classes.
        disable_random_transforms: Do not augment.
        disable_gpu_in_subprocesses: Hide GPUs from worker processes.
        group_by: How to tell the groups that ``validation_split`` keeps whole; see
            :data:`~mltk.data.splitting.GroupBy`.
        max_unreadable: Largest share of unreadable files, which are named and skipped. One unreadable file is always
            allowed, except if the share is 0.
        memory_limit_bytes: Most bytes of decoded samples in memory; the rest goes to a temporary file.
    """

    formats: ClassVar[tuple[str, ...]]
    """File name extensions of the medium."""
    empty_label: ClassVar[str | None] = None
    """Class whose samples have no file; None if there is none."""

    def __init__(
        self,
        *,
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
        unknown_class_percentage: float | None = 1.0,
        disable_random_transforms: bool = False,
        disable_gpu_in_subprocesses: bool = True,
        group_by: GroupBy = None,
        max_unreadable: float = 0.05,
        memory_limit_bytes: int = DEFAULT_MEMORY_LIMIT_BYTES,
    ) -> None:
        self.cores = cores
        self.debug = debug
        self.max_batches_pending = max_batches_pending
        self.get_batch_function = get_batch_function
        self.noaug_preprocessing_function = noaug_preprocessing_function
        self.preprocessing_function = preprocessing_function
        self.postprocessing_function = postprocessing_function
        self.samplewise_center = samplewise_center
        self.samplewise_std_normalization = samplewise_std_normalization
        self.samplewise_normalize_range = samplewise_normalize_range
        self.rescale = rescale
        self.validation_split = validation_split
        self.validation_augmentation_enabled = validation_augmentation_enabled
        self.dtype = dtype
        self.unknown_class_percentage = unknown_class_percentage
        self.disable_random_transforms = disable_random_transforms
        self.disable_gpu_in_subprocesses = disable_gpu_in_subprocesses
        self.group_by = group_by
        self.max_unreadable = max_unreadable
        self.memory_limit_bytes = memory_limit_bytes
        self.augmentations: list[Augmentation] = []
        self.said: set[str] = set()

    def check(self) -> None:
        """Check the settings. It is called again when samples are loaded.

        Raises:
            SettingError: A setting is impossible.
        """
        if not 0 <= self.validation_split < 1:
            raise SettingError(f"validation_split is {self.validation_split!r}; it must be at least 0 and below 1.")
        check_dtype("dtype", self.dtype)
        if self.samplewise_normalize_range is not None:
            check_range("samplewise_normalize_range", self.samplewise_normalize_range, -1e9, 1e9, "lowest and highest")

    @property
    def empty_share(self) -> float | None:
        """Size of class :attr:`empty_label`, as a share of the mean size of the other classes."""
        return None

    def say(self, text: str) -> None:
        """Log a warning about the dataset, unless it was logged before."""
        say_once(text, self.said)

    def share_reports(self, other: ParallelDataGenerator[Any, Any]) -> None:
        """Do not say what the other data generator said about the same files."""
        self.said = other.said

    # -- own functions -----------------------------------------------------------------------------------------

    @property
    def functions(self) -> UserFunctions:
        """The user's own functions."""
        return UserFunctions(
            self.get_batch_function,
            self.noaug_preprocessing_function,
            tuple(self.augmentations),
            self.preprocessing_function,
            self.postprocessing_function,
        )

    def add_augmentation(self, apply: UserFunction, draw: UserFunction | None = None, name: str | None = None) -> None:
        """Add your own effect. It is applied after the built-in effects, before ``preprocessing_function``.

        Args:
            apply: ``f(x, value, …)`` returns the changed sample; for audio, the sample rate in Hz follows.
            draw: ``f(rng)`` returns the value, drawn from a ``numpy.random.Generator``. Without it, the value is
                ``rng``.
            name: Name of the effect; the name of ``apply`` by default.
        """
        self.augmentations.append(Augmentation(apply, draw, name or str(getattr(apply, "__name__", "augmentation"))))

    @property
    def effect_facts(self) -> tuple[Any, ...]:
        """Arguments of a user's own effect after the sample and the drawn value."""
        return ()

    # -- normalization -----------------------------------------------------------------------------------------

    def standardize(self, sample: npt.ArrayLike) -> npt.NDArray[Any]:
        """Normalize one finished sample as the settings say."""
        return normalize(
            np.asarray(sample),
            self.rescale,
            self.samplewise_center,
            self.samplewise_std_normalization,
            self.samplewise_normalize_range,
        )

    def standardize_batch(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Normalize finished samples [n, ...], each separately; the result has the data type :attr:`dtype`."""
        samples = normalize_batch(
            samples,
            self.rescale,
            self.samplewise_center,
            self.samplewise_std_normalization,
            self.samplewise_normalize_range,
        )
        return samples.astype(self.dtype, copy=False)

    # -- batches -----------------------------------------------------------------------------------------------

    def batches_of(self, options: FlowOptions) -> SampleBatches[TransformsT, BankT]:
        """List the samples of a dataset and return batches of them.

        Args:
            options: Arguments of ``flow_from_directory``.

        Raises:
            DatasetError: The dataset is missing, empty, or lacks a class.
            SettingError: A setting is impossible.
        """
        options.check()
        self.check()
        if options.subset == "validation" and self.validation_split == 0:
            raise DatasetError("There is no validation subset: validation_split is 0.")
        listing = ListingOptions(
            formats=self.formats,
            unknown_share=self.unknown_class_percentage,
            empty_label=self.empty_label,
            empty_share=self.empty_share,
            split=options.split(self.validation_split),
            group_by=self.group_by,
            max_samples_per_class=options.max_samples_per_class,
            follow_links=options.follow_links,
            list_function=options.list_function,
            shuffle_files=options.shuffle_index_dir is not None,
            shuffle_index_directory=options.shuffle_index_dir,
            said=self.said,
        )
        listed = list_samples(options.source, options.classes, listing)
        if options.added_files:
            for name, times in add_samples(listed, options.added_files, options.max_samples_per_class).items():
                n = len(options.added_files[name])
                logger.info("Added %d sample%s of %r, %d times in each epoch.", n, "s" * (n != 1), name, times)
        return SampleBatches(self, options, listed)

    # -- what a medium defines; see SampleMaker ----------------------------------------------------------------

    @abstractmethod
    def open_bank(self, paths: Sequence[str | None], options: FlowOptions, augment: bool) -> BankT:
        """Return the bank that decodes these files."""

    @abstractmethod
    def hold(self, samples: Sequence[npt.NDArray[Any]], transforms: TransformsT) -> BankT:
        """Return a bank of samples that a user's function returned."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, bank: BankT, indices: npt.NDArray[np.int64]) -> TransformsT:
        """Draw the random parameters of a batch."""

    @abstractmethod
    def no_transforms(self, n: int) -> TransformsT:
        """Return parameters for ``n`` samples that change nothing."""

    @property
    @abstractmethod
    def augmented_shape(self) -> tuple[int, ...]:
        """Shape of one augmented sample."""

    @property
    @abstractmethod
    def augmented_dtype(self) -> npt.DTypeLike:
        """Data type of augmented samples."""

    @abstractmethod
    def augment(
        self, bank: BankT, indices: npt.NDArray[np.int64], transforms: TransformsT, out: npt.NDArray[Any]
    ) -> Samples:
        """Augment samples and bring them to the same shape."""

    @abstractmethod
    def as_function_input(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Convert samples, decoded or augmented, to what a user's function expects."""

    @abstractmethod
    def from_function(self, sample: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Convert a sample that a user's function returned to the data type :attr:`augmented_dtype`."""

    @abstractmethod
    def features(self, samples: Samples) -> npt.NDArray[Any]:
        """Return what the model is trained on, before normalization."""

    @abstractmethod
    def write(self, path: str, sample: npt.NDArray[Any]) -> None:
        """Write one augmented sample to a file."""

    @abstractmethod
    def process_params(self, options: FlowOptions, class_indices: dict[str, int], directory: str) -> object:
        """Return the first argument of the user's functions."""


def check_dtype(name: str, dtype: npt.DTypeLike | None) -> None:
    """Check a setting that holds a data type.

    Raises:
        SettingError: The value is not a NumPy data type.
    """
    try:
        np.dtype("float32" if dtype is None else dtype)
    except TypeError:
        raise SettingError(f"{name} is {dtype!r}, which is not a NumPy data type.") from None
