"""Load a dataset, and check it against the classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from mltk.errors import DatasetError
from mltk.operations.shared.explain import explained
from mltk.specification.events import MltkModelEvent


def load_dataset(model: Any, subset: str, **kwargs: Any) -> None:
    """Load a subset of the model's dataset, with its events."""
    arguments = {"subset": subset, "test": model.test_mode_enabled}
    model.trigger_event(MltkModelEvent.BEFORE_LOAD_DATASET, **arguments, load_dataset_args=kwargs)
    with explained(f"{model.name}: loading the {subset} dataset failed"):
        model.load_dataset(subset, test=model.test_mode_enabled, **kwargs)
    model.trigger_event(MltkModelEvent.AFTER_LOAD_DATASET, **arguments, load_dataset_args=kwargs)


def check_labels(model: Any, y: Any) -> None:
    """See that labels in memory fit the classes of a classifier.

    Raises:
        DatasetError: they don't.
    """
    from mltk.data.iterate import class_indices, is_arrays
    from mltk.specification.evaluate_settings import EvaluateAutoEncoderMixin, EvaluateClassifierMixin

    classifies = isinstance(model, EvaluateClassifierMixin) and not isinstance(model, EvaluateAutoEncoderMixin)
    if not classifies or not model.is_set("classes") or y is None or isinstance(y, (dict, tuple)) or not is_arrays(y):
        return
    labels = np.asarray(y)
    if labels.dtype.kind not in "iub" or labels.size == 0 or labels.ndim > 2:
        return
    if labels.ndim == 2 and labels.shape[1] > 1:
        return  # one-hot: Keras names the two shapes
    indices = class_indices(labels)
    if indices.min() < 0 or indices.max() >= model.n_classes:
        raise DatasetError(
            f"{model.name}: labels go from {indices.min()} to {indices.max()}, but there are {model.n_classes} classes "
            f"({', '.join(model.classes)}).",
            hint="Labels are class indices from 0, in the order of my_model.classes.",
        )
