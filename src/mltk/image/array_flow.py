"""Batches of images in memory: the ``flow`` method of the data generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.listing import SampleList
from mltk.errors import DatasetError
from mltk.image.flow import ImageFlowOptions, TargetBatches
from mltk.image.image_format import ImageFormat
from mltk.image.steps import ImageSteps

Array = npt.NDArray[Any]
_NAMELESS = "image"


@dataclass
class ArraySamples:
    """Images in memory, and what belongs to each of them.

    Attributes:
        images: [samples, height, width, channels]: integers, or floats.
        labels: [samples, ...]: Labels of any kind; None is no labels.
        weights: [samples]: Weight of each sample in the loss; None is no weights.
        more_inputs: More inputs of the model [samples, ...], which are not changed.
        class_ids: int [samples]: Class of each sample; None if there are no classes.
        classes: Names of the classes.
    """

    images: Array
    labels: Array | None = None
    weights: Array | None = None
    more_inputs: Sequence[Array] = ()
    class_ids: npt.NDArray[np.int64] | None = None
    classes: Sequence[str] = (_NAMELESS,)

    def __len__(self) -> int:
        return len(self.images)

    def take(self, chosen: slice | npt.NDArray[np.int64]) -> ArraySamples:
        """Return some of the samples."""
        return ArraySamples(
            self.images[chosen],
            None if self.labels is None else self.labels[chosen],
            None if self.weights is None else self.weights[chosen],
            [more[chosen] for more in self.more_inputs],
            None if self.class_ids is None else self.class_ids[chosen],
            self.classes,
        )

    def limited(self, most: int) -> ArraySamples:
        """Return the first ``most`` samples of each class; all if it is not positive or there are no classes."""
        if most <= 0 or self.class_ids is None:
            return self
        firsts = [np.flatnonzero(self.class_ids == k)[:most] for k in range(len(self.classes))]
        return self.take(np.sort(np.concatenate(firsts)))

    def subset(self, name: str | None, share: float) -> ArraySamples:
        """Return the part of the samples for training or validation.

        Args:
            name: ``"training"``, ``"validation"``, or None for all.
            share: Share of the samples for validation: the first ones, as in Keras.

        Raises:
            DatasetError: The parts do not have the same classes.
        """
        if name is None or not share:
            return self
        n = int(len(self) * share)
        if self.labels is not None and self.labels.ndim == 1 and self.labels.dtype.kind in "iubUSO":
            first, rest = np.unique(self.labels[:n]), np.unique(self.labels[n:])
            if not np.array_equal(first, rest):
                raise DatasetError(
                    f"The first {n} samples, for validation, have {len(first)} classes; the others have {len(rest)}.",
                    hint="Shuffle the arrays, so that both parts have all classes.",
                )
        return self.take(slice(0, n) if name == "validation" else slice(n, None))


def checked_samples(x: Any, y: Any = None, weights: Any = None) -> ArraySamples:
    """Read the arguments of ``flow``.

    Args:
        x: Images [samples, height, width, channels]; or a tuple or list of the images and more inputs of the model.
        y: Labels [samples, ...], or None.
        weights: Weight of each sample [samples], or None.

    Raises:
        DatasetError: The arrays are not images, or do not have the same number of samples.
    """
    more: list[Array] = []
    if isinstance(x, (tuple, list)) and len(x) == 2:
        others = x[1] if isinstance(x[1], (tuple, list)) else [x[1]]
        x, more = x[0], [np.asarray(part) for part in others]
    images = np.asarray(x)
    if images.ndim != 4 or not images.size:
        raise DatasetError(
            f"flow() got an array of shape {images.shape}; images are [samples, height, width, channels].",
            hint="Add a dimension to gray images: x[..., numpy.newaxis]." if images.ndim == 3 else None,
        )
    if images.dtype.kind not in "biuf":
        raise DatasetError(f"The images are of type {images.dtype}; they must be numbers.")
    if images.dtype.kind == "b" or images.dtype.itemsize > 4 or (images.dtype.kind in "iu" and images.itemsize > 2):
        images = images.astype(np.float32)
    labels, weight = (None if part is None else np.asarray(part) for part in (y, weights))
    for what, part in (("y", labels), ("sample_weight", weight), *(("x[1]", m) for m in more)):
        if part is not None and (part.ndim == 0 or len(part) != len(images)):
            raise DatasetError(f"x has {len(images)} images, but {what} has the shape {part.shape}.")
    return ArraySamples(images, labels, weight, more)


def array_batches(
    generator: ImageSteps,
    samples: ArraySamples,
    *,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int | None = None,
    save_to_dir: str | None = None,
    save_prefix: str = "",
    save_format: str = "png",
    subset: str | None = None,
    class_mode: str | None = "raw",
    augment: bool | None = None,
) -> TargetBatches:
    """Return batches of images in memory.

    Args:
        generator: Data generator.
        samples: The images, of the subset.
        batch_size: Images in a batch; the last batch of an epoch may be smaller.
        shuffle: Draw a new order for each epoch.
        seed: Fixes order and augmentation; None draws a seed from NumPy's global generator.
        save_to_dir: Folder for the augmented images; None saves nothing.
        save_prefix: Start of the names of these files.
        save_format: File name extension of these files.
        subset: ``"training"``, ``"validation"`` or None; decides whether images are augmented.
        class_mode: ``"input"`` makes the images the labels; any other mode returns the labels as they are.
        augment: False turns augmentation off; None follows the generator's settings.

    Raises:
        DatasetError: There are no samples.
    """
    if not len(samples):
        raise DatasetError(f"There are no samples for {subset or 'this subset'}.")
    generator.check()
    wanted = ImageFormat(*samples.images.shape[1:])
    options = ImageFlowOptions(
        source={},
        classes=list(samples.classes),
        class_mode=class_mode,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        subset=subset,
        save_to_dir=save_to_dir,
        save_prefix=save_prefix,
        save_format=save_format,
        augment=augment,
        wanted=wanted,
        color_mode={1: "grayscale", 4: "rgba"}.get(wanted.channels, "rgb"),
        batch_shape=(batch_size, *wanted.shape),
        images=samples.images,
    )
    ids = np.zeros(len(samples), np.int64) if samples.class_ids is None else samples.class_ids
    listed = SampleList("", list(samples.classes), [None] * len(samples), [int(i) for i in ids])
    targets = [] if samples.labels is None or class_mode == "input" else [samples.labels]
    steps = generator.for_format(wanted, samples.images)
    return TargetBatches(steps, options, listed, targets, samples.weights, samples.more_inputs)
