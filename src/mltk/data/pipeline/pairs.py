"""Batches of pairs of samples, for siamese models: ``((first, second), y)``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from mltk.data.pipeline.batches import SampleBatches
from mltk.data.pipeline.epochs import EpochBatches
from mltk.errors import DatasetError

ListFunction = Callable[..., tuple[str, list[tuple[str, str]]]]
_Half: TypeAlias = "SampleBatches[Any, Any]"


def one_of_pair(list_function: ListFunction, which: int) -> Callable[..., tuple[str, list[str]]]:
    """Return a function that lists one file of each pair.

    Args:
        list_function: Lists pairs of files, with the arguments of ``list_valid_filenames_in_directory``.
        which: 0 or 1.
    """

    def listed(*args: Any, **kwargs: Any) -> tuple[str, list[str]]:
        name, pairs = list_function(*args, **kwargs)
        return name, [pair[which] for pair in pairs]

    return listed


def pair_lists(list_function: ListFunction) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the functions that list the first and the second file of each pair."""
    return one_of_pair(list_function, 0), one_of_pair(list_function, 1)


class PairBatches(EpochBatches):
    """Batches of pairs. Both samples of a pair are augmented, each with its own random parameters.

    Args:
        first: Batches of the first sample of each pair.
        second: Batches of the second samples, from the same seed.

    Raises:
        DatasetError: There are more first samples than second samples, or fewer.
    """

    def __init__(self, first: _Half, second: _Half) -> None:
        if len(first.filenames) != len(second.filenames):
            raise DatasetError(
                f"The pairs have {len(first.filenames)} first samples and {len(second.filenames)} second samples.",
                hint="The function that lists the pairs must return the same pairs for the same arguments.",
            )
        super().__init__(first.samples, first.batch_size, workers=first._workers, max_batches_pending=first._pending)
        self.first, self.second = first, second
        self.class_indices, self.num_classes = first.class_indices, first.num_classes
        self.labels = self.classes = first.labels
        self.seed, self.shuffle, self.class_mode = first.seed, first.shuffle, first.class_mode
        self.filenames = list(zip(first.filenames, second.filenames, strict=True))
        # The order of the second samples is fixed by now. Their augmentation must differ from that of the first.
        second.seed = (second.seed + 1) % 2**31

    @property
    def class_counts(self) -> dict[str, int]:
        """Class → number of pairs."""
        return self.first.class_counts

    def drop_unreadable(self) -> None:
        """Raise an error for the first file that cannot be read, because a pair needs both.

        Raises:
            DatasetError: A file cannot be read.
        """
        for half in (self.first, self.second):
            readable = half.bank.ensure_all(2)[: half.samples]
            if not readable.all():
                raise DatasetError(f"{half.filenames[int(readable.argmin())]} can't be read.", hint="Remove its pairs.")

    def batch(self, epoch: int, index: int) -> Any:
        """Return ``((first, second), y)``, or ``(first, second)`` if the class mode has no labels."""
        first, second = self.first.batch(epoch, index), self.second.batch(epoch, index)
        if isinstance(first, tuple):
            return (first[0], second[0]), first[1]
        return first, second

    def shutdown(self) -> None:
        """Stop the threads and processes. They start again when a batch is requested."""
        super().shutdown()
        self.first.shutdown()
        self.second.shutdown()
