"""Arguments of a data generator's ``flow_from_directory``, checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mltk.data.class_files import Source
from mltk.data.splitting import Split
from mltk.errors import DatasetError, did_you_mean

CLASS_MODES = ("categorical", "sparse", "binary", "input", None)


@dataclass(kw_only=True)
class FlowOptions:
    """The arguments of ``flow_from_directory`` that every medium has; a medium with more derives from this class.

    Attributes:
        source: Folder of class folders, dict or list; see :data:`~mltk.data.class_files.Source`.
        classes: Names of the classes.
        class_mode: Kind of the labels, one of :data:`CLASS_MODES`.
        batch_size: Samples in a batch.
        shuffle: Whether to draw a new order for each epoch.
        shuffle_index_dir: If given, files are chosen in an order that looks random, not by name.
        seed: Fixes order and augmentation; None draws a seed from NumPy's global generator.
        follow_links: Whether to enter folders that are symbolic links.
        subset: ``"training"``, ``"validation"`` or None for all samples.
        max_samples_per_class: Most samples of a class; -1 is all.
        list_function: Lists and splits the files of a class.
        class_counts: Dict that receives class → number of samples.
        save_to_dir: Folder for the augmented samples; None saves nothing.
        save_prefix: Start of the names of these files.
        save_format: File name extension of these files.
        augment: False turns augmentation off; None follows the generator's settings.
        added_files: Class → absolute paths of more samples. They are in every epoch, and in no other part of a split.
    """

    source: Source
    classes: list[str]
    class_mode: str | None = "categorical"
    batch_size: int = 32
    shuffle: bool = True
    shuffle_index_dir: str | None = None
    seed: int | None = None
    follow_links: bool = False
    subset: str | None = None
    max_samples_per_class: int = -1
    list_function: Callable[..., Any] | None = None
    class_counts: dict[str, int] | None = None
    save_to_dir: str | None = None
    save_prefix: str = ""
    save_format: str = ""
    augment: bool | None = None
    added_files: Mapping[str, Sequence[str]] | None = None

    def check(self) -> None:
        """Check the arguments.

        Raises:
            DatasetError: An argument is impossible.
        """
        if self.class_mode not in CLASS_MODES:
            near = did_you_mean(str(self.class_mode), [m for m in CLASS_MODES if m])
            raise DatasetError(
                f"class_mode is {self.class_mode!r}. {near}".rstrip(), hint=f"It can be one of {CLASS_MODES}."
            )
        if self.subset not in ("training", "validation", None):
            raise DatasetError(f"subset is {self.subset!r}.", hint='It can be "training", "validation" or None.')
        if not self.classes:
            raise DatasetError("There are no classes.", hint='Set my_model.classes, for instance to ["yes", "no"].')
        if len(set(self.classes)) != len(self.classes):
            raise DatasetError(f"A class is named twice: {', '.join(self.classes)}.")

    def split(self, share: float) -> Split | None:
        """Return the part of the files that belongs to the subset.

        Args:
            share: Share of the files for validation, 0 to 1.
        """
        if self.subset is None or share == 0:
            return None
        return (0.0, share) if self.subset == "validation" else (share, 1.0)
