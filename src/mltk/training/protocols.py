"""What training needs from a specification: the settings that the functions in this package read.

A specification gets these attributes from several mixins (``TrainMixin``, ``DatasetMixin``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from mltk.specification.events import MltkModelEvent


class FitSettings(Protocol):
    """Settings that decide which data ``keras.Model.fit`` trains with."""

    x: Any
    y: Any
    sample_weight: Any
    validation_data: Any

    @property
    def name(self) -> str: ...
    @property
    def classes(self) -> list[str]: ...
    @property
    def n_classes(self) -> int: ...
    @property
    def class_weights(self) -> Mapping[int | str, float] | Sequence[float] | str | None: ...
    @property
    def class_counts(self) -> Mapping[str, Mapping[Any, int]]: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def shuffle(self) -> bool: ...
    @property
    def steps_per_epoch(self) -> int | None: ...
    @property
    def validation_split(self) -> float: ...
    @property
    def validation_steps(self) -> int | None: ...
    @property
    def validation_batch_size(self) -> int | None: ...
    @property
    def validation_freq(self) -> int: ...


class CallbackSettings(Protocol):
    """Settings that decide which callbacks a training run has."""

    @property
    def train_callbacks(self) -> Sequence[Any] | None: ...
    @property
    def early_stopping(self) -> Mapping[str, Any] | None: ...
    @property
    def reduce_lr_on_plateau(self) -> Mapping[str, Any] | None: ...
    @property
    def validation_freq(self) -> int: ...
    @property
    def checkpoints_enabled(self) -> bool: ...
    @property
    def checkpoints_dir(self) -> str: ...
    @property
    def weights_dir(self) -> str: ...

    def callback_options(self, name: str) -> dict[str, Any] | None:
        """Arguments of the built-in callback ``name``, or None if it is off."""

    def create_log_dir(self, suffix: str = "", delete_existing: bool = False) -> str:
        """Create the folder ``suffix`` in the log folder, and return its path."""

    def trigger_event(self, event: MltkModelEvent | str, **kwargs: Any) -> None:
        """Call the handlers of ``event``."""
