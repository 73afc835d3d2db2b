"""The ``flow`` methods of the image data generator: batches from a folder, from arrays, and from a table of files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy.typing as npt

from mltk.data.class_files import ClassFiles, Source
from mltk.data.listing import SampleList
from mltk.data.pipeline.hooks import UserFunction
from mltk.errors import DatasetError
from mltk.image.array_flow import array_batches, checked_samples
from mltk.image.dataframe_flow import read_table
from mltk.image.flow import ImageBatches, ImageFlowOptions, TargetBatches, checked_subset
from mltk.image.image_format import ImageFormat, checked_channels, checked_interpolation, checked_size, color_mode_of
from mltk.image.steps import ImageSteps


class ImageFlows(ImageSteps):
    """The ``flow`` methods of :class:`~mltk.image.generator.ParallelImageDataGenerator`, which has the attributes."""

    featurewise_center: bool
    max_samples_per_class: int
    save_to_dir: str | None
    save_prefix: str | None
    save_format: str | None
    batch_size: int | None
    keep_aspect_ratio: bool
    bits: int

    def _say_if_not_fitted(self) -> None:
        if self.featurewise_center and self.statistics.mean is None:
            self.say(
                "featurewise_center, featurewise_std_normalization and zca_whitening have no effect yet: "
                "call fit(images) of the data generator before."
            )

    def _format(self, target_size: Sequence[int], color_mode: str, interpolation: str | None) -> ImageFormat:
        height, width = checked_size(target_size)
        return ImageFormat(
            height,
            width,
            checked_channels(color_mode),
            "nearest" if interpolation is None else checked_interpolation(interpolation),
            interpolation is not None,
            self.keep_aspect_ratio,
            self.bits,
        )

    # -- batches -----------------------------------------------------------------------------------------------

    def flow_from_directory(
        self,
        directory: Source,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int | None = None,
        batch_shape: Sequence[int] | None = None,
        shuffle: bool = True,
        shuffle_index_dir: str | None = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str | None = None,
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str | None = "bilinear",
        list_valid_filenames_in_directory_function: UserFunction | None = None,
        class_counts: dict[str, int] | None = None,
        *,
        max_samples_per_class: int = -1,
        augment: bool | None = None,
        added_files: Mapping[str, Sequence[str]] | None = None,
    ) -> ImageBatches:
        """Return batches of the images of a dataset.

        Args:
            directory: Folder of class folders, dict ``{class: folder or paths}``, or list of ``(path, class)``.
            target_size: (height, width) that images are resized to.
            color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``; ``"auto"`` is that of ``batch_shape``.
            classes: Names of the classes; None is all class folders, in the order of their names.
            class_mode: Kind of the labels: ``"categorical"`` (one-hot), ``"sparse"`` or ``"binary"`` (class indices),
                ``"input"`` (the images themselves), None (no labels).
            batch_size: Images in a batch; the last batch of an epoch may be smaller. None is the data generator's
                ``batch_size``, or 32.
            batch_shape: Shape of a batch of finished images, for your own functions.
            shuffle: Draw a new order for each epoch.
            shuffle_index_dir: If given, files are chosen and split in an order that looks random, not by name.
            seed: Fixes order and augmentation; None draws a seed from NumPy's global generator.
            save_to_dir: Folder for the augmented images; None is that of the data generator.
            save_prefix: Start of the names of these files.
            save_format: File name extension of these files.
            follow_links: Enter folders that are symbolic links.
            subset: ``"training"`` or ``"validation"``, the parts of ``validation_split``; None is all samples.
            interpolation: Filter that changes the size: ``nearest bilinear bicubic lanczos box hamming``. None keeps
                the size of each file; then ``preprocessing_function`` must return images of the same shape.
            list_valid_filenames_in_directory_function: Lists and splits the files of a class; see the guide.
            class_counts: Dict that receives class → number of samples.
            max_samples_per_class: Most samples of a class; -1 is the data generator's ``max_samples_per_class``.
            augment: False turns augmentation off; None follows the generator's settings.
            added_files: Class → absolute paths of more samples, which no split takes apart.

        Raises:
            DatasetError: The dataset is missing, empty, or lacks a class; or an argument is impossible.
        """
        if color_mode == "auto":
            color_mode = color_mode_of(int(batch_shape[-1])) if batch_shape else "rgb"
        wanted = self._format(target_size, color_mode, interpolation)
        size = batch_size or self.batch_size or (int(batch_shape[0]) if batch_shape and batch_shape[0] else 32)
        self._say_if_not_fitted()
        options = ImageFlowOptions(
            source=directory,
            classes=ClassFiles(directory, self.formats, follow_links).names() if classes is None else list(classes),
            class_mode=class_mode,
            batch_size=size,
            shuffle=shuffle,
            shuffle_index_dir=shuffle_index_dir,
            seed=seed,
            follow_links=follow_links,
            subset=subset,
            max_samples_per_class=max_samples_per_class if max_samples_per_class > 0 else self.max_samples_per_class,
            list_function=list_valid_filenames_in_directory_function,
            class_counts=class_counts,
            save_to_dir=save_to_dir or self.save_to_dir,
            save_prefix=save_prefix or self.save_prefix or "",
            save_format=self.save_format or save_format,
            augment=augment,
            added_files=added_files,
            wanted=wanted,
            color_mode=color_mode,
            batch_shape=tuple(batch_shape) if batch_shape else (size, *wanted.shape),
        )
        return self.for_format(wanted).batches_of(options)

    def flow(
        self,
        x: Any,
        y: npt.ArrayLike | None = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: npt.ArrayLike | None = None,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        *,
        augment: bool | None = None,
    ) -> TargetBatches:
        """Return batches of images in memory.

        Args:
            x: Images [samples, height, width, channels]; or a tuple of the images and more inputs of the model, which
                are not changed. Integers, and floats up to 255, have white at the largest value of their type or at
                255. Floats up to 1 have white at 1.
            y: Labels [samples, ...], returned as they are; None is no labels.
            batch_size: Images in a batch; the last batch of an epoch may be smaller.
            shuffle: Draw a new order for each epoch.
            sample_weight: Weight of each sample in the loss [samples].
            seed: Fixes order and augmentation; None draws a seed from NumPy's global generator.
            save_to_dir: Folder for the augmented images; None is that of the data generator.
            save_prefix: Start of the names of these files.
            save_format: File name extension of these files.
            subset: ``"training"`` or ``"validation"``, the parts of ``validation_split``: the first images are for
                validation. None is all.
            augment: False turns augmentation off; None follows the generator's settings.

        Raises:
            DatasetError: The arrays are not images, or do not have the same number of samples.
        """
        self._say_if_not_fitted()
        samples = checked_samples(x, y, sample_weight)
        return array_batches(
            self,
            samples.subset(checked_subset(subset, self.validation_split), self.validation_split),
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            save_to_dir=save_to_dir or self.save_to_dir,
            save_prefix=save_prefix or self.save_prefix or "",
            save_format=self.save_format or save_format,
            subset=subset,
            augment=augment,
        )

    def flow_from_dataframe(
        self,
        dataframe: Any,
        directory: str | None = None,
        x_col: str = "filename",
        y_col: str | Sequence[str] = "class",
        weight_col: str | None = None,
        target_size: Sequence[int] = (256, 256),
        color_mode: str = "rgb",
        classes: Sequence[str] | None = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "png",
        subset: str | None = None,
        interpolation: str | None = "nearest",
        validate_filenames: bool = True,
        **kwargs: Any,
    ) -> TargetBatches:
        """Return batches of the image files that a table lists.

        Args:
            dataframe: A ``pandas.DataFrame``, or a dict of columns.
            directory: Folder that the file names are relative to; None is the current folder.
            x_col: Column of the file names.
            y_col: Column of the labels; several columns for ``"multi_output"`` and ``"raw"``.
            weight_col: Column of the weight of each sample in the loss.
            target_size: (height, width) that images are resized to.
            color_mode: ``"grayscale"``, ``"rgb"`` or ``"rgba"``.
            classes: Names of the classes; None is all labels, sorted.
            class_mode: Kind of the labels: ``"categorical"`` (one-hot), ``"sparse"`` or ``"binary"`` (class indices),
                ``"raw"`` (the values of the columns), ``"multi_output"`` (one array for each column), ``"input"`` (the
                images themselves), None (no labels).
            batch_size: Images in a batch; the last batch of an epoch may be smaller.
            shuffle: Draw a new order for each epoch.
            seed: Fixes order and augmentation; None draws a seed from NumPy's global generator.
            save_to_dir: Folder for the augmented images; None is that of the data generator.
            save_prefix: Start of the names of these files.
            save_format: File name extension of these files.
            subset: ``"training"`` or ``"validation"``, the parts of ``validation_split``: the first rows are for
                validation. None is all.
            interpolation: Filter that changes the size: ``nearest bilinear bicubic lanczos box hamming``. None keeps
                the size of each file; then ``preprocessing_function`` must return images of the same shape.
            validate_filenames: Leave out files that do not exist or are not images, and say so.
            kwargs: For compatibility with MLTK 0.20; ignored.

        Raises:
            DatasetError: A column is missing, or no file can be used.
        """
        self._say_if_not_fitted()
        folder = "" if directory is None else os.path.abspath(os.path.expanduser(directory))
        table = read_table(dataframe, folder, x_col, y_col, weight_col, classes, class_mode, validate_filenames)
        if table.left_out:
            self.say(
                f"{len(table.left_out)} files of the table do not exist or are not images, and are left out, for "
                f"example {table.left_out[0]}."
            )
        wanted = self._format(target_size, color_mode, interpolation)
        options = ImageFlowOptions(
            source={},
            classes=table.classes,
            class_mode=class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            seed=seed,
            subset=checked_subset(subset, self.validation_split),
            save_to_dir=save_to_dir or self.save_to_dir,
            save_prefix=save_prefix or self.save_prefix or "",
            save_format=self.save_format or save_format,
            wanted=wanted,
            color_mode=color_mode,
            batch_shape=(batch_size, *wanted.shape),
        )
        start, stop = (round(share * len(table.names)) for share in options.split(self.validation_split) or (0, 1))
        part = slice(start, stop)
        listed = SampleList(folder, table.classes, list(table.names[part]), table.class_ids[part])
        if not listed.names:
            raise DatasetError(f"validation_split {self.validation_split} leaves no rows of the table for {subset}.")
        return TargetBatches(
            self.for_format(wanted),
            options,
            listed,
            [target[part] for target in table.targets],
            None if table.weights is None else table.weights[part],
            several=table.several,
        )
