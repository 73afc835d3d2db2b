"""Settings for a dataset of images."""

from __future__ import annotations

from typing import Any, Literal

from mltk.data.pipeline.mixin import FileDatasetMixin
from mltk.image.image_format import CHANNELS, color_mode_of
from mltk.specification.settings import setting


class ImageDatasetMixin(FileDatasetMixin):
    """A dataset of images in class folders or in memory, and the data generator that augments them."""

    datagen_example = "ParallelImageDataGenerator(...)"

    target_size: tuple[int, ...] | None = setting(
        None, "`(height, width)` that images are resized to; None is that of `input_shape`."
    )
    color_mode: Literal["auto", "grayscale", "rgb", "rgba"] = setting(
        "auto", "Channels of an image: `grayscale`, `rgb` or `rgba`; `auto` is that of `input_shape`."
    )
    interpolation: str | None = setting(
        "bilinear", "Filter that resizes images: `nearest bilinear bicubic lanczos box hamming`."
    )

    @property
    def image_classes(self) -> list[str]:
        """The same as ``classes``."""
        return self.classes

    @image_classes.setter
    def image_classes(self, value: list[str]) -> None:
        self.classes = value

    @property
    def image_input_shape(self) -> tuple[int | None, ...]:
        """The same as ``input_shape``."""
        return self.input_shape

    @image_input_shape.setter
    def image_input_shape(self, value: tuple[int, ...]) -> None:
        self.input_shape = value

    def _default_input_shape(self) -> tuple[int, ...] | None:
        if self.target_size is None:
            return None
        return (*self.target_size[:2], CHANNELS.get(self.color_mode, 3))

    def _medium_options(self) -> dict[str, Any]:
        """Return the arguments of ``flow_from_directory`` that only images have."""
        shape = tuple(self.input_shape)
        color_mode = self.color_mode
        return {
            "target_size": self.target_size or shape[:2],
            "color_mode": color_mode_of(int(shape[2] or 0)) if color_mode == "auto" and len(shape) == 3 else color_mode,
            "batch_shape": (getattr(self, "batch_size", 32), *shape),
            "interpolation": self.interpolation,
        }

    def _populate_own_parameters(self) -> None:
        """Put what the firmware must do to an image into the model's parameters, under the names of MLTK 0.20."""
        if self.datagen is None:
            return
        normalizes = bool(
            getattr(self.datagen, "samplewise_center", False)
            and getattr(self.datagen, "samplewise_std_normalization", False)
        )
        self.model_parameters["samplewise_norm.rescale"] = float(getattr(self.datagen, "rescale", None) or 0.0)
        self.model_parameters["samplewise_norm.mean_and_std"] = normalizes
