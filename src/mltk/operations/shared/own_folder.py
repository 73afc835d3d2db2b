"""A folder of class folders that is evaluated in place of the evaluation data of the specification."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mltk.data.class_files import ClassFiles, check_directory, class_folders
from mltk.data.iterate import iter_batches
from mltk.data.listing import UNKNOWN_CLASS
from mltk.data.nested import leaves
from mltk.data.pipeline.batches import SampleBatches
from mltk.data.pipeline.mixin import TEST_SAMPLES_PER_CLASS, FileDatasetMixin
from mltk.errors import DatasetError, SpecificationError, did_you_mean
from mltk.files import write_file
from mltk.operations.shared.explain import explained
from mltk.specification.dataset_settings import UNKNOWN
from mltk.specification.model import MltkModel


class OwnFolder:
    """All samples of a folder, without a validation split, with the labels of the model's classes.

    Folders of other names are samples of the class ``_unknown_``, if the model has this class and the folder has no
    class folder of this name. Otherwise they are an error.

    Args:
        model: The specification.
        folder: Path of the folder.
        classes: The classes, in the order of the labels.

    Attributes:
        path: Absolute path of the folder.
        counts: Class → number of the samples that were loaded.
        notes: What a reader of the results must know about the data.

    Raises:
        SpecificationError: The model does not read its samples from files.
        DatasetError: The folder does not exist, or its folders are not the model's classes.
    """

    def __init__(self, model: MltkModel, folder: str | os.PathLike[str], classes: Sequence[str]) -> None:
        self.classes = list(classes)
        listed = list_own_folder(model, folder, self.classes, "can't be evaluated on")
        self.model: FileDatasetMixin = listed.model
        self._test = model.test_mode_enabled
        self.path = listed.path
        self.counts: dict[str, int] = {}
        self.notes: list[str] = listed.notes
        self._files = listed.files
        self._generator = listed.generator
        missing = [name for name in self.classes if name not in self._files]
        if missing:
            self.notes.append(f"The folder has no samples of {', '.join(map(repr, missing))}.")

    @property
    def slug(self) -> str:
        """Name of the folder as a part of a file name."""
        return re.sub(r"\W+", "_", os.path.basename(self.path)).strip("_") or "folder"

    def load(self, limit: int, classes: Sequence[str] | None = None) -> bool:
        """Load the samples into ``model.x``, as batches that can be read once.

        Args:
            limit: Largest number of samples of each class; -1 is all.
            classes: Load only these classes.

        Returns:
            Whether there are samples.

        Raises:
            DatasetError: Too many files cannot be read.
        """
        model = self.model
        present = [name for name in self._files if classes is None or name in classes]
        if not present:
            return False
        if self._test:
            limit = TEST_SAMPLES_PER_CLASS if limit <= 0 else min(limit, TEST_SAMPLES_PER_CLASS)
        with explained(f"{model.name}: loading {self.path} failed"):
            batches = self._generator.flow_from_directory(
                {name: self._files[name] for name in present},
                classes=present,
                class_mode="input" if model.class_mode == "input" else "sparse",
                batch_size=getattr(model, "batch_size", 32),
                shuffle=False,
                seed=model.seed,
                follow_links=model.follow_links,
                subset=None,
                max_samples_per_class=limit if limit > 0 else -1,
                augment=bool(getattr(model, "eval_augment", False)),
                **model._medium_options(),
            )
            batches.drop_unreadable()
        numbers = np.bincount(np.asarray(batches.labels, np.int64), minlength=len(present))
        self.counts |= dict(zip(present, numbers.tolist(), strict=True))
        indices = np.array([self.classes.index(name) for name in present])
        if isinstance(batches, SampleBatches):  # a specification's own functions get the labels of the model too
            batches.number_classes(self.classes)
            indices = np.arange(len(self.classes))
        model.loaded_subset = "evaluation"
        model.y = model.validation_data = None
        model.datagen_context = [batches]
        model.x = self._labelled(batches, indices)
        return True

    def _labelled(self, batches: Any, indices: npt.NDArray[np.intp]) -> Iterator[tuple[Any, Any]]:
        """Yield the batches with labels of the model's classes, in the form that its loss takes."""
        mode = self.model.class_mode
        for batch in iter_batches(batches):
            if mode == "input":
                yield batch.x, batch.y
                continue
            labels = indices[np.asarray(leaves(batch.y)[0]).astype(int).reshape(-1)]
            yield batch.x, np.eye(len(self.classes), dtype=np.float32)[labels] if mode == "categorical" else labels

    def describe(self) -> str:
        """Return a sentence about the samples that were loaded."""
        total = sum(self.counts.values())
        counts = ", ".join(f"{name} {n}" for name, n in self.counts.items())
        return f"The data are {total} samples of {self.path} ({counts}), not the evaluation data of the specification."


@dataclass
class ListedFolder:
    """The files of a folder of class folders.

    Attributes:
        model: The specification.
        path: Absolute path of the folder.
        generator: The data generator that reads the files.
        files: Class → absolute paths, of the classes that have files.
        notes: What a reader must know about the choice of the files.
    """

    model: FileDatasetMixin
    path: str
    generator: Any
    files: dict[str, list[str]]
    notes: list[str]


