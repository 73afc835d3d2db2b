"""Settings for a dataset of audio files."""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from mltk.audio.frontend.settings import AudioFeatureGeneratorSettings
from mltk.errors import DatasetError, SettingError
from mltk.specification.dataset_settings import DataGeneratorDatasetMixin, MltkDataset
from mltk.specification.events import MltkModelEvent
from mltk.specification.settings import setting
from mltk.specification.sources import is_samples

TEST_SAMPLES_PER_CLASS = 10
"""In a dry run."""


class AudioDatasetMixin(DataGeneratorDatasetMixin):
    """A dataset of audio files in class folders, and the data generator that makes samples of them.

    ``input_shape`` is that of the generator's samples if it isn't set. The frontend's settings are put into the model's
    parameters (``fe.*``), so that the device computes the features that the model was trained with.
    """

    class_mode: Literal["categorical", "binary", "sparse", "input"] | None = setting(
        "categorical",
        "Labels: `categorical` is one-hot, `binary` and `sparse` are class indices, `input` is the sample itself.",
    )
    follow_links: bool = setting(True, "Go into folders of the dataset that are symbolic links.")
    shuffle_dataset_enabled: bool = setting(
        False, "Choose and split files in an order that looks random, in place of that of their names."
    )

    # -- other names of settings -------------------------------------------------------------------------------

    @property
    def audio_classes(self) -> list[str]:
        """The same as ``classes``."""
        return self.classes

    @audio_classes.setter
    def audio_classes(self, value: list[str]) -> None:
        self.classes = value

    @property
    def audio_input_shape(self) -> tuple[int | None, ...]:
        """The same as ``input_shape``."""
        return self.input_shape

    @audio_input_shape.setter
    def audio_input_shape(self, value: tuple[int, ...]) -> None:
        self.input_shape = value

    def _default_input_shape(self) -> tuple[int, ...] | None:
        return None if self.datagen is None else tuple(self.datagen.sample_shape)

    def _datagen(self) -> Any:
        if self.datagen is None:
            raise SettingError(
                f"{self.name}: datagen is not set.",
                hint="Set it: my_model.datagen = ParallelAudioDataGenerator(frontend_settings=...)",
            )
        return self.datagen

    @property
    def sample_rate_hz(self) -> int:
        """Rate of the audio, from ``datagen``."""
        return self._datagen().sample_rate_hz

    @sample_rate_hz.setter
    def sample_rate_hz(self, value: int) -> None:
        self._datagen().sample_rate_hz = value

    @property
    def sample_length_ms(self) -> int:
        """Length of a clip, from ``datagen``."""
        return self._datagen().sample_length_ms

    @sample_length_ms.setter
    def sample_length_ms(self, value: int) -> None:
        self._datagen().sample_length_ms = value

    @property
    def frontend_settings(self) -> AudioFeatureGeneratorSettings:
        """Settings of the audio frontend, from ``datagen``."""
        return self._datagen().frontend_settings

    def _populate_own_parameters(self) -> None:
        """What the firmware has to do to the audio: 0.20's names."""
        datagen = self.datagen
        if datagen is None:
            return
        if datagen.frontend_enabled:
            datagen.frontend_settings.check()
        self.model_parameters.update(datagen.frontend_settings)
        normalizes = bool(datagen.samplewise_center and datagen.samplewise_std_normalization)
        self.model_parameters["samplewise_norm.rescale"] = float(datagen.rescale or 0.0)
        self.model_parameters["samplewise_norm.mean_and_std"] = normalizes

    # -- loading -----------------------------------------------------------------------------------------------

    def load_dataset(  # type: ignore[override]
        self,
        subset: str,
        classes: Sequence[str] | None = None,
        max_samples_per_class: int = -1,
        test: bool = False,
        **kwargs: Any,
    ) -> None:
        """Load ``subset`` into ``x``, and what to validate with into ``validation_data``.

        Args:
            subset: ``"training"``, ``"validation"`` or ``"evaluation"``; the last two are the validation part.
            classes: of the dataset, in place of the model's.
            max_samples_per_class: at most so many; -1 is all.
            test: whether this is a dry run.
            kwargs: passed on to a dataset of your own.

        Raises:
            DatasetError: the dataset is missing, empty, or lacks a class.
        """
        source = self._audio_source(subset, test, kwargs)
        if source is None:
            return
        limit = max_samples_per_class if max_samples_per_class > 0 else -1
        if test:
            limit = TEST_SAMPLES_PER_CLASS if limit <= 0 else min(limit, TEST_SAMPLES_PER_CLASS)
        options = {"classes": list(classes or self.classes), "max_samples_per_class": limit}
        self.loaded_subset = subset
        self.y = self.validation_data = None
        if subset == "training":
            split = self._datagen().validation_split > 0
            self.x = self._flow(source, "training", split=split, shuffle=self.shuffle, **options)
            if split or self.validation_datagen is not None:
                self.validation_data = self._flow(source, "validation", split=split, shuffle=False, **options)
        else:
            generator = self.validation_datagen or self._datagen()
            batches = self._flow(
                source,
                "evaluation" if subset == "evaluation" else "validation",
                split=generator.validation_split > 0,
                shuffle=False,
                augment=bool(getattr(self, "eval_augment", False)) if subset == "evaluation" else None,
                **options,
            )
            if subset == "evaluation":
                batches.drop_unreadable()
            self.x = batches
        self.datagen_context = [b for b in (self.x, self.validation_data) if b is not None]

    def _flow(self, source: Any, subset: str, *, split: bool, shuffle: bool, **options: Any) -> Any:
        generator = self._datagen()
        if subset != "training" and self.validation_datagen is not None:
            generator = self.validation_datagen
        batch_size = getattr(self, "batch_size", 32)
        if subset == "validation" and self.validation_batch_size is not None:
            batch_size = self.validation_batch_size
        counts: dict[str, int] = {}
        lister = getattr(self.dataset, "list_valid_filenames_in_directory", None)
        batches = generator.flow_from_directory(
            source,
            class_mode=self.class_mode,
            batch_size=batch_size,
            shuffle=shuffle,
            shuffle_index_dir=self.get_shuffle_index_dir() if self.shuffle_dataset_enabled else None,
            seed=self.seed,
            follow_links=self.follow_links,
            subset=(subset if subset == "training" else "validation") if split else None,
            list_valid_filenames_in_directory_function=lister,
            class_counts=counts,
            **options,
        )
        self.class_counts[subset] = counts
        return batches

    def _audio_source(self, subset: str, test: bool, kwargs: Mapping[str, Any]) -> Any:
        """What to list audio files of; None if the dataset gave finished samples, which are assigned."""
        dataset = self.dataset
        if dataset is None:
            raise DatasetError(
                f"{self.name}: dataset is not set.",
                hint="Set my_model.dataset to a folder of class folders, or a module with load_data().",
            )
        if isinstance(dataset, (str, dict)) or hasattr(dataset, "__fspath__") or _is_list_of_files(dataset):
            return dataset
        if is_samples(dataset):
            super().load_dataset(subset, test=test, **kwargs)
            return None
        if isinstance(dataset, types.ModuleType) and hasattr(dataset, "load_data"):
            given = dataset.load_data()
        elif isinstance(dataset, MltkDataset):
            given = dataset.load_dataset(subset, test=test, **kwargs)
        else:
            given = None
        if isinstance(given, (str, dict)) or hasattr(given, "__fspath__") or _is_list_of_files(given):
            return given
        if isinstance(dataset, MltkDataset):
            self._assign_samples(given, subset)
            return None
        super().load_dataset(subset, test=test, **kwargs)
        return None

    def _assign_samples(self, given: Any, subset: str) -> None:
        from mltk.specification.sources import _assign

        self.loaded_subset = subset
        _assign(self, given, subset)
        counts = getattr(self.dataset, "class_counts", None)
        if counts:
            self.class_counts[subset] = dict(counts)

    def unload_dataset(self) -> None:
        """End what makes batches, and let go of the samples."""
        for batches in self.datagen_context or ():
            batches.shutdown()
        if self.datagen_context:
            self.trigger_event(MltkModelEvent.BEFORE_UNLOAD_DATASET)
            for name in ("x", "y", "validation_data", "datagen_context", "loaded_subset"):
                self._values.pop(name, None)
            self.trigger_event(MltkModelEvent.AFTER_UNLOAD_DATASET)
        else:
            super().unload_dataset()

    def summarize_dataset(self) -> str:
        """How many samples of which class are loaded."""
        if not self.datagen_context:
            return super().summarize_dataset()
        lines = []
        for title, batches in (("Dataset", self.x), ("Validation dataset", self.validation_data)):
            if batches is not None:
                lines.append(f"{title}: {batches.n} samples of {batches.num_classes} classes")
                lines.append(MltkDataset.summarize_class_counts(batches.class_counts))
        return "\n".join(lines)


def _is_list_of_files(value: Any) -> bool:
    """Whether this is a list of paths or of ``(path, class)``."""
    if not isinstance(value, list) or not value:
        return False
    first: Any = value[0]
    if isinstance(first, (tuple, list)) and len(first) == 2:
        first = first[0]
    return isinstance(first, str) or hasattr(first, "__fspath__")
