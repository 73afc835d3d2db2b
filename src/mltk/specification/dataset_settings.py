"""Settings for the dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mltk.specification.events import MltkModelEvent
from mltk.specification.own_dataset import MltkDataset
from mltk.specification.settings import Spec, fraction, positive, setting
from mltk.specification.sources import LoadedDataset, load_from_source, release, summarize_source

UNKNOWN = object()


def _empty_class_counts() -> dict[str, dict[str, int]]:
    return {"training": {}, "validation": {}, "evaluation": {}}


class DatasetMixin(Spec):
    """The source of the samples. Most settings have the name and meaning of an argument of ``keras.Model.fit``."""

    _loaded: LoadedDataset | None = None
    _usual_dataset: Any = UNKNOWN
    """The dataset of the script, or of the training in this process; another one is a user's own."""

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
        None, "Weight of each class in the loss, by index or name; `'balanced'` gives rare classes more weight."
    )
    sample_weight: Any = setting(None, "Weight of each training sample in the loss: array `[samples]`.")
    steps_per_epoch: int | None = setting(None, "Batches of one epoch; None is all.", check=positive)
    class_counts: dict[str, dict[str, int]] = setting(
        factory=_empty_class_counts, doc="Samples of each class, by subset; set by loading."
    )
    loaded_subset: str | None = setting(None, "Subset that is loaded now; set by loading.")

    def _remember_dataset(self) -> None:
        """Remember the dataset that the figures of this model are about, to notice when a user assigns another."""
        self._usual_dataset = self.dataset

    def load_dataset(self, subset: str, test: bool = False, **kwargs: Any) -> None:
        """Load a subset into :attr:`x`, :attr:`y` and :attr:`validation_data`.

        A specification can override this method, call ``super().load_dataset(subset)``, and assign these itself.

        Args:
            subset: ``"training"``, ``"validation"`` or ``"evaluation"``.
            test: Whether this is a dry run.
            kwargs: More arguments for a dataset that takes them.

        Raises:
            DatasetError: The setting ``dataset`` can't be loaded, or it returned something else than samples.
        """
        self.loaded_subset = subset
        if self.dataset is not None:
            load_from_source(self, subset, test=test, **kwargs)

    def unload_dataset(self) -> None:
        """Release the samples that :attr:`dataset` returned. Samples that you assigned stay."""
        self.trigger_event(MltkModelEvent.BEFORE_UNLOAD_DATASET)
        dataset = self.dataset
        if isinstance(dataset, MltkDataset):
            dataset.unload_dataset()
        release(self)
        self._values.pop("loaded_subset", None)
        self.trigger_event(MltkModelEvent.AFTER_UNLOAD_DATASET)

    def summarize_dataset(self) -> str:
        """Return a text about the loaded samples."""
        return summarize_source(self)


class DataGeneratorDatasetMixin(DatasetMixin):
    """A dataset whose samples a generator makes during training."""

    datagen: Any = setting(None, "Data generator for training, and for validation if `validation_datagen` is None.")
    validation_datagen: Any = setting(None, "Data generator for validation; None is `datagen`.")
    datagen_context: Any = setting(None, "What the data generator holds while samples are loaded; set by loading.")

    def get_datagen_creator(self, subset: str) -> Callable[..., Any] | None:
        """Return the method ``flow_from_directory`` of the subset's data generator; None if it has none."""
        source = self.validation_datagen if subset == "validation" and self.validation_datagen else self.datagen
        return getattr(source, "flow_from_directory", None)

    def get_shuffle_index_dir(self) -> str:
        """Make and return the folder of the order in which files are shuffled."""
        return self.create_log_dir("dataset")
