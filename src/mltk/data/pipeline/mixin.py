"""Settings for a dataset of files in class folders, of every medium."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np

from mltk.data.class_files import Source
from mltk.data.pipeline.generator import ParallelDataGenerator
from mltk.data.pipeline.pairs import PairBatches, pair_lists
from mltk.errors import DatasetError, SettingError
from mltk.specification.dataset_settings import DataGeneratorDatasetMixin
from mltk.specification.events import MltkModelEvent
from mltk.specification.own_dataset import MltkDataset
from mltk.specification.settings import setting
from mltk.specification.sources import (
    Request,
    assign_returned,
    assign_samples,
    call_function,
    function_of,
    is_samples,
    is_split,
    takes_subset,
)

TEST_SAMPLES_PER_CLASS = 10
"""Most samples of a class in a dry run."""


class Assigned(NamedTuple):
    """The samples of a dataset without files were assigned.

    Attributes:
        is_split: Whether the dataset is a pair of training and test samples.
        by_subset: Whether the dataset was asked for the samples of one subset.
    """

    is_split: bool
    by_subset: bool = False


class FileDatasetMixin(DataGeneratorDatasetMixin):
    """Base of the mixins for a dataset of files, and a data generator that makes samples of them."""

    shares_settings: ClassVar[bool] = True
    datagen_example: ClassVar[str]
    """An expression that makes a data generator, for an error's hint."""
    _added_files: Mapping[str, Sequence[str]] | None = None

    class_mode: Literal["categorical", "binary", "sparse", "input"] | None = setting(
        "categorical",
        "Labels: `categorical` is one-hot, `binary` and `sparse` are class indices, `input` is the sample itself.",
    )
    follow_links: bool = setting(True, "Enter folders of the dataset that are symbolic links.")
    shuffle_dataset_enabled: bool = setting(
        False, "Choose and split files in an order that looks random, instead of the order of their names."
    )

    def _required_datagen(self) -> Any:
        if self.datagen is None:
            raise SettingError(
                f"{self.name}: datagen is not set.", hint=f"Set it: my_model.datagen = {self.datagen_example}"
            )
        return self.datagen

    # -- loading -----------------------------------------------------------------------------------------------

    def load_dataset(  # type: ignore[override]  # MLTK 0.20 has these arguments between the base's two
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
            DatasetError: The dataset is missing, empty, or lacks a class.
        """
        limit = max_samples_per_class if max_samples_per_class > 0 else -1
        if test:
            limit = TEST_SAMPLES_PER_CLASS if limit <= 0 else min(limit, TEST_SAMPLES_PER_CLASS)
        source = self._file_source(subset, test, kwargs)
        if self._added_files and subset == "training":
            self._check_can_add(source)
        if isinstance(source, Assigned):
            self._samples_are_assigned(subset, source, limit)
            return
        options = {"classes": list(classes or self.classes), "max_samples_per_class": limit}
        self.loaded_subset = subset
        self.y = self.validation_data = None
        if subset == "training":
            self._load_training(source, options)
        else:
            self._load_held_out(source, subset, options)
        self.datagen_context = [b for b in (self.x, self.validation_data) if b is not None]

    def _add_training_files(self, files: Mapping[str, Sequence[str]]) -> None:
        """Train with these files too. They are in no other subset.

        Args:
            files: Class → absolute paths.
        """
        self._added_files = {name: list(paths) for name, paths in files.items()}

    def _check_can_add(self, source: Source | Assigned) -> None:
        """Raise DatasetError if files can't be added to this dataset."""
        why = None
        if isinstance(source, Assigned):
            why = "its dataset returns samples as arrays, not as files"
        elif getattr(self.dataset, "lists_pairs", False):
            why = "its samples are pairs of files"
        elif not isinstance(self._required_datagen(), ParallelDataGenerator):
            why = f"its data generator is a {type(self.datagen).__name__}"
        if why:
            raise DatasetError(
                f"No files can be added to the training samples of {self.name}: {why}.",
                hint="Copy the files into the class folders of the dataset, and train without --add.",
            )

    def _samples_are_assigned(self, subset: str, assigned: Assigned, most: int) -> None:
        """Do what the medium does with samples that the dataset returned as arrays; nothing by default.

        Args:
            subset: The subset that is loaded.
            assigned: What the dataset returned.
            most: Most samples of a class; -1 is all.
        """

    def _load_training(self, source: Source, options: dict[str, Any]) -> None:
        split = self._required_datagen().validation_split > 0
        added = {"added_files": self._added_files} if self._added_files else {}
        self.x = self._flow(source, "training", split=split, shuffle=self.shuffle, **added, **options)
        if split or self.validation_datagen is not None:
            self.validation_data = self._flow(source, "validation", split=split, shuffle=False, **options)

    def _load_held_out(self, source: Source, subset: str, options: dict[str, Any]) -> None:
        generator = self.validation_datagen or self._required_datagen()
        evaluates = subset == "evaluation"
        batches = self._flow(
            source,
            "evaluation" if evaluates else "validation",
            split=generator.validation_split > 0,
            shuffle=False,
            augment=self._augments_evaluation() if evaluates else None,
            **options,
        )
        if evaluates:
            batches.drop_unreadable()
        self.x = batches

    def _augments_evaluation(self) -> bool:
        return bool(getattr(self, "eval_augment", False))

    def _medium_options(self) -> dict[str, Any]:
        """Return the arguments of ``flow_from_directory`` that only this medium has."""
        return {}

    def _generator_for(self, subset: str) -> Any:
        if subset != "training" and self.validation_datagen is not None:
            generator = self.validation_datagen
            if hasattr(generator, "share_reports"):  # a data generator of the user's own may lack it
                generator.share_reports(self._required_datagen())
            return generator
        return self._required_datagen()

    def _batch_size_for(self, subset: str) -> int:
        if subset == "validation" and self.validation_batch_size is not None:
            return self.validation_batch_size
        return int(getattr(self, "batch_size", 32))

    def _flow(self, source: Source, subset: str, *, split: bool, shuffle: bool, **options: Any) -> Any:
        counts: dict[str, int] = {}
        list_function = getattr(self.dataset, "list_valid_filenames_in_directory", None)
        flow = functools.partial(
            self._generator_for(subset).flow_from_directory,
            source,
            class_mode=self.class_mode,
            batch_size=self._batch_size_for(subset),
            shuffle=shuffle,
            shuffle_index_dir=self.get_shuffle_index_dir() if self.shuffle_dataset_enabled else None,
            follow_links=self.follow_links,
            subset=(subset if subset == "training" else "validation") if split else None,
            class_counts=counts,
            **self._medium_options(),
            **options,
        )
        batches: Any
        if list_function is not None and getattr(self.dataset, "lists_pairs", False):
            seed = int(np.random.randint(2**31)) if self.seed is None else self.seed
            halves = (flow(seed=seed, list_valid_filenames_in_directory_function=f) for f in pair_lists(list_function))
            batches = PairBatches(*halves)
        else:
            batches = flow(seed=self.seed, list_valid_filenames_in_directory_function=list_function)
        self.class_counts[subset] = counts
        return batches

    # -- where the files are -----------------------------------------------------------------------------------

    def _file_source(self, subset: str, test: bool, kwargs: Mapping[str, Any]) -> Source | Assigned:
        """Return the source of the files; or assign the samples that the dataset returned instead."""
        dataset = self.dataset
        if dataset is None:
            raise DatasetError(
                f"{self.name}: dataset is not set.",
                hint="Set my_model.dataset to a folder of class folders, or a module with load_data().",
            )
        if _lists_files(dataset):
            return dataset
        if isinstance(dataset, MltkDataset) and not is_samples(dataset):
            returned = dataset.load_dataset(subset, test=test, **kwargs)
            if _lists_files(returned):
                return returned
            self._assign_samples(returned, subset)
            return Assigned(is_split=False, by_subset=True)
        function = function_of(dataset)
        if function is None:
            super().load_dataset(subset, test=test, **kwargs)
            return Assigned(is_split(dataset, for_subset=False))
        request = Request(self, subset, test, kwargs)
        returned = call_function(function, request)
        if _lists_files(returned):
            return returned
        self.loaded_subset = subset
        return Assigned(assign_returned(function, returned, request), takes_subset(function))

    def _assign_samples(self, samples: Any, subset: str) -> None:
        self.loaded_subset = subset
        assign_samples(self, samples, subset)
        counts = getattr(self.dataset, "class_counts", None)
        if counts:
            self.class_counts[subset] = dict(counts)

    # -- afterwards --------------------------------------------------------------------------------------------

    def unload_dataset(self) -> None:
        """Stop what makes batches, and release the samples."""
        for batches in self.datagen_context or ():
            batches.shutdown()
        if self._loaded is not None:
            self._values.pop("datagen_context", None)
            super().unload_dataset()
        elif self.datagen_context:
            self.trigger_event(MltkModelEvent.BEFORE_UNLOAD_DATASET)
            for name in ("x", "y", "validation_data", "datagen_context", "loaded_subset"):
                self._values.pop(name, None)
            self.trigger_event(MltkModelEvent.AFTER_UNLOAD_DATASET)
        else:
            super().unload_dataset()

    def summarize_dataset(self) -> str:
        """Return a text with the number of loaded samples of each class."""
        if not self.datagen_context:
            return super().summarize_dataset()
        lines = []
        for title, batches in (("Dataset", self.x), ("Validation dataset", self.validation_data)):
            if batches is not None:
                lines.append(f"{title}: {batches.n} samples of {batches.num_classes} classes")
                lines.append(MltkDataset.summarize_class_counts(batches.class_counts))
        return "\n".join(lines)


def _lists_files(value: Any) -> bool:
    """Return whether this is a folder, a dict, or a list of paths or of ``(path, class)``."""
    if isinstance(value, list) and value:
        first: Any = value[0]
        if isinstance(first, (tuple, list)) and len(first) == 2:
            first = first[0]
        return isinstance(first, str) or hasattr(first, "__fspath__")
    return isinstance(value, (str, dict)) or hasattr(value, "__fspath__")
