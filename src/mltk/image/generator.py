"""The image data generator: augmented images for training.

::

    my_model.datagen = ParallelImageDataGenerator(
        rotation_range=15,
        width_shift_range=5,
        zoom_range=0.1,
        contrast_range=(0.8, 1.2),
        samplewise_center=True,
        samplewise_std_normalization=True,
        validation_split=0.1,
    )

The steps: rotate, shift, shear, zoom and flip in one step, shift the channels, change brightness and contrast, add
noise, normalize.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.bank import DEFAULT_MEMORY_LIMIT_BYTES
from mltk.data.pipeline.findings import Findings
from mltk.data.pipeline.hooks import UserFunction
from mltk.data.pipeline.ranges import Range
from mltk.data.splitting import GroupBy
from mltk.errors import DatasetError, SettingError
from mltk.image.augment import warp
from mltk.image.flow import ImageFlowOptions
from mltk.image.flow_methods import ImageFlows
from mltk.image.image_format import ImageFormat
from mltk.image.standardize import Statistics, fit_statistics
from mltk.image.transforms import Shift, Transforms


class ParallelImageDataGenerator(ImageFlows):
    """Makes batches of images from files or arrays, with random augmentation, in threads.

    ``get_batch_function`` and the ``…processing_function`` are called in worker processes if these can load the
    specification.

    Args:
        cores: Threads (or worker processes) that make batches: their number, or a share of the cores if below 1.
        debug: Call own functions in this process, where a debugger can stop in them.
        max_batches_pending: Batches that are made ahead.
        get_batch_function: Makes whole batches: ``f(batch_index, filenames, classes, params)`` returns
            ``(batch_index, (x, y))``.
        preprocessing_function: ``f(params, x)`` returns an image; called after augmentation and before normalization,
            with float32 [height, width, channels].
        noaug_preprocessing_function: The same, called before augmentation with uint8 [height, width, channels].
        validation_augmentation_enabled: Augment validation images too.
        contrast_range: Factor of the contrast, ``(lowest, highest)``.
        noise: Kinds of noise, of ``gauss poisson s&p speckle``; each image gets one of them.
        random_transforms_enabled: Augment.
        max_samples_per_class: Most samples of a class; -1 is all.
        disable_gpu_in_subprocesses: Hide GPUs from worker processes.
        save_to_dir: Folder for the augmented images of each batch, for looking at; None saves nothing.
        save_prefix: Start of the names of these files.
        save_format: File name extension of these files; None is png.
        batch_size: Images in a batch of ``flow_from_directory``, if it gets no batch size.
        featurewise_center: Subtract the mean of the dataset, which ``fit`` computes.
        samplewise_center: Subtract each image's mean.
        featurewise_std_normalization: Divide by the standard deviation of the dataset, which ``fit`` computes.
        samplewise_std_normalization: Divide each image by its standard deviation.
        zca_whitening: Multiply the values of an image by a matrix that ``fit`` computes, which decorrelates them.
        zca_epsilon: Added to the variances for it.
        rotation_range: Largest rotation in degrees.
        width_shift_range: Horizontal shift: a float below 1 is a share of the width, a float a number of pixels, an
            integer ``k`` whole pixels below ``k``, a list the possible shifts.
        height_shift_range: Vertical shift, likewise.
        brightness_range: Factor of the brightness, ``(lowest, highest)``.
        shear_range: Largest shear in degrees.
        zoom_range: ``(lowest, highest)`` factor of the part that is seen, or one number for 1 - number to 1 + number.
            Above 1, the image becomes smaller. Width and height are drawn separately.
        channel_shift_range: Largest value that is added to all channels.
        fill_mode: What is outside of an image: ``nearest``, ``constant``, ``reflect`` or ``wrap``.
        cval: Value outside of an image for ``constant``.
        horizontal_flip: Exchange left and right in half of the images.
        vertical_flip: Exchange top and bottom in half of the images.
        rescale: Factor that images are multiplied by.
        data_format: ``"channels_last"``; for compatibility with MLTK 0.20.
        validation_split: Share of the files for validation, 0 to 1.
        interpolation_order: How a moved image is sampled: 0 takes the nearest pixel, 1 is bilinear, 3 is bicubic.
        dtype: Data type of the finished images; None is float32.
        samplewise_normalize_range: Scale each image to ``(lowest, highest)``.
        postprocessing_function: ``f(params, x)`` returns an image; called after ``preprocessing_function``.
        unknown_class_percentage: Size of class ``_unknown_``, as a share of the mean size of the other classes, if it
            has no folder. Its images are drawn from the classes that are not named.
        keep_aspect_ratio: Cut the center out of an image of another aspect ratio, instead of distorting it.
        bits: 16 keeps 16 bits of each value: images are from 0 to 65535. Values of 8 bits are multiplied by 257.
        group_by: Keeps the files of a group on one side of ``validation_split``: a function returns the group of a
            path, ``"auto"`` guesses it from the file name, None splits each class in the order of names.
        max_unreadable: Largest share of unreadable files, which are named and skipped. One unreadable file is always
            allowed, except if the share is 0.
        memory_limit_bytes: Most bytes of decoded images in memory; the rest is decoded again in each epoch.

    Raises:
        SettingError: A range or a name is impossible.
    """

    def __init__(
        self,
        *,
        cores: float = 0.25,
        debug: bool = False,
        max_batches_pending: int = 4,
        get_batch_function: UserFunction | None = None,
        preprocessing_function: UserFunction | None = None,
        noaug_preprocessing_function: UserFunction | None = None,
        validation_augmentation_enabled: bool = True,
        contrast_range: Range | None = None,
        noise: str | Sequence[str] | None = None,
        random_transforms_enabled: bool = True,
        max_samples_per_class: int = -1,
        disable_gpu_in_subprocesses: bool = True,
        save_to_dir: str | None = None,
        save_prefix: str | None = None,
        save_format: str | None = None,
        batch_size: int | None = None,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Shift = 0.0,
        height_shift_range: Shift = 0.0,
        brightness_range: Range | None = None,
        shear_range: float = 0.0,
        zoom_range: float | Range = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: npt.DTypeLike | None = None,
        samplewise_normalize_range: Range | None = None,
        postprocessing_function: UserFunction | None = None,
        unknown_class_percentage: float | None = 1.0,
        keep_aspect_ratio: bool = False,
        bits: int = 8,
        group_by: GroupBy = None,
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
            samplewise_center=samplewise_center or samplewise_std_normalization,
            samplewise_std_normalization=samplewise_std_normalization,
            samplewise_normalize_range=samplewise_normalize_range,
            rescale=rescale,
            validation_split=validation_split,
            validation_augmentation_enabled=validation_augmentation_enabled,
            dtype="float32" if dtype is None else dtype,
            unknown_class_percentage=unknown_class_percentage,
            disable_random_transforms=not random_transforms_enabled,
            disable_gpu_in_subprocesses=disable_gpu_in_subprocesses,
            group_by=group_by,
            max_unreadable=max_unreadable,
            memory_limit_bytes=memory_limit_bytes,
        )
        self.contrast_range = contrast_range
        self.noise = noise
        self.max_samples_per_class = max_samples_per_class
        self.save_to_dir, self.save_prefix, self.save_format = save_to_dir, save_prefix, save_format
        self.batch_size = batch_size
        self.zca_whitening, self.zca_epsilon = zca_whitening, zca_epsilon
        self.featurewise_std_normalization = featurewise_std_normalization
        self.featurewise_center = featurewise_center or featurewise_std_normalization or zca_whitening
        self.rotation_range = rotation_range
        self.width_shift_range, self.height_shift_range = width_shift_range, height_shift_range
        self.brightness_range = brightness_range
        self.shear_range = shear_range
        self.zoom_range = zoom_range
        self.channel_shift_range = channel_shift_range
        self.fill_mode, self.cval = fill_mode, cval
        self.horizontal_flip, self.vertical_flip = horizontal_flip, vertical_flip
        self.data_format = "channels_last" if data_format is None else data_format
        self.interpolation_order = interpolation_order
        self.keep_aspect_ratio, self.bits = keep_aspect_ratio, bits
        self.statistics = Statistics()
        self.findings = Findings()
        self._draws = np.random.default_rng()
        self.check()

    def check(self) -> None:
        """Check the settings. It is called again when samples are loaded.

        Raises:
            SettingError: A setting is impossible.
        """
        super().check()
        self.ranges()
        warp.check_fill_mode(self.fill_mode)
        if self.data_format != "channels_last":
            raise SettingError(
                f"data_format is {self.data_format!r}.", hint='openmltk makes images with data_format="channels_last".'
            )
        if self.bits not in (8, 16):
            raise SettingError(f"bits is {self.bits!r}; it must be 8 or 16.")

    @property
    def random_transforms_enabled(self) -> bool:
        """Whether images are augmented."""
        return not self.disable_random_transforms

    @random_transforms_enabled.setter
    def random_transforms_enabled(self, value: bool) -> None:
        self.disable_random_transforms = not value

    @property
    def mean(self) -> npt.NDArray[Any] | None:
        """Mean of the dataset, which :meth:`fit` computes: float32 [1, 1, channels]."""
        return self.statistics.mean

    @mean.setter
    def mean(self, value: npt.ArrayLike | None) -> None:
        self.statistics.mean = None if value is None else np.asarray(value, np.float32)

    @property
    def std(self) -> npt.NDArray[Any] | None:
        """Standard deviation of the dataset, which :meth:`fit` computes: float32 [1, 1, channels]."""
        return self.statistics.std

    @std.setter
    def std(self, value: npt.ArrayLike | None) -> None:
        self.statistics.std = None if value is None else np.asarray(value, np.float32)

    # -- augmentation ------------------------------------------------------------------------------------------

    def get_random_transform(self, img_shape: Sequence[int], seed: int | None = None) -> dict[str, Any]:
        """Draw the random parameters of one image.

        Args:
            img_shape: (height, width, …) of the image.
            seed: Fixes what is drawn; None draws from the data generator's own generator.

        Returns:
            The parameters by their names in MLTK 0.20; see :meth:`apply_transform`.
        """
        rng = self._draws if seed is None else np.random.default_rng(seed)
        return self.draw_transforms(rng, 1, np.array(img_shape[:2], np.int32)).as_dict(0)

    @property
    def default_transform(self) -> dict[str, Any]:
        """Parameters that change nothing."""
        return Transforms.none(1).as_dict(0)

    def apply_transform(self, x: npt.ArrayLike, transform_parameters: Mapping[str, Any]) -> npt.NDArray[np.float32]:
        """Apply the effects that ``transform_parameters`` describes to one image.

        Args:
            x: Image [height, width, channels] with values from 0 to 255, or floats from 0 to 1.
            transform_parameters: Parameters that :meth:`get_random_transform` returned. ``tx`` moves the image along
                its width, ``ty`` along its height.

        Returns:
            float32 [height, width, channels].
        """
        image = np.asarray(x)
        if image.ndim != 3:
            raise DatasetError(f"The image has shape {image.shape}; it must be [height, width, channels].")
        wanted = ImageFormat(*image.shape)
        steps = self.for_format(wanted, image)
        transforms = Transforms.from_dict(transform_parameters, int(self._draws.integers(2**31 - 1)))
        noise_kind = transforms.noise[0]
        if noise_kind is not None:
            steps.noise = [noise_kind]
            steps.ranges()
        out = np.empty((1, *image.shape), np.float32)
        steps.augment(steps.hold([image], transforms), np.arange(1), transforms, out)
        augmented: npt.NDArray[np.float32] = out[0]
        return augmented

    def random_transform(self, x: npt.ArrayLike, seed: int | None = None) -> npt.NDArray[np.float32]:
        """Draw random parameters and apply them to one image; see :meth:`apply_transform`."""
        return self.apply_transform(x, self.get_random_transform(np.shape(x), seed))

    def fit(self, x: npt.ArrayLike, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Compute the mean and deviation of a dataset, for the ``featurewise_…`` settings and ``zca_whitening``.

        Args:
            x: Images [samples, height, width, channels].
            augment: Augment the images before.
            rounds: How often each image is augmented.
            seed: Fixes the augmentation.

        Raises:
            DatasetError: The images do not have four dimensions.
        """
        images = np.asarray(x)
        if images.ndim != 4 or not len(images):
            raise DatasetError(
                f"fit() got an array of shape {images.shape}; it needs [samples, height, width, channels]."
            )
        if augment:
            rng = np.random.default_rng(seed)
            steps = self.for_format(ImageFormat(*images.shape[1:]), images)
            outs = np.empty((rounds, *images.shape), np.float32)
            bank, indices = steps.open_bank([], self._array_options(images), True), np.arange(len(images))
            images = np.concatenate([steps.augment(bank, indices, steps.draw(rng, bank, indices), out) for out in outs])
        self.statistics = fit_statistics(
            images,
            center=self.featurewise_center,
            std_normalization=self.featurewise_std_normalization,
            whitening=self.zca_whitening,
            zca_epsilon=self.zca_epsilon,
        )

    def _array_options(self, images: npt.NDArray[Any]) -> ImageFlowOptions:
        return ImageFlowOptions(source={}, classes=[], wanted=ImageFormat(*images.shape[1:]), images=images)
