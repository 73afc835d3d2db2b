"""Base class of a user's own dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class MltkDataset:
    """Base of your own dataset. Assign an instance to ``my_model.dataset``."""

    def load_dataset(self, subset: str, test: bool = False, **kwargs: Any) -> Any:
        """Return the samples of a subset.

        Args:
            subset: ``"training"``, ``"validation"`` or ``"evaluation"``.
            test: Whether this is a dry run, which needs only a few samples.
            kwargs: More arguments of the operation.

        Returns:
            ``x``, ``(x, y)`` or ``(x, y, validation_data)``, each as ``keras.Model.fit`` takes it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define load_dataset(subset, test=False)")

    def unload_dataset(self) -> None:
        """Release what :meth:`load_dataset` holds."""

    def summarize_dataset(self) -> str:
        """Return a text about the dataset; empty if there is nothing to say."""
        counts = getattr(self, "class_counts", None)
        return self.summarize_class_counts(counts) if counts else ""

    @staticmethod
    def summarize_class_counts(class_counts: Mapping[str, int]) -> str:
        """Return a line ``class : number`` for each class, aligned."""
        width = max((len(str(k)) for k in class_counts), default=0)
        return "\n".join(f"{name!s:>{width}} : {count}" for name, count in class_counts.items())