def list_own_folder(
    model: MltkModel, folder: str | os.PathLike[str], classes: Sequence[str], what: str, subset: str = "evaluation"
) -> ListedFolder:
    """List the files of a folder that has a folder for each class of a model.

    Args:
        model: The specification.
        folder: Path of the folder.
        classes: The classes.
        what: What can't be done if the model does not read files, for the error.
        subset: The subset whose data generator reads the files.

    Raises:
        SpecificationError: The model does not read its samples from files.
        DatasetError: The folder does not exist, or its folders are not the model's classes.
    """
    if not isinstance(model, FileDatasetMixin):
        raise SpecificationError(
            f"{model.name} {what} the folder {os.fspath(folder)}: its samples do not come from files.",
            hint="The class needs a mixin for files, such as mltk.AudioDatasetMixin. Otherwise set "
            "my_model.dataset to a function that returns the samples (x, y).",
        )
    generator = model._generator_for(subset)
    path = check_directory(os.fspath(folder))
    source = ClassFiles(path, generator.formats, model.follow_links)
    named = [name for name in classes if source.has(name)]
    others = [name for name in source.names() if name not in named]
    pooled = UNKNOWN_CLASS in classes and UNKNOWN_CLASS not in named
    if others and not pooled:
        raise _not_classes(model, path, others, classes)
    if not named and not others:
        raise DatasetError(
            f"{path} has no folder of a class of {model.name}.",
            hint=f"It should hold one folder of samples for each class: {', '.join(classes)}.",
        )
    files = source.of_classes(named, others)
    found = {name: files[name] for name in named}
    notes = []
    if others:
        found[UNKNOWN_CLASS] = sorted(path for name in others for path in files[name])
        notes.append(f"The samples of {UNKNOWN_CLASS!r} are from the folders {', '.join(others)}.")
    hidden = sorted(set(_folders(path)) - set(class_folders(path)) - set(named))
    if hidden:
        notes.append(f"Skipped folders: {', '.join(hidden)}.")
    notes += [f"{text}." for text in source.left_out.reports(generator.formats)]
    absolute = {name: [os.path.join(source.directory, p) for p in paths] for name, paths in found.items() if paths}
    return ListedFolder(model, path, generator, absolute, notes)


def _not_classes(model: MltkModel, path: str, others: list[str], classes: Sequence[str]) -> DatasetError:
    near = [did_you_mean(name, classes) for name in others]
    several = len(others) > 1
    return DatasetError(
        f"The folder{'s' * several} {', '.join(map(repr, others))} of {path} "
        f"{'are not classes' if several else 'is not a class'} of {model.name}.",
        hint=" ".join(
            [*filter(None, near), f"The classes are {', '.join(classes)}. Rename or remove the other folders."]
        ),
    )


def add_own_folders(model: MltkModel, folders: Sequence[str | os.PathLike[str]], classes: Sequence[str]) -> list[str]:
    """Add the files of folders to the training samples of a model, and no others that were added before.

    Args:
        model: The specification.
        folders: Paths of folders of class folders.
        classes: The classes.

    Returns:
        What a reader of the log must know about the choice of the files.

    Raises:
        SpecificationError: The model does not read its samples from files.
        DatasetError: A folder does not exist, or its folders are not the model's classes.
    """
    files: dict[str, list[str]] = {}
    notes = []
    for folder in folders:
        listed = list_own_folder(model, folder, classes, "can't be trained with", "training")
        for name, paths in listed.files.items():
            files.setdefault(name, []).extend(paths)
        notes += listed.notes
    if isinstance(model, FileDatasetMixin):
        model._add_training_files(files)
    return notes


def compare_added(model: MltkModel, folder: str, *, resumed: bool) -> str:
    """Store in the folder of a run which files were added to its training samples.

    Args:
        model: The specification.
        folder: The folder of the run.
        resumed: Whether the run resumes, so that the folder may say which files it began with.

    Returns:
        What the log must say, if these are other files; otherwise an empty text.
    """
    added = (model._added_files if isinstance(model, FileDatasetMixin) else None) or {}
    files = {name: sorted([path, os.path.getsize(path)] for path in paths) for name, paths in added.items()}
    stored = os.path.join(folder, "added.json")
    before = None
    if resumed:
        with contextlib.suppress(OSError, ValueError), open(stored, encoding="utf-8") as stream:
            before = json.load(stream)
    write_file(stored, json.dumps(files))
    if before is None or before == files:
        return ""
    n_before, n = (sum(len(paths) for paths in each.values()) for each in (before, files))
    return (
        f"The run began with {n_before or 'no'} added samples and resumes with {n or 'none'}, which are not the same. "
        "Without --resume, it starts from the beginning."
    )


def assigned_folder(model: MltkModel) -> str | None:
    """Return the folder that a user assigned to ``dataset`` after the script had run; None if it is the script's."""
    if not isinstance(model, FileDatasetMixin) or not isinstance(model.dataset, (str, os.PathLike)):
        return None
    usual = model._usual_dataset
    return None if usual is UNKNOWN or model.dataset == usual else os.fspath(model.dataset)


def _folders(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return [e.name for e in entries if e.is_dir() and not e.name.startswith(".")]
