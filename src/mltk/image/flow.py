"""The arguments of the ``flow`` methods of the image data generator, and batches of images in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mltk.data.listing import SampleList
from mltk.data.pipeline.batches import SampleBatches, SampleMaker
from mltk.data.pipeline.flow import FlowOptions
from mltk.errors import DatasetError
from mltk.image.image_bank import ImageBank
from mltk.image.image_format import ImageFormat
from mltk.image.transforms import Transforms

ImageBatches: TypeAlias = SampleBatches[Transforms, ImageBank]
"""Batches of images."""


@dataclass(kw_only=True)
class ImageFlowOptions(FlowOptions):
    """The arguments of ``flow_from_directory`` for images.

    Attributes:
        wanted: What each image is made to.
        color_mode: Color mode of the images.
        batch_shape: Shape of a batch.
        images: Images that are in memory already: [samples, height, width, channels]; None for files.
    """

    wanted: ImageFormat
    color_mode: str = "rgb"
    batch_shape: tuple[int, ...] = ()
    images: npt.NDArray[Any] | None = None


def checked_subset(subset: str | None, share: float) -> str | None:
    """Return ``subset``.

    Args:
        subset: ``"training"``, ``"validation"`` or None for all samples.
        share: Share of the samples for validation.

    Raises:
        DatasetError: There is not a subset of this name, or it has no samples.
    """
    if subset not in ("training", "validation", None):
        raise DatasetError(f"subset is {subset!r}.", hint='It can be "training", "validation" or None.')
    if subset == "validation" and not share:
        raise DatasetError("There is no validation subset: validation_split is 0.")
    return subset


class TargetBatches(SampleBatches[Transforms, ImageBank]):
    """Batches of images with labels of any kind: what ``flow`` and ``flow_from_dataframe`` return.

    Args:
        generator: Settings and steps of the data generator.
        options: Arguments of the ``flow`` method.
        listed: The samples.
        targets: One array [samples, ...] for each output of the model; empty is no labels.
        weights: Weight of each sample [samples]; None is no weights.
        more_inputs: More inputs of the model [samples, ...], which are not changed.
        several: Whether the labels of a batch are a list of arrays.
    """

    def __init__(
        self,
        generator: SampleMaker[Transforms, ImageBank],
        options: FlowOptions,
        listed: SampleList,
        targets: Sequence[npt.NDArray[Any]],
        weights: npt.NDArray[Any] | None = None,
        more_inputs: Sequence[npt.NDArray[Any]] = (),
        several: bool = False,
    ) -> None:
        super().__init__(generator, options, listed)
        self._targets, self._weights = list(targets), weights
        self._more_inputs, self._several = list(more_inputs), several

    def _with_labels(self, x: Any, indices: npt.NDArray[np.int64]) -> Any:
        inputs = [x, *(more[indices] for more in self._more_inputs)] if self._more_inputs else x
        if not self._targets:
            return inputs if self.class_mode != "input" else (x, x)
        y: Any = [target[indices] for target in self._targets]
        if not self._several:
            y = y[0]
        return (inputs, y) if self._weights is None else (inputs, y, self._weights[indices])
