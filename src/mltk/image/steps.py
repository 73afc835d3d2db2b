"""The steps of the data pipeline that know images: decode, draw, augment, normalize."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from mltk.data.pipeline.batches import Samples
from mltk.data.pipeline.findings import Findings
from mltk.data.pipeline.flow import FlowOptions
from mltk.data.pipeline.generator import ParallelDataGenerator
from mltk.data.pipeline.ranges import Range, check_range
from mltk.errors import DatasetError, SettingError
from mltk.image.augment import color, noise, warp
from mltk.image.files import IMAGE_FORMATS, write_image
from mltk.image.flow import ImageFlowOptions
from mltk.image.image_bank import ImageBank
from mltk.image.image_format import ImageFormat, white_of
from mltk.image.process_params import ParallelProcessParams
from mltk.image.standardize import Statistics, standardize_images
from mltk.image.transforms import Ranges, Shift, Transforms, check_shift


class ImageSteps(ParallelDataGenerator[Transforms, ImageBank]):
    """What images do in each step of the pipeline; see :class:`~mltk.data.pipeline.batches.SampleMaker`.

    :class:`~mltk.image.generator.ParallelImageDataGenerator` assigns the attributes, and documents them. Its ``flow``
    methods make a copy of the generator for one format of images.
    """

    formats = IMAGE_FORMATS

    rotation_range: float
    width_shift_range: Shift
    height_shift_range: Shift
    shear_range: float
    zoom_range: float | Range
    channel_shift_range: float
    brightness_range: Range | None
    contrast_range: Range | None
    horizontal_flip: bool
    vertical_flip: bool
    noise: str | Sequence[str] | None
    fill_mode: str
    cval: float
    interpolation_order: int
    statistics: Statistics
    findings: Findings
    wanted: ImageFormat
    """Format of the images of one ``flow`` method."""
    white: float
    """Largest value of a channel."""

    def ranges(self) -> Ranges:
        """Return the ranges that parameters are drawn from.

        Raises:
            SettingError: A range is impossible.
        """
        factors = "factors"
        return Ranges(
            rotation=_limit("rotation_range", self.rotation_range),
            width_shift=check_shift("width_shift_range", self.width_shift_range),
            height_shift=check_shift("height_shift_range", self.height_shift_range),
            shear=_limit("shear_range", self.shear_range),
            zoom=self._checked_zoom(),
            channel_shift=_limit("channel_shift_range", self.channel_shift_range),
            brightness=check_range("brightness_range", self.brightness_range, 0, 1000, factors),
            contrast=check_range("contrast_range", self.contrast_range, 0, 1000, factors),
            horizontal_flip=bool(self.horizontal_flip),
            vertical_flip=bool(self.vertical_flip),
            noise=noise.check_kinds(self.noise),
        )

    def _checked_zoom(self) -> Range:
        zoom: Any = self.zoom_range
        if isinstance(zoom, (int, float)):
            zoom = (1 - zoom, 1 + zoom)
        return check_range("zoom_range", zoom, 0.01, 100, "factors, above 1 smaller") or (1.0, 1.0)

    # -- decode ------------------------------------------------------------------------------------------------

    def open_bank(self, paths: Sequence[str | None], options: FlowOptions, augment: bool) -> ImageBank:
        """Return the bank that decodes these files."""
        images = options.images if isinstance(options, ImageFlowOptions) else None
        if images is not None:
            return ImageBank.of(images, self.wanted)
        bank = ImageBank(
            paths,
            self.wanted,
            max_unreadable=self.max_unreadable,
            memory_limit_bytes=self.memory_limit_bytes,
            findings=self.findings,
        )
        self.findings.wait_for(bank)
        return bank

    def share_reports(self, other: ParallelDataGenerator[Any, Any]) -> None:
        """Do not say what the other data generator said about the same files."""
        super().share_reports(other)
        if isinstance(other, ImageSteps):
            self.findings = other.findings

    def hold(self, samples: Sequence[npt.NDArray[Any]], transforms: Transforms) -> ImageBank:
        """Return a bank of images that a user's function returned."""
        images = [sample if sample.ndim == 3 else sample[..., np.newaxis] for sample in samples]
        for image in images:
            if self.wanted.resizes and image.shape != self.wanted.shape:
                raise DatasetError(
                    f"noaug_preprocessing_function() returned an image of shape {image.shape}.",
                    hint=f"It must return {self.wanted.shape}: (height, width, channels).",
                )
        kind = np.result_type(*images) if images else np.dtype(np.float32)
        return ImageBank.of([np.asarray(image, kind) for image in images], self.wanted)

    # -- augment -----------------------------------------------------------------------------------------------

    def draw(self, rng: np.random.Generator, bank: ImageBank, indices: npt.NDArray[np.int64]) -> Transforms:
        """Draw the random parameters of a batch."""
        return self.draw_transforms(rng, len(indices), bank.sizes(indices))

    def draw_transforms(self, rng: np.random.Generator, n: int, sizes: npt.NDArray[np.int32]) -> Transforms:
        """Draw the random parameters of ``n`` images.

        Args:
            rng: Generator to draw from.
            n: Number of images.
            sizes: int32 [n, 2] or [2]: (height, width) of the images.
        """
        if self.disable_random_transforms:
            return self.no_transforms(n)
        return Transforms.draw(rng, n, self.ranges(), sizes)

    def no_transforms(self, n: int) -> Transforms:
        """Return parameters for ``n`` images that change nothing."""
        return Transforms.none(n)

    @property
    def augmented_shape(self) -> tuple[int, ...]:
        """Shape of one augmented image: (height, width, channels)."""
        return self.wanted.shape

    @property
    def augmented_dtype(self) -> npt.DTypeLike:
        """Data type of an augmented image: float32."""
        return np.float32

    def augment(
        self, bank: ImageBank, indices: npt.NDArray[np.int64], transforms: Transforms, out: npt.NDArray[Any]
    ) -> Samples:
        """Augment images: float32 [n, height, width, channels], or a list if they keep their sizes."""
        matrices = transforms.matrices(bank.sizes(indices))
        stays = warp.are_identities(matrices)
        images = bank.samples(indices)
        places = (
            list(out[: len(indices)])
            if self.wanted.resizes
            else [np.empty(image.shape, np.float32) for image in images]
        )
        for image, place, matrix, unmoved in zip(images, places, matrices, stays, strict=True):
            if unmoved:
                place[...] = image
            else:
                source = image.astype(np.float32)
                warp.apply(source, matrix, place, self.fill_mode, self.cval, self.interpolation_order)
        augmented = out[: len(indices)] if self.wanted.resizes else places
        color.change_colors(augmented, transforms.color_changes(), self.white)
        return augmented

    def as_function_input(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a copy of samples, which a user's function may change."""
        return samples.copy()

    def from_function(self, sample: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Convert an image that a user's effect returned to float32."""
        return np.asarray(sample, np.float32)

    # -- finish ------------------------------------------------------------------------------------------------

    def features(self, samples: Samples) -> npt.NDArray[Any]:
        """Return the images of a batch as one array [n, height, width, channels]."""
        if isinstance(samples, np.ndarray):
            return samples
        shapes = {sample.shape for sample in samples}
        if len(shapes) > 1:
            examples = ", ".join(map(str, sorted(shapes)[:3]))
            raise DatasetError(
                f"The images of a batch have {len(shapes)} different shapes, for example {examples}.",
                hint="Set interpolation, which resizes them; or let preprocessing_function() return images of the same "
                "shape.",
            )
        return np.stack(samples)

    def standardize(self, sample: npt.ArrayLike) -> npt.NDArray[Any]:
        """Normalize one image as the settings say, as float32 of the same shape."""
        return np.asarray(self._standardized(np.asarray(sample, np.float32)[np.newaxis], np.dtype(np.float32))[0])

    def standardize_batch(self, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Normalize images [n, ...]; the result is a new array with the data type :attr:`dtype`."""
        return self._standardized(samples, np.dtype(self.dtype))

    def _standardized(self, samples: npt.NDArray[Any], dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        return standardize_images(
            samples,
            dtype,
            rescale=self.rescale,
            center=self.samplewise_center,
            std_normalization=self.samplewise_std_normalization,
            normalize_range=self.samplewise_normalize_range,
            statistics=self.statistics,
        )

    def write(self, path: str, sample: npt.NDArray[Any]) -> None:
        """Write one augmented image to a file, with the brightest value as white."""
        write_image(path, sample * np.float32(255 / self.white))

    def process_params(
        self, options: FlowOptions, class_indices: dict[str, int], directory: str
    ) -> ParallelProcessParams:
        """Return the first argument of the user's functions."""
        options = cast(ImageFlowOptions, options)
        return ParallelProcessParams(
            image_data_generator=self,
            target_size=self.wanted.shape[:2],
            batch_shape=options.batch_shape,
            color_mode=options.color_mode,
            data_format="channels_last",
            save_to_dir=options.save_to_dir,
            save_prefix=options.save_prefix,
            save_format=options.save_format,
            subset=options.subset,
            interpolation=self.wanted.interpolation,
            class_indices=class_indices,
            dtype=self.dtype,
            directory=directory,
            class_mode=options.class_mode,
            get_batch_function=self.get_batch_function,
            preprocessing_function=self.preprocessing_function,
            noaug_preprocessing_function=self.noaug_preprocessing_function,
            validation_split=self.validation_split,
            split=options.split(self.validation_split),
        )

    def for_format(self, wanted: ImageFormat, images: npt.NDArray[Any] | None = None) -> ImageSteps:
        """Return a copy of the data generator for images of one format.

        Args:
            wanted: Format of the images.
            images: Images in memory, whose values decide what is white; None for files.
        """
        made = object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        made.wanted = wanted
        made.white = wanted.white if images is None else white_of(images)
        return made


def _limit(name: str, value: object) -> float:
    """Return a setting that is the largest absolute value of a parameter."""
    try:
        limit = float(value)  # type: ignore[arg-type]  # a TypeError is expected here
    except (TypeError, ValueError):
        raise SettingError(f"{name} is {value!r}; it must be a number.") from None
    if not np.isfinite(limit):
        raise SettingError(f"{name} is {value!r}; it must be finite.")
    return abs(limit)
