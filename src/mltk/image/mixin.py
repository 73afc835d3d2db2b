"""Settings for a dataset of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from mltk.data.pipeline.mixin import Assigned, FileDatasetMixin
from mltk.errors import DatasetError
from mltk.image.array_flow import ArraySamples, array_batches
from mltk.image.arrays import are_images, dataset_samples
from mltk.image.flow import TargetBatches
from mltk.image.image_format import CHANNELS, color_mode_of
from mltk.specification.settings import setting
from mltk.specification.sources import LoadedDataset


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
        "bilinear",
        "Filter that resizes images: `nearest bilinear bicubic lanczos box hamming`; None keeps the size of each file.",
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

    def load_dataset(  # type: ignore[override]  # as in the base
        self,
        subset: str,
        classes: Sequence[str] | None = None,
        max_samples_per_class: int = -1,
        test: bool = False,
        **kwargs: Any,
    ) -> None:
        """Load ``subset`` into ``x``, and the validation samples into ``validation_data``.

        Args:
            subset: ``"training"``, ``"validation"`` or ``"evaluation"``; the last two are the validation part.
            classes: Names of the classes; None is the model's classes.
            max_samples_per_class: Most samples of a class; -1 is all.
            test: Whether this is a dry run.
            kwargs: More arguments for the ``load_dataset`` of your own dataset.

        Raises:
            DatasetError: The dataset is missing, empty, or lacks a class; or there is one class only.
        """
        if self.class_mode in ("categorical", "binary", "sparse") and len(self.classes) == 1:
            raise DatasetError(
                f"my_model.classes has one class only, {self.classes[0]!r}: a classifier would always be right.",
                hint='Add a class, or set my_model.class_mode = "input" for an auto-encoder.',
            )
        super().load_dataset(subset, classes, max_samples_per_class, test, **kwargs)

    # -- images that are arrays --------------------------------------------------------------------------------

    def _samples_are_assigned(self, subset: str, assigned: Assigned, most: int) -> None:
        """Augment and normalize images that the dataset returned as arrays, as those from files are."""
        if not hasattr(self.datagen, "for_format") or not are_images(self.x):
            return
        held_out = self.validation_data
        samples = self._array_samples(self.x, self.y, self.sample_weight).limited(most)
        share = self._generator_for("training").validation_split or self.validation_split
        if assigned.is_split or (assigned.by_subset and subset != "training"):
            share = 0.0  # these samples are those of the subset
        batches = {}
        if subset == "training":
            batches["training"] = samples.subset("training", share)
            if isinstance(held_out, (tuple, list)) and are_images(held_out[0]):
                batches["validation"] = self._array_samples(*held_out[:3]).limited(most)
            elif share:
                batches["validation"] = samples.subset("validation", share)
        else:
            batches[subset] = samples.subset("validation", share)
        made = {name: self._array_batches(part, name) for name, part in batches.items()}
        validation = {"validation_data": made["validation"]} if subset == "training" and "validation" in made else {}
        LoadedDataset(made[subset], None, sample_weight=None, **validation).assign(self)
        self.datagen_context = list(made.values())

    def _array_samples(self, x: Any, y: Any = None, weights: Any = None) -> ArraySamples:
        channels = CHANNELS.get(self.color_mode) or int(self.input_shape[-1] or 0)
        return dataset_samples(x, y, weights, classes=self.classes, class_mode=self.class_mode, channels=channels)

    def _array_batches(self, samples: ArraySamples, subset: str) -> TargetBatches:
        generator, evaluates = self._generator_for(subset), subset == "evaluation"
        made = array_batches(
            generator,
            samples,
            batch_size=self._batch_size_for(subset),
            shuffle=self.shuffle and subset == "training",
            seed=self.seed,
            save_to_dir=generator.save_to_dir,
            save_prefix=generator.save_prefix or "",
            save_format=generator.save_format or "png",
            subset=subset if subset == "training" else "validation",
            class_mode=self.class_mode,
            augment=self._augments_evaluation() if evaluates else None,
        )
        if samples.class_ids is not None:
            self.class_counts[subset] = made.class_counts
        return made

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
