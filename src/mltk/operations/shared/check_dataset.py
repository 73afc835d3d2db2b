"""Load a model's dataset, and check its labels against the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mltk.errors import DatasetError
from mltk.operations.shared.explain import explained
from mltk.specification.events import MltkModelEvent

if TYPE_CHECKING:
    from mltk.operations.shared.model_types import ModelWithDataset
    from mltk.specification.model import MltkModel


def load_dataset(model: ModelWithDataset, subset: str, **kwargs: Any) -> None:
    """Load a subset of the model's dataset, and trigger the events of loading.

    Args:
        model: The specification.
        subset: ``"training"``, ``"validation"`` or ``"evaluation"``.
        kwargs: More arguments of the specification's ``load_dataset``.

    Raises:
        SpecificationError: The specification's code failed.
        DatasetError: The dataset is missing, empty or not what the model needs.
    """
    arguments = {"subset": subset, "test": model.test_mode_enabled}
    model.trigger_event(MltkModelEvent.BEFORE_LOAD_DATASET, **arguments, load_dataset_args=kwargs)
    with explained(f"{model.name}: loading the {subset} dataset failed"):
        model.load_dataset(subset, test=model.test_mode_enabled, **kwargs)
    model.trigger_event(MltkModelEvent.AFTER_LOAD_DATASET, **arguments, load_dataset_args=kwargs)


def is_classifier(model: MltkModel) -> bool:
    """Whether the model is evaluated as a classifier, by the classes that the specification sets."""
    from mltk.specification.evaluate_settings import EvaluateAutoEncoderMixin, EvaluateClassifierMixin

    classifies = isinstance(model, EvaluateClassifierMixin) and not isinstance(model, EvaluateAutoEncoderMixin)
    return classifies and model.is_set("classes")


def check_labels(model: MltkModel, y: Any) -> None:
    """Check that a classifier's labels are indices of its classes, if they are in memory.

    Args:
        model: The specification.
        y: The labels. One-hot labels ``[samples, classes]`` are not checked: Keras names the two shapes.

    Raises:
        DatasetError: A label is not the index of a class.
    """
    from mltk.data.iterate import class_indices, is_arrays

    if not is_classifier(model) or y is None or isinstance(y, (dict, tuple)) or not is_arrays(y):
        return
    labels = np.asarray(y)
    if labels.dtype.kind not in "iub" or labels.size == 0 or labels.ndim > 2:
        return
    if labels.ndim == 2 and labels.shape[1] > 1:
        return
    indices = class_indices(labels)
    if indices.min() < 0 or indices.max() >= model.n_classes:
        raise DatasetError(
            f"{model.name}: labels go from {indices.min()} to {indices.max()}, but there are {model.n_classes} classes "
            f"({', '.join(model.classes)}).",
            hint="Labels are class indices from 0, in the order of my_model.classes.",
        )
