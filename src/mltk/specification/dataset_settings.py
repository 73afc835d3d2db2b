"""Settings for the dataset, and datasets of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mltk.specification.events import MltkModelEvent
from mltk.specification.settings import Spec, fraction, positive, setting


class MltkDataset:
    """Base of a dataset of your own; assign an instance to ``my_model.dataset``."""

    def load_dataset(self, subset: str, test: bool = False, **kwargs: Any) -> Any:
        """Give the samples of ``subset``.

        Args:
            subset: ``"training"``, ``"validation"`` or ``"evaluation"``.
            test: whether this is a dry run, for which a few samples do.

        Returns:
            ``x``, ``(x, y)`` or ``(x, y, validation_data)``; each of what ``keras.Model.fit`` takes.
        """
        raise NotImplementedError(f"{type(self).__name__} must define load_dataset(subset, test=False)")

    def unload_dataset(self) -> None:
        """Let go of what :meth:`load_dataset` holds."""

    def summarize_dataset(self) -> str:
        """A text about the dataset; empty when there is nothing to say."""
        counts = getattr(self, "class_counts", None)
        return self.summarize_class_counts(counts) if counts else ""

    @staticmethod
    def summarize_class_counts(class_counts: dict[str, int]) -> str:
        """``class: number`` lines, aligned."""
        width = max((len(str(k)) for k in class_counts), default=0)
        return "\n".join(f"{name!s:>{width}} : {count}" for name, count in class_counts.items())


def _empty_class_counts() -> dict[str, dict[str, int]]:
    return {"training": {}, "validation": {}, "evaluation": {}}


class DatasetMixin(Spec):
    """Where the samples come from. Everything here is what ``keras.Model.fit`` takes under the same name."""

    dataset: Any = setting(
        None,
        "A module with `load_data()`, a function, an `MltkDataset`, a `tf.data.Dataset`, a `keras.utils.PyDataset`, "
        "or arrays `(x, y)`.",
    )
    x: Any = setting(None, "Samples: array `[samples, *input_shape]`, `tf.data.Dataset`, `PyDataset` or generator.")
    y: Any = setting(None, "Labels: array `[samples]` of class indices or `[samples, classes]` one-hot.")
    validation_data: Any = setting(None, "Samples to validate with after each epoch: `(x, y)` or a dataset.")
    validation_split: float = setting(0.0, "Share of the training samples to validate with, 0 to 1.", check=fraction)
    validation_steps: int | None = setting(None, "Batches of one validation; None is all.", check=positive)
    validation_batch_size: int | None = setting(
        None, "Samples in one validation batch; None is `batch_size`.", check=positive
    )
    validation_freq: int = setting(1, "Epochs between validations.", check=positive)
    shuffle: bool = setting(True, "Shuffle the training samples before each epoch.")
    class_weights: dict[Any, Any] | list[Any] | str | None = setting(
        None, "Weight of each class in the loss, by index or name; `'balanced'` weighs rare classes up."
    )
    sample_weight: Any = setting(None, "Weight of each training sample in the loss: array `[samples]`.")
    steps_per_epoch: int | None = setting(None, "Batches of one epoch; None is all.", check=positive)
    class_counts: dict[str, dict[str, int]] = setting(
        factory=_empty_class_counts, doc="Samples of each class, by subset; filled in by loading."
    )
    loaded_subset: str | None = setting(None, "Subset that is loaded now; set by loading.")

    def load_dataset(self, subset: str, test: bool = False, **kwargs: Any) -> None:
        """Load ``subset`` into :attr:`x`, :attr:`y` and :attr:`validation_data`.

        A specification may override this, call ``super().load_dataset(subset)`` and assign these itself.

        Args:
            subset: ``"training"``, ``"validation"`` or ``"evaluation"``.
            test: whether this is a dry run.

        Raises:
            DatasetError: ``dataset`` is nothing that samples can be had from.
        """
        from mltk.specification.sources import load_from_source

        self.loaded_subset = subset
        if self.dataset is not None:
            load_from_source(self, subset, test=test, **kwargs)

    def unload_dataset(self) -> None:
        """Let go of the samples that :attr:`dataset` gave; what was assigned directly stays."""
        from mltk.specification.sources import drop_source

        self.trigger_event(MltkModelEvent.BEFORE_UNLOAD_DATASET)
        dataset = self.dataset
        if isinstance(dataset, MltkDataset):
            dataset.unload_dataset()
        drop_source(self)
        self._values.pop("loaded_subset", None)
        self.trigger_event(MltkModelEvent.AFTER_UNLOAD_DATASET)

    def summarize_dataset(self) -> str:
        """A text about the samples that are loaded."""
        from mltk.specification.sources import summarize_source

        return summarize_source(self)


class DataGeneratorDatasetMixin(DatasetMixin):
    """A dataset whose samples are made by a generator while training goes on."""

    datagen: Any = setting(None, "Data generator for training, and for validation if there is no other.")
    validation_datagen: Any = setting(None, "Data generator for validation; None is `datagen`.")
    datagen_context: Any = setting(None, "What the data generator holds while samples are loaded; set by loading.")

    def get_datagen_creator(self, subset: str) -> Callable[..., Any] | None:
        """The function that makes the generator of ``subset``, for a generator with several."""
        source = self.validation_datagen if subset == "validation" and self.validation_datagen else self.datagen
        return getattr(source, "flow_from_directory", None)

    def get_shuffle_index_dir(self) -> str:
        """Folder for the order in which files are shuffled."""
        return self.create_log_dir("dataset")
